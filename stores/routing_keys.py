"""Routing keys: which organisation an item of a plugin's shared URL is for. Operators set them, guests never do."""

from msgspec import Struct
from sqlalchemy import bindparam, delete, insert, select

from host.model import remedies
from host.model.errors import UsageError
from stores import epoch
from stores.statement import Connection, Statement, Violation
from stores.tables import routing_keys as table


class RoutingKey(Struct, frozen=True):
    """`key` is what the provider calls the organisation: a phone number's id, a shop's domain."""

    plugin: str
    key: str
    created_at: int


_r = table.c
_key = (_r.plugin == bindparam("plugin"), _r.key == bindparam("key"))
_OWNER = Statement(select(_r.organization).where(*_key))
_OF_ORGANIZATION = Statement(
    select(_r.plugin, _r.key, _r.created_at).where(_r.organization == bindparam("organization")).order_by(_r.plugin, _r.key)
)
_INSERT = Statement(insert(table))
_DELETE = Statement(delete(table).where(*_key))


def owner(connection: Connection, plugin: str, key: str) -> str | None:
    """The organisation that has it."""
    row = _OWNER.row(connection, plugin=plugin, key=key)
    return None if row is None else str(row[0])


def all(connection: Connection, organization: str) -> list[RoutingKey]:
    """Those of an organisation, in the order of plugins and keys."""
    return [RoutingKey(*row) for row in _OF_ORGANIZATION.rows(connection, organization=organization)]


def assign(connection: Connection, organization: str, plugin: str, key: str, at: int) -> None:
    """Gives the key to the organisation. One that it has already stays as it is.

    Raises `UsageError` when another organisation has it, which it names, or when there is no such organisation.
    """
    known = owner(connection, plugin, key)
    if known == organization:
        return
    if known is not None:
        raise UsageError(
            f"the routing key {key!r} of {plugin} belongs to organisation {known!r}; it is taken away there with: "
            f"{remedies.unroute(plugin, key)}"
        )
    try:
        _INSERT.run(connection, plugin=plugin, key=key, organization=organization, created_at=at)
    except Violation:
        raise UsageError(f"there is no organisation {organization!r}") from None
    epoch.bump(connection)


def remove(connection: Connection, plugin: str, key: str) -> None:
    """Raises `UsageError` when no organisation has it."""
    if not _DELETE.run(connection, plugin=plugin, key=key):
        raise UsageError(f"no organisation has the routing key {key!r} of {plugin}")
    epoch.bump(connection)
