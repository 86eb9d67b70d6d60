"""Customers and their identities, as the interface `customers` has them."""

from msgspec import Struct


class Identity(Struct, frozen=True):
    source: str
    external_id: str


class Customer(Struct, frozen=True):
    """`metadata` is a JSON object as text; times are milliseconds since 1970."""

    id: str
    identities: list[Identity]
    name: str | None
    email: str | None
    phone: str | None
    metadata: str
    created_at: int
    updated_at: int


class Profile(Struct, frozen=True):
    """What is None stays as it is; `metadata` (a JSON object as text) is merged key by key."""

    name: str | None
    email: str | None
    phone: str | None
    metadata: str | None
