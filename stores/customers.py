"""Customers and the identities by which sources know them."""

from collections.abc import Iterable
from itertools import groupby

from sqlalchemy import BindParameter, and_, bindparam, func, insert, select, update

from host.model.customer import Customer, Identity
from host.model.effects import CustomerChanged
from host.model.errors import Conflict
from host.model.value import merge
from stores.statement import Connection, Row, Statement
from stores.tables import customer_identities, customers

_organization: BindParameter[str] = bindparam("organization")
_of_customer = and_(customer_identities.c.organization == customers.c.organization, customer_identities.c.customer_id == customers.c.id)
_SELECT = (
    select(
        customers.c.id,
        customers.c.name,
        customers.c.email,
        customers.c.phone,
        customers.c.metadata,
        customers.c.created_at,
        customers.c.updated_at,
        customer_identities.c.source,
        customer_identities.c.external_id,
    )
    .select_from(customers.outerjoin(customer_identities, _of_customer))
    .where(customers.c.organization == _organization)
    .order_by(customers.c.id, customer_identities.c.source, customer_identities.c.external_id)
)
_named = customer_identities.alias("named")
_of_identity = select(_named.c.customer_id).where(
    _named.c.organization == _organization,
    _named.c.source == bindparam("source"),
    _named.c.external_id == bindparam("external_id"),
)
_mailed = customers.alias("mailed")
_of_email = (
    select(_mailed.c.id)
    .where(_mailed.c.organization == _organization, _mailed.c.email_lower == bindparam("email_lower"))
    .order_by(_mailed.c.id)
    .limit(2)
)

_BY_ID = Statement(_SELECT.where(customers.c.id == bindparam("customer_id")))
_BY_IDENTITY = Statement(_SELECT.where(customers.c.id == _of_identity.scalar_subquery()))
_BY_EMAIL = Statement(_SELECT.where(customers.c.id.in_(_of_email)))
_INSERT = Statement(insert(customers))
_INSERT_IDENTITY = Statement(insert(customer_identities))
_here = (customers.c.organization == _organization, customers.c.id == bindparam("customer_id"))
_CHANGING = Statement(select(customers.c.metadata, customers.c.updated_at).where(*_here))
_UPDATE = Statement(
    update(customers)
    .where(*_here)
    .values(
        name=func.coalesce(bindparam("new_name"), customers.c.name),
        email=func.coalesce(bindparam("new_email"), customers.c.email),
        email_lower=func.coalesce(bindparam("new_email_lower"), customers.c.email_lower),
        phone=func.coalesce(bindparam("new_phone"), customers.c.phone),
        metadata=bindparam("new_metadata"),
        updated_at=bindparam("new_updated_at"),
    )
)


def customer(connection: Connection, organization: str, customer_id: str) -> Customer | None:
    found = _customers(_BY_ID.rows(connection, organization=organization, customer_id=customer_id))
    return found[0] if found else None


def customer_by_identity(connection: Connection, organization: str, identity: Identity) -> Customer | None:
    rows = _BY_IDENTITY.rows(connection, organization=organization, source=identity.source, external_id=identity.external_id)
    found = _customers(rows)
    return found[0] if found else None


def customers_by_email(connection: Connection, organization: str, email: str) -> list[Customer]:
    """At most two: whether there is one, and whether it is the only one. Compared in lower case."""
    return _customers(_BY_EMAIL.rows(connection, organization=organization, email_lower=email.lower()))


def create(connection: Connection, organization: str, customer: Customer) -> None:
    """Raises `Violation` when one of its identities has a customer."""
    _INSERT.run(
        connection,
        organization=organization,
        id=customer.id,
        name=customer.name,
        email=customer.email,
        email_lower=_lower(customer.email),
        phone=customer.phone,
        metadata=customer.metadata,
        created_at=customer.created_at,
        updated_at=customer.updated_at,
    )
    for identity in customer.identities:
        link(connection, organization, customer.id, identity)


def link(connection: Connection, organization: str, customer_id: str, identity: Identity) -> None:
    """Raises `Violation` when the identity has a customer, or the customer does not exist."""
    _INSERT_IDENTITY.run(
        connection, organization=organization, source=identity.source, external_id=identity.external_id, customer_id=customer_id
    )


def change(connection: Connection, organization: str, changes: CustomerChanged) -> None:
    """Raises `Conflict` when the customer does not exist (any more)."""
    row = _CHANGING.row(connection, organization=organization, customer_id=changes.customer_id)
    if row is None:
        raise Conflict(f"customer {changes.customer_id!r} is gone")
    metadata, updated_at = row
    _UPDATE.run(
        connection,
        organization=organization,
        customer_id=changes.customer_id,
        new_name=changes.name,
        new_email=changes.email,
        new_email_lower=_lower(changes.email),
        new_phone=changes.phone,
        new_metadata=metadata if changes.metadata is None else merge(metadata, changes.metadata),
        new_updated_at=max(updated_at, changes.updated_at),
    )


def _lower(email: str | None) -> str | None:
    return None if email is None else email.lower()


def _customers(rows: Iterable[Row]) -> list[Customer]:
    """One customer for each run of rows with its id; each row has one identity, or None for none."""
    return [_customer(list(group)) for _, group in groupby(rows, key=lambda row: row[0])]


def _customer(rows: list[Row]) -> Customer:
    customer_id, *profile = rows[0][:7]
    return Customer(customer_id, [Identity(*row[7:]) for row in rows if row[7] is not None], *profile)
