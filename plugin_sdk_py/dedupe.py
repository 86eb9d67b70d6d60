"""What a request has that one of the same meaning has too."""

import re
from dataclasses import dataclass

from plugin_sdk_py.text import Json

__all__ = ["Dedupe", "dedupe_by"]

HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
POINTER = re.compile(r"(/([^~/]|~[01])*){1,16}")
DAY = 24 * 60 * 60


@dataclass(frozen=True, kw_only=True)
class Dedupe:
    header: str | None
    json: str | None
    expires_s: int

    def __post_init__(self) -> None:
        if (self.header is None) == (self.json is None):
            raise ValueError("dedupe_by: give either header or json")
        if self.header is not None and not HEADER.fullmatch(self.header):
            raise ValueError(f"dedupe_by: {self.header!r} is no name of a header")
        if self.json is not None and not POINTER.fullmatch(self.json):
            raise ValueError(f"dedupe_by: {self.json!r} is no JSON Pointer of 1 to 16 steps, such as /entry/0/id")
        if not 60 <= self.expires_s <= 30 * DAY:
            raise ValueError(f"dedupe_by: expires_s is 60 to {30 * DAY} seconds, not {self.expires_s!r}")

    def describe(self) -> Json:
        return {name: value for name, value in vars(self).items() if value is not None}


def dedupe_by(*, header: str | None = None, json: str | None = None, expires_s: int = 8 * DAY) -> Dedupe:
    """The host runs a request once for each value of `header`, or of what `json` finds in the body: a JSON Pointer such as `/entry/0/id`.

    One that comes again within `expires_s` seconds gets the first one's response. For routes whose signature the host checks.
    """
    return Dedupe(header=header, json=json, expires_s=expires_s)
