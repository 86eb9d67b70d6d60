"""The interface `customers`."""

from host.capabilities import checks, profiles
from host.capabilities.invocation import Invocation
from host.capabilities.registry import function, granted
from host.capabilities.sources import require_own
from host.model.customer import Customer, Identity, Profile
from host.model.errors import not_found


@function("customers", "get", grant="customers.read")
async def get(invocation: Invocation, id: str) -> Customer:
    """Any customer of this organisation; one of another is `not-found`."""
    customer = await invocation.view.customers.get(checks.text("id", id))
    if customer is None:
        raise not_found("customer", id)
    return customer


@function("customers", "find-by-external-id", grant="customers.read")
async def find_by_external_id(invocation: Invocation, identity: Identity) -> Customer | None:
    await _require_valid(invocation, identity)
    return await invocation.view.customers.by_identity(identity)


@function("customers", "upsert", grant="customers.write")
async def upsert(invocation: Invocation, identity: Identity, profile: Profile) -> Customer:
    """The grant `customers.match-email` changes what an unknown identity becomes; its absence is no error."""
    kept = profiles.checked("profile", profile)
    await _require_valid(invocation, identity)
    return await profiles.customer_of(invocation, identity, kept, match_email=granted(invocation, "customers.match-email"))


async def _require_valid(invocation: Invocation, identity: Identity) -> None:
    checks.text("external-id", identity.external_id)
    await require_own(invocation, identity.source)
