"""The configuration's epoch: a number that each change of configuration raises, so that a cache knows when it is old."""

from sqlalchemy import select, update

from stores.statement import Connection, Statement
from stores.tables import config_epoch

_READ = Statement(select(config_epoch.c.epoch))
_BUMP = Statement(update(config_epoch).values(epoch=config_epoch.c.epoch + 1))


def read(connection: Connection) -> int:
    row = _READ.row(connection)
    assert row is not None, "the first migration makes the row"
    return int(row[0])


def bump(connection: Connection) -> None:
    """Called by every function of this package that changes configuration, in the same transaction."""
    _BUMP.run(connection)
