"""The plugin's log, kept per organisation."""

import json

from plugin_sdk_py.api.host import host
from plugin_sdk_py.text import text

__all__ = ["Log"]


class Log:
    """Lines with fields: `log.info("skipped", field="statuses", count=3)`. A field that JSON does not have goes as its text."""

    def debug(self, message: str, **fields: object) -> None:
        self._write("DEBUG", message, fields)

    def info(self, message: str, **fields: object) -> None:
        self._write("INFO", message, fields)

    def warn(self, message: str, **fields: object) -> None:
        self._write("WARN", message, fields)

    def error(self, message: str, **fields: object) -> None:
        self._write("ERROR", message, fields)

    def _write(self, level: str, message: object, fields: dict[str, object]) -> None:
        host.log.write(host.log.Level[level], text(str(message), "message"), json.dumps(fields, default=str) if fields else None)
