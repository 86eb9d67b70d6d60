"""Sources: the channels that messages come from."""

from msgspec import Struct


class Source(Struct, frozen=True):
    """WIT's `sources.source`. `metadata` is a JSON object as text."""

    id: str
    name: str
    description: str | None
    icon: str | None
    metadata: str | None
