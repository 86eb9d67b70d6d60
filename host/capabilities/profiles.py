"""The customer behind an identity: found, made, or joined, with its profile kept up to date."""

from msgspec.structs import replace

from host.capabilities import checks, jsontext
from host.capabilities.invocation import Invocation
from host.capabilities.views.merge import difference
from host.model.customer import Customer, Identity, Profile
from host.model.effects import CustomerChanged, CustomerCreated, IdentityLinked
from host.model.errors import HostError
from host.model.value import merge


def checked(what: str, profile: Profile) -> Profile:
    """The profile as it is kept. Raises `HostError` `invalid`."""
    for field in ("name", "email", "phone"):
        checks.optional_text(f"{what}.{field}", getattr(profile, field), shortest=0, longest=checks.PROFILE_BYTES)
    return replace(profile, metadata=jsontext.optional_object(f"{what}.metadata", profile.metadata))


async def customer_of(invocation: Invocation, identity: Identity, profile: Profile, *, match_email: bool = False) -> Customer:
    """The customer of that identity, with the (checked) profile applied. Nothing is recorded where nothing changes.

    With `match_email` an unknown identity joins the one customer with the profile's e-mail address. Raises `HostError` `conflict` when two
    have it.
    """
    customers = invocation.view.customers
    customer = await customers.by_identity(identity)
    if customer is None and match_email:
        customer = await _joined(invocation, identity, profile.email)
    if customer is None:
        return _created(invocation, identity, profile)
    _change(invocation, customer, profile)
    return await customers.get(customer.id) or customer


async def _joined(invocation: Invocation, identity: Identity, email: str | None) -> Customer | None:
    # Customers without an address may have an empty one: that is nobody's.
    if email is None or not email.strip():
        return None
    matches = await invocation.view.customers.by_email(email)
    if len(matches) > 1:
        raise HostError("conflict", "more than one customer has this e-mail address")
    if matches:
        invocation.record(IdentityLinked(matches[0].id, identity))
    return matches[0] if matches else None


def _created(invocation: Invocation, identity: Identity, profile: Profile) -> Customer:
    now = invocation.now_ms()
    customer = Customer(
        invocation.new_id(),
        [identity],
        profile.name,
        profile.email,
        profile.phone,
        profile.metadata or "{}",
        created_at=now,
        updated_at=now,
    )
    invocation.record(CustomerCreated(customer))
    return customer


def _change(invocation: Invocation, customer: Customer, profile: Profile) -> None:
    change = CustomerChanged(
        customer.id,
        _new(customer.name, profile.name),
        _new(customer.email, profile.email),
        _new(customer.phone, profile.phone),
        _new_members(customer.metadata, profile.metadata),
        updated_at=invocation.now_ms(),
    )
    if (change.name, change.email, change.phone, change.metadata) != (None, None, None, None):
        invocation.record(change)


def _new_members(before: str, more: str | None) -> str | None:
    changes = None if more is None else difference(before, more)
    if changes is not None:
        jsontext.check_size("metadata, with what the customer has", merge(before, changes))
    return changes


def _new(before: str | None, now: str | None) -> str | None:
    return None if now == before else now
