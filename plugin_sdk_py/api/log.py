"""The plugin's log, kept per organisation."""

from plugin_sdk_py.api.host import host
from plugin_sdk_py.text import dump, text

__all__ = ["Log"]


class Log:
    """Lines with fields: `log.info("skipped", field="statuses", count=3)`. What JSON does not have goes as its text."""

    def debug(self, message: str, /, **fields: object) -> None:
        self._write("DEBUG", message, fields)

    def info(self, message: str, /, **fields: object) -> None:
        self._write("INFO", message, fields)

    def warn(self, message: str, /, **fields: object) -> None:
        self._write("WARN", message, fields)

    def error(self, message: str, /, **fields: object) -> None:
        self._write("ERROR", message, fields)

    def _write(self, level: str, message: object, fields: dict[str, object]) -> None:
        host.log.write(host.log.Level[level], text(str(message), "message"), _json(fields) if fields else None)


def _json(fields: dict[str, object]) -> str:
    return dump({name: value if _is_json(value) else str(value) for name, value in fields.items()}, "fields")


def _is_json(value: object) -> bool:
    try:
        dump(value, "field")
    except (TypeError, ValueError):
        return False
    return True
