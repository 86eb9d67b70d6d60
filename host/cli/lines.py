"""Log lines of plugins, for a person and as JSON. Nothing in one makes another one, or moves a terminal's cursor."""

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from host.cli.moments import to_the_millisecond
from host.cli.output import one_line, plain
from host.model.errors import UsageError

if TYPE_CHECKING:
    from host.model.delivery import LogLine
    from stores.logs import LoggedLine


class Wanted(NamedTuple):
    """Which lines: of that level or a more urgent one, and with a match of the pattern in the message or the fields."""

    level: str | None
    pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, level: str | None, pattern: str | None) -> "Wanted":
        """Raises `UsageError` where the level is none, or the pattern is no regular expression."""
        from host.cli.lookup import unknown
        from host.model.delivery import LEVELS

        if level is not None and level not in LEVELS:
            raise unknown("there is no level", level, LEVELS, nothing="")
        try:
            return cls(level, None if pattern is None else re.compile(pattern))
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(f"--grep takes a regular expression, and {pattern!r} is none: {error}") from None

    def has(self, line: "LoggedLine") -> bool:
        from host.model.delivery import LEVELS

        if self.level is not None and line.level in LEVELS[: LEVELS.index(self.level)]:
            return False
        return self.pattern is None or any(self.pattern.search(text) for text in (line.message, line.fields or ""))


def shown_whole(line: "LogLine | LoggedLine") -> str:
    """With the line ends that it has, a traceback's for example: what follows them is indented, so that it passes for no other line."""
    return plain(f"{to_the_millisecond(line.at)} {line.level:<5} {line.message} {line.fields or ''}".rstrip()).replace("\n", "\n    ")


def shown(line: "LoggedLine") -> str:
    """On one line, whatever is in it, with whose it is and the delivery, which `innkeeper deliveries show` takes."""
    told = f"{line.level:<5} {line.organization}/{line.plugin} {line.message} {line.fields or ''}"
    return one_line(f"{to_the_millisecond(line.at)} {told.rstrip()} [{line.delivery_id}]")


def as_data(line: "LogLine | LoggedLine") -> dict[str, Any]:
    """With the fields as what they are, not as text."""
    from msgspec.structs import asdict

    return asdict(line) | {"fields": _decoded(line.fields)}


def _decoded(fields: str | None) -> Any:
    from msgspec import MsgspecError
    from msgspec.json import decode

    try:
        return None if fields is None else decode(fields)
    except (MsgspecError, RecursionError):
        return fields
