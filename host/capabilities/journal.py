"""The lines that one invocation writes to its plugin's log, as many as the limit allows."""

import json

from host.capabilities import jsontext
from host.model.delivery import LogLine
from host.model.errors import HostError
from host.model.masks import Masks

LINE_BYTES = 32
"""What each line counts besides its text, so that empty lines come to an end too."""


class Journal:
    """Log lines within `limit` bytes; a line that does not fit is dropped and counted. Each goes through `masks`."""

    def __init__(self, limit: int, masks: Masks) -> None:
        self.lines: list[LogLine] = []
        self.dropped = 0
        self.bytes = 0
        self._limit = limit
        self._masks = masks

    def write(self, at: int, level: str, message: str, fields: str | None) -> None:
        """`at` is in milliseconds since 1970. `fields` that are no JSON object are kept as text, under `fields`: a log refuses nothing."""
        size = LINE_BYTES + _size(message) + _size(fields or "")
        if self.bytes + size > self._limit:
            self.dropped += 1
            return
        self.bytes += size
        masked = self._masks.masked
        self.lines.append(LogLine(at, level, masked(message), None if fields is None else masked(_object(fields))))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _object(fields: str) -> str:
    try:
        return jsontext.object_text("fields", fields)
    except HostError:
        return json.dumps({"fields": fields})
