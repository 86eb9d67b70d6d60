"""How effects change what is there: the same as at their commit."""

from typing import Any

import msgspec
from msgspec.structs import replace

from host.model.customer import Customer
from host.model.effects import CustomerChanged, IdentityLinked
from host.model.value import merge


def changed(customer: Customer, change: CustomerChanged | IdentityLinked) -> Customer:
    """The customer after one effect."""
    if isinstance(change, IdentityLinked):
        identities = sorted([*customer.identities, change.identity], key=lambda each: (each.source, each.external_id))
        return replace(customer, identities=identities)
    return replace(
        customer,
        name=customer.name if change.name is None else change.name,
        email=customer.email if change.email is None else change.email,
        phone=customer.phone if change.phone is None else change.phone,
        metadata=customer.metadata if change.metadata is None else merge(customer.metadata, change.metadata),
        updated_at=max(customer.updated_at, change.updated_at),
    )


def difference(metadata: str, more: str) -> str | None:
    """The members of `more` that would change `metadata`, both JSON objects; None when there are none."""
    # Compared as text, since Python takes 1, 1.0 and true for the same.
    known = {key: _text(value) for key, value in _members(metadata).items()}
    members = {key: value for key, value in _members(more).items() if known.get(key) != _text(value)}
    return _text(members) if members else None


def _members(text: str) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.json.decode(text)
    return members


def _text(document: Any) -> str:
    return msgspec.json.encode(document).decode()
