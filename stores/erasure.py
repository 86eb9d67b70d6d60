"""Deletes what a plugin has stored in an organisation, some rows at a time, so that no transaction takes long."""

from sqlalchemy import ColumnElement, Table, and_, bindparam, delete, func, select, tuple_

from host.model.limits import Limits
from stores import sizes
from stores.sizes import Size
from stores.statement import Connection, Statement
from stores.tables import dedupe_keys, store_entries, store_sizes

BATCH = 1_000
"""Rows of one transaction."""


def _mine(table: Table) -> ColumnElement[bool]:
    return and_(table.c.organization == bindparam("organization"), table.c.plugin == bindparam("plugin"))


def _some(table: Table) -> Statement:
    keys = list(table.primary_key.columns)
    return Statement(delete(table).where(tuple_(*keys).in_(select(*keys).where(_mine(table)).order_by(*keys).limit(bindparam("limit")))))


_e = store_entries.c
_first = select(_e.scope_subject, _e.key, func.length(_e.value)).where(_mine(store_entries)).order_by(*store_entries.primary_key.columns)
_FIRST = Statement(_first.limit(bindparam("limit")))
_ENTRIES, _KEYS = _some(store_entries), _some(dedupe_keys)
_SIZE = Statement(delete(store_sizes).where(_mine(store_sizes)))
_ANY = [
    Statement(
        select(table.c.plugin).where(table.c.organization == bindparam("organization"), table.c.plugin == bindparam("plugin")).limit(1)
    )
    for table in (store_entries, dedupe_keys)
]


def has_data(connection: Connection, organization: str, plugin: str) -> bool:
    return any(statement.row(connection, organization=organization, plugin=plugin) is not None for statement in _ANY)


def erase_some(connection: Connection, organization: str, plugin: str, limit: int = BATCH) -> tuple[int, int]:
    """Deletes up to `limit` store entries, or where none is left dedupe keys. Gives how many of each; none and none is the end."""
    mine = {"organization": organization, "plugin": plugin}
    going = _FIRST.rows(connection, **mine, limit=limit)
    if entries := _ENTRIES.run(connection, **mine, limit=limit):
        size = Size(-entries, -sum(len(subject.encode()) + len(key.encode()) + length for subject, key, length in going))
        sizes.grow(connection, organization, plugin, size, Limits())
        return entries, 0
    if keys := _KEYS.run(connection, **mine, limit=limit):
        return 0, keys
    _SIZE.run(connection, **mine)
    return 0, 0
