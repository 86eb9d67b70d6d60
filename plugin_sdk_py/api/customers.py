"""The people that talk with the organisation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugin_sdk_py.api.host import call, host
from plugin_sdk_py.text import Json, dump_object, load, optional, text

__all__ = ["Customer", "Customers", "Identity", "Profile", "lower_profile"]


@dataclass(slots=True)
class Identity:
    """The provider's id of a person, within a source that this plugin registered."""

    source: str
    external_id: str


@dataclass(slots=True, kw_only=True)
class Profile:
    """What is known of a person. What is None stays as it is; `metadata` is merged key by key."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    metadata: Mapping[str, Json] | None = None


@dataclass(slots=True, kw_only=True)
class Customer:
    """Times are milliseconds since 1970."""

    id: str
    identities: list[Identity]
    name: str | None
    email: str | None
    phone: str | None
    metadata: dict[str, Json]
    created_at: int
    updated_at: int


class Customers:
    """Grants: `customers.read`, `customers.write`, `customers.match-email`."""

    def get(self, id: str) -> Customer:
        """Raises `Denied`, `NotFound`."""
        return _lift(call(host.customers.get, text(id, "id")))

    def find(self, identity: Identity) -> Customer | None:
        """The customer of that identity, or None. Raises `Denied`, `NotFound` (the source is not this plugin's)."""
        found = call(host.customers.find_by_external_id, _identity(identity))
        return None if found is None else _lift(found)

    def upsert(self, identity: Identity, profile: Profile) -> Customer:
        """The customer of that identity, made when there is none, with `profile` applied.

        Raises `Denied`, `NotFound` (the source is not this plugin's), `Invalid`, `Conflict` (the e-mail address belongs to two).
        """
        return _lift(call(host.customers.upsert, _identity(identity), lower_profile(profile)))


def lower_profile(profile: Profile) -> Any:
    return host.customers.Profile(
        optional(profile.name, "name"),
        optional(profile.email, "email"),
        optional(profile.phone, "phone"),
        dump_object(profile.metadata, "metadata"),
    )


def _identity(identity: Identity) -> Any:
    return host.customers.Identity(text(identity.source, "source"), text(identity.external_id, "external_id"))


def _lift(record: Any) -> Customer:
    return Customer(
        id=record.id,
        identities=[Identity(identity.source, identity.external_id) for identity in record.identities],
        name=record.name,
        email=record.email,
        phone=record.phone,
        metadata=load(record.metadata),
        created_at=record.created_at,
        updated_at=record.updated_at,
    )
