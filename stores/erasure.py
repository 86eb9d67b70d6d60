"""Deletes what a plugin has stored in an organisation, some rows at a time, so that no transaction takes long."""

from sqlalchemy import Table, bindparam, delete, select, tuple_

from stores.statement import Connection, Statement
from stores.tables import dedupe_keys, store_entries, store_sizes

BATCH = 1_000
"""Rows of one transaction."""


def _some(table: Table) -> Statement:
    keys = list(table.primary_key.columns)
    mine = select(*keys).where(table.c.organization == bindparam("organization"), table.c.plugin == bindparam("plugin"))
    return Statement(delete(table).where(tuple_(*keys).in_(mine.limit(bindparam("limit")))))


_ENTRIES, _KEYS, _SIZES = _some(store_entries), _some(dedupe_keys), _some(store_sizes)
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
    mine = {"organization": organization, "plugin": plugin, "limit": limit}
    if entries := _ENTRIES.run(connection, **mine):
        return entries, 0
    if keys := _KEYS.run(connection, **mine):
        return 0, keys
    _SIZES.run(connection, **mine)
    return 0, 0
