"""Brings a database to the schema of this program, or says why not."""

from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection as EngineConnection
from sqlalchemy.pool import StaticPool

from host.model.errors import UsageError
from stores.statement import Connection
from stores.tables import metadata

REVISIONS = ("0001", "0002")
"""All migrations in their order. Kept here, so that a start needs no Alembic to see that there is nothing to do."""
HEAD = REVISIONS[-1]
MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "innkeeper_version"
"""Alembic's table, under a name that leaves its own to a program that shares the database with us."""
EARLIER = "alembic_version"
"""What that table was called at first."""
TELLING = {"config_epoch", "installations", "deliveries"}
"""Tables that have been ours from the first schema on: whose version table `alembic_version` is, they tell."""
TABLES = frozenset(metadata.tables) | {VERSION_TABLE}
"""All of ours, for a program that shares the database and compares it with its own."""
NAMES = {name.lower() for table in metadata.tables.values() for name in (table.name, *(str(index.name) for index in table.indexes))}
"""Of our tables and their indexes. SQLite's names do not differ by case."""


def upgrade(connection: Connection, *, shared: bool = False) -> None:
    """Does what is missing, in one transaction: several processes may do it at once. Costs two reads when nothing is missing.

    With `shared` another program's tables may be in the database, and ours stand beside them. Raises `UsageError` when the database is
    newer than this program, or not ours, or, where it is shared, has a table of another program under a name that ours has.
    """
    if _state(connection, shared) == (VERSION_TABLE, HEAD):
        return
    _migrate(connection, shared)


def revision(connection: Connection, *, shared: bool = False) -> str | None:
    """The schema that the database has; None when there is nothing of ours. Raises `UsageError` as `upgrade` does."""
    state = _state(connection, shared)
    return None if state is None else state[1]


def _state(connection: Connection, shared: bool) -> tuple[str, str] | None:
    """The version table and the schema that the database has; None when there is nothing of ours."""
    present = {name.lower() for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    table = VERSION_TABLE if VERSION_TABLE in present else EARLIER if {EARLIER, *TELLING} <= present else None
    if table is None:
        _refuse_foreign(present, shared)
        return None
    row = connection.execute(f"SELECT version_num FROM {table}").fetchone()
    found = "none" if row is None else str(row[0])
    if found not in REVISIONS:
        raise UsageError(f"the database has the schema {found}, which this program does not know: use a newer Innkeeper")
    return table, found


def _refuse_foreign(present: set[str], shared: bool) -> None:
    if present and not shared:
        raise UsageError("the database belongs to another program: choose another path")
    if taken := sorted(present & NAMES):
        raise UsageError(
            f"the database has {', '.join(taken)} of another program, and tables of these names are Innkeeper's: rename them, or give "
            "Innkeeper a database of its own"
        )


def _migrate(connection: Connection, shared: bool) -> None:
    # Alembic speaks to SQLAlchemy's connections: this one is lent to it, and stays open.
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool, pool_reset_on_return=None)
    event.listen(engine, "begin", lambda lent: lent.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as lent:
        state = _state(connection, shared)
        if state is not None and state[0] == EARLIER:
            connection.execute(f"ALTER TABLE {EARLIER} RENAME TO {VERSION_TABLE}")
        if state is None or state[1] != HEAD:  # nobody was faster
            run_migrations(lent)


def run_migrations(connection: EngineConnection) -> None:
    """Runs what is missing, on a connection of SQLAlchemy's, within its transaction."""
    from alembic import command  # takes a fifth of a second

    command.upgrade(configuration(connection), "head")


def configuration(connection: EngineConnection | None = None) -> Any:
    """Alembic's configuration, without a file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
