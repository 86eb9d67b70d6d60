"""The lines that one invocation writes to its plugin's log, as many as the limit allows."""

import json
from collections.abc import Mapping

import msgspec

from host.capabilities import jsontext
from host.model.delivery import LogLine
from host.model.errors import HostError

LINE_BYTES = 32
"""What each line counts besides its text, so that empty lines come to an end too."""
SHORTEST_MASKED = 4
"""Characters. A secret shorter than this is no secret, and masking it would garble every line."""


class Journal:
    """Log lines within `limit` bytes; a line that does not fit is dropped and counted. Values of `secrets` are masked by their names."""

    def __init__(self, limit: int, secrets: Mapping[str, str]) -> None:
        self.lines: list[LogLine] = []
        self.dropped = 0
        self.bytes = 0
        self._limit = limit
        self._masks = _masks(secrets)

    def write(self, at: int, level: str, message: str, fields: str | None) -> None:
        """`at` is in milliseconds since 1970. `fields` that are no JSON object are kept as text, under `fields`: a log refuses nothing."""
        size = LINE_BYTES + _size(message) + _size(fields or "")
        if self.bytes + size > self._limit:
            self.dropped += 1
            return
        self.bytes += size
        self.lines.append(LogLine(at, level, self.masked(message), None if fields is None else self.masked(_object(fields))))

    def masked(self, text: str) -> str:
        """The text without the values of secrets."""
        for value, mask in self._masks:
            text = text.replace(value, mask)
        return text


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _object(fields: str) -> str:
    try:
        return jsontext.object_text("fields", fields)
    except HostError:
        return json.dumps({"fields": fields})


def _masks(secrets: Mapping[str, str]) -> list[tuple[str, str]]:
    """What to replace by what, the longest first, since one secret can be a part of another. JSON may spell a value with escapes."""
    spellings = {
        spelling: f"[secret {name}]"
        for name, value in secrets.items()
        for part in {value, *value.splitlines()}  # what a guest prints comes line by line
        if len(part) >= SHORTEST_MASKED
        for spelling in (part, msgspec.json.encode(part).decode()[1:-1], json.dumps(part)[1:-1])
    }
    return sorted(spellings.items(), key=lambda item: -len(item[0]))
