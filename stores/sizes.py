"""How much each plugin keeps in its store: written with the entries, since counting takes as long as they are many."""

from typing import Any, NamedTuple

from sqlalchemy import ClauseElement, bindparam, select

from host.model.errors import LimitExceeded
from host.model.limits import Limits
from stores.statement import INSERTS, Connection, Statement
from stores.tables import store_sizes as table


class Size(NamedTuple):
    """Entries, and bytes of their scopes' subjects, keys and packed values; or by how much these change."""

    keys: int = 0
    bytes: int = 0

    def __add__(self, other: Any) -> "Size":
        return Size(self.keys + other.keys, self.bytes + other.bytes)


def _added(dialect: str) -> ClauseElement:
    insert = INSERTS[dialect](table)
    total = {name: table.c[name] + insert.excluded[name] for name in ("keys", "bytes")}
    added: ClauseElement = insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=total)
    return added


_here = (table.c.organization == bindparam("organization"), table.c.plugin == bindparam("plugin"))
_ONE = Statement(select(table.c["keys"], table.c["bytes"]).where(*_here))
_ADD = Statement(_added)


def get(connection: Connection, organization: str, plugin: str) -> Size:
    row = _ONE.row(connection, organization=organization, plugin=plugin)
    return Size() if row is None else Size(*row)


def grow(connection: Connection, organization: str, plugin: str, by: Size, limits: Limits) -> None:
    """Adds what one transaction's writes have changed.

    Raises `LimitExceeded` `store-keys` or `store-bytes` where it is too much then. What makes it no larger is never too much, so that a
    store above a limit that was lowered can be cleaned up.
    """
    if by == Size():
        return
    _ADD.run(connection, organization=organization, plugin=plugin, keys=by.keys, bytes=by.bytes)
    size = get(connection, organization, plugin)
    if by.keys > 0 and size.keys > limits.store_keys:
        raise LimitExceeded("store-keys", f"the store would have {size.keys} entries, and {limits.store_keys} are allowed")
    if by.bytes > 0 and size.bytes > limits.store_bytes:
        raise LimitExceeded("store-bytes", f"the store would have {size.bytes} bytes, and {limits.store_bytes} are allowed")
