"""Customers as an invocation sees them."""

from collections import defaultdict

from host.capabilities.views.base import Base
from host.capabilities.views.merge import changed
from host.model.customer import Customer, Identity
from host.model.effects import CustomerChanged, CustomerCreated, Effect, IdentityLinked


class CustomerView:
    """Stored customers and the invocation's own, with its own changes."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._created: dict[str, Customer] = {}
        self._linked: dict[Identity, str] = {}
        self._changes: defaultdict[str, list[CustomerChanged | IdentityLinked]] = defaultdict(list)
        self._merged: dict[str, tuple[int, Customer]] = {}

    def see(self, effect: Effect) -> None:
        match effect:
            case CustomerCreated(customer=customer):
                self._created[customer.id] = customer
                self._linked.update(dict.fromkeys(customer.identities, customer.id))
            case IdentityLinked(customer_id=customer_id, identity=identity):
                self._linked[identity] = customer_id
                self._changes[customer_id].append(effect)
            case CustomerChanged(customer_id=customer_id):
                self._changes[customer_id].append(effect)

    async def get(self, customer_id: str) -> Customer | None:
        base = self._base
        own = self._created.get(customer_id)
        stored = own or await base.once(("customer", customer_id), lambda: base.platform.customers.customer(base.organization, customer_id))
        return stored and self._seen(stored)

    async def by_identity(self, identity: Identity) -> Customer | None:
        if identity in self._linked:
            return await self.get(self._linked[identity])
        base = self._base
        stored = await base.once(("identity", identity), lambda: base.platform.customers.customer_by_identity(base.organization, identity))
        return stored and self._seen(stored)

    async def by_email(self, email: str) -> list[Customer]:
        """Those with this address, compared in lower case; more than one is all that two or more say."""
        base = self._base
        stored = await base.once(("email", email.lower()), lambda: base.platform.customers.customers_by_email(base.organization, email))
        if len(stored) > 1:
            # There may be a third, so it stays at "several" even when the invocation has just changed the address of one.
            return [self._seen(customer) for customer in stored]
        ids = dict.fromkeys([*(customer.id for customer in stored), *self._created, *self._changes])
        customers = [await self.get(customer_id) for customer_id in ids]
        return [customer for customer in customers if customer and (customer.email or "").lower() == email.lower()]

    def _seen(self, customer: Customer) -> Customer:
        """The customer with the invocation's changes, each of which is merged once, however often the customer is looked at."""
        changes = self._changes.get(customer.id, [])
        merged, seen = self._merged.get(customer.id, (0, customer))
        for change in changes[merged:]:
            seen = changed(seen, change)
        self._merged[customer.id] = (len(changes), seen)
        return seen
