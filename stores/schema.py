"""Brings a database to the schema of this program, or says why not."""

from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection as EngineConnection
from sqlalchemy.pool import StaticPool

from host.model.errors import UsageError
from stores.statement import Connection

REVISIONS = ("0001", "0002")
"""All migrations in their order. Kept here, so that a start needs no Alembic to see that there is nothing to do."""
HEAD = REVISIONS[-1]
MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection) -> None:
    """Does what is missing, in one transaction: several processes may do it at once. Costs one read when nothing is missing.

    Raises `UsageError` when the database is newer than this program, or not ours.
    """
    if revision(connection) == HEAD:
        return
    _migrate(connection)


def revision(connection: Connection) -> str | None:
    """The schema that the database has; None when it is empty. Raises `UsageError` for one that this program does not know."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    if not {"alembic_version", "config_epoch"} <= tables:
        raise UsageError("the database belongs to another program: choose another path")
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    revision = "none" if row is None else str(row[0])
    if revision not in REVISIONS:
        raise UsageError(f"the database has the schema {revision}, which this program does not know: use a newer Innkeeper")
    return revision


def _migrate(connection: Connection) -> None:
    # Alembic speaks to SQLAlchemy's connections: this one is lent to it, and stays open.
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool, pool_reset_on_return=None)
    event.listen(engine, "begin", lambda lent: lent.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as lent:
        if revision(connection) != HEAD:  # nobody was faster
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
