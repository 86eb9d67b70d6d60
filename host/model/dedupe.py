"""What makes two requests the same one, and what answered it."""

from msgspec import Struct


class Claim(Struct, frozen=True):
    """The key that a verified request has, and the SHA-256 of its body: the same key with another body is another request by mistake."""

    key: str
    body_sha256: bytes


class Place(Struct, frozen=True):
    """Where a key counts: the same text elsewhere is another key."""

    organization: str
    plugin: str
    route: str
    key: str


class RecordedResponse(Struct, frozen=True):
    """The committed response of the first request with a key. Headers are as the plugin gave them, names in lower case."""

    body_sha256: bytes
    delivery_id: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes
