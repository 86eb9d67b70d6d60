"""What happened in an organisation, as its plugins' hooks hear of it."""

import re

from msgspec import Struct

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?")
"""As in the manifest: letters, digits, and `_ - .` between them, at most 64."""


class Event(Struct, frozen=True):
    """WIT's `hooks.event`, field by field. `data` is a JSON object as text, `occurred_at` in milliseconds since 1970."""

    id: str
    name: str
    occurred_at: int
    data: str
