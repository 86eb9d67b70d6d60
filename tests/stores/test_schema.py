import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text

from host.model.errors import UsageError
from stores import epoch, schema
from stores.database import Database
from stores.statement import Connection
from stores.tables import metadata

UPGRADE = """
import sys
from pathlib import Path
from stores import schema
from stores.database import Database
sys.stdin.read(1)
connection = Database(Path(sys.argv[1])).connect()
schema.upgrade(connection)
"""


def differences(engine: Engine) -> list[Any]:
    """What the tables say and the migrations don't, on any kind of database."""
    with engine.begin() as connection:
        schema.run_migrations(connection)
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_server_default": True}), metadata))


def revisions(connection: Connection) -> list[str]:
    return [revision for (revision,) in connection.execute("SELECT version_num FROM alembic_version")]


def test_the_migrations_make_the_tables(tmp_path: Path) -> None:
    assert differences(create_engine(f"sqlite:///{tmp_path}/innkeeper.db")) == []


def test_the_migrations_name_constraints_as_the_tables_do(tmp_path: Path) -> None:
    migrated, declared = (create_engine(f"sqlite:///{tmp_path}/{name}.db") for name in ("migrated", "declared"))
    metadata.create_all(declared)
    with migrated.begin() as connection:
        schema.run_migrations(connection)

    assert definitions(migrated) == definitions(declared)


def definitions(engine: Engine) -> set[str]:
    """Each part of each table's definition; their order tells nothing."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"))
        return {f"{name}: {line.strip().rstrip(',')}" for name, sql in found for line in sql.splitlines()}


def test_the_list_of_revisions_is_that_of_the_migrations() -> None:
    script = ScriptDirectory.from_config(schema.configuration())

    assert tuple(revision.revision for revision in script.walk_revisions())[::-1] == schema.REVISIONS
    assert script.get_heads() == [schema.HEAD]


def test_an_upgrade_leaves_the_connection_as_it_was(tmp_path: Path) -> None:
    connection = Database(tmp_path / "innkeeper.db").connect()

    schema.upgrade(connection)

    assert not connection.in_transaction
    assert connection.isolation_level is None
    assert epoch.read(connection) == 0
    connection.close()


def test_an_upgrade_that_has_nothing_to_do_needs_no_lock_and_no_alembic(connection: Connection, database: Database) -> None:
    connection.execute("BEGIN IMMEDIATE")
    command = [sys.executable, "-c", UPGRADE + "print('alembic' in sys.modules)", str(database.path)]

    done = subprocess.run(command, input="x", capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_an_upgrade_that_fails_leaves_nothing(tmp_path: Path) -> None:
    connection = Database(tmp_path / "innkeeper.db").connect()
    connection.execute("PRAGMA max_page_count = 20")

    with pytest.raises(Exception, match="full"):
        schema.upgrade(connection)

    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.execute("PRAGMA max_page_count = 10000")
    schema.upgrade(connection)
    assert revisions(connection) == [schema.HEAD]
    connection.close()


def test_processes_that_upgrade_at_once_all_get_the_newest_schema(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", UPGRADE, str(tmp_path / "innkeeper.db")]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]

    for process in processes:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    complaints = [process.communicate()[1] for process in processes]

    assert complaints == [""] * 4
    connection = Database(tmp_path / "innkeeper.db").connect()
    assert revisions(connection) == [schema.HEAD]
    assert epoch.read(connection) == 0
    connection.close()


def test_a_newer_database_is_refused_and_left_alone(connection: Connection) -> None:
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = list(connection.iterdump())

    with pytest.raises(UsageError, match=r"9999.*newer Innkeeper"):
        schema.upgrade(connection)

    assert list(connection.iterdump()) == before


def test_a_database_that_has_lost_its_revision_is_refused(connection: Connection) -> None:
    connection.execute("DELETE FROM alembic_version")

    with pytest.raises(UsageError, match="schema none"):
        schema.upgrade(connection)


@pytest.mark.parametrize("foreign", ["CREATE TABLE customers (a)", "CREATE TABLE alembic_version (version_num)"])
def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path, foreign: str) -> None:
    connection = Database(tmp_path / "innkeeper.db").connect()
    connection.execute(foreign)
    before = list(connection.iterdump())

    with pytest.raises(UsageError, match="another program"):
        schema.upgrade(connection)

    assert list(connection.iterdump()) == before
    connection.close()
