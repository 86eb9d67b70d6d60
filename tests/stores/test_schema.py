import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import StaticPool

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
    """Each part of each table's definition; their order and layout tell nothing, and a column that was added stands behind the rest."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"))
        return {f"{name}: {part}" for name, sql in found for part in parts(sql)}


def parts(sql: str) -> list[str]:
    """What stands between the commas of a definition, but for those inside brackets."""
    head, _, inside = " ".join(sql.replace('"', "").split()).partition("(")
    split = re.split(r",(?![^(]*\))", inside.strip().removesuffix(")"))
    return [head.strip(), *(part.strip() for part in split)]


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
    program = [sys.executable, "-c", UPGRADE + "print('alembic' in sys.modules)", str(database.path)]

    done = subprocess.run(program, input="x", capture_output=True, text=True, check=True)

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
    program = [sys.executable, "-W", "error", "-c", UPGRADE, str(tmp_path / "innkeeper.db")]
    processes = [subprocess.Popen(program, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]

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


FIRST = ("INSERT INTO organizations VALUES ('acme', '{}', 1)", "INSERT INTO plugins VALUES ('probe', 'd1', '1.0.0', '{}', 1)")
INSTALLED = "INSERT INTO installations VALUES ('acme', '{plugin}', 'd1', '{{}}', '[]', '{{}}', {enabled}, 1, 7)"
ENTRY = "INSERT INTO store_entries VALUES ('acme', 'probe', 'plugin', '', '{key}', X'{value}', 'v1')"
DELIVERY = (
    "INSERT INTO deliveries VALUES ('acme', 'd', 'probe', '1', 'in', 'POST', '/', 'failed', 502, 'trap', 'm', 1, 2, 0, 1, 3, 4, 5, 6, 0)"
)
LINE = "INSERT INTO log_lines VALUES ('acme', 'd', 0, 1, 'info', 'kept', NULL)"


def test_what_a_first_version_kept_is_there_after_the_upgrade(tmp_path: Path) -> None:
    connection = Database(tmp_path / "innkeeper.db").connect()
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool, pool_reset_on_return=None)
    with engine.begin() as lent:
        command.upgrade(schema.configuration(lent), "0001")
    for statement in (
        *FIRST,
        INSTALLED.format(plugin="probe", enabled=1),
        ENTRY.format(key="é", value="01"),
        ENTRY.format(key="b", value="0102"),
        DELIVERY,
        LINE,
    ):
        connection.execute(statement)

    schema.upgrade(connection)

    assert connection.execute("SELECT keys, bytes FROM store_sizes WHERE organization = 'acme' AND plugin = 'probe'").fetchall() == [(2, 6)]
    assert connection.execute("SELECT status, status_at, initialized, breaker_opened_at FROM installations").fetchall() == [
        ("running", 7, "d1", None)
    ]
    assert connection.execute("SELECT name, kind, bytes_in FROM deliveries").fetchall() == [("in", "webhook", 0)]
    assert connection.execute("SELECT message FROM log_lines").fetchall() == [("kept",)]
    connection.close()
