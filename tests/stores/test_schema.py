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
        options = {"compare_server_default": True, "version_table": schema.VERSION_TABLE}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def revisions(connection: Connection) -> list[str]:
    return [revision for (revision,) in connection.execute("SELECT version_num FROM innkeeper_version")]


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
        found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'innkeeper_version'"))
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
    connection.execute("UPDATE innkeeper_version SET version_num = '9999'")
    before = list(connection.iterdump())

    with pytest.raises(UsageError, match=r"9999.*newer Innkeeper"):
        schema.upgrade(connection)

    assert list(connection.iterdump()) == before


def test_a_database_that_has_lost_its_revision_is_refused(connection: Connection) -> None:
    connection.execute("DELETE FROM innkeeper_version")

    with pytest.raises(UsageError, match="schema none"):
        schema.upgrade(connection)


FOREIGN = ["CREATE TABLE customers (a)", "CREATE TABLE alembic_version (version_num)", "CREATE VIEW a AS SELECT 1"]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path, foreign: str) -> None:
    connection = Database(tmp_path / "innkeeper.db").connect()
    connection.execute(foreign)
    before = list(connection.iterdump())

    with pytest.raises(UsageError, match="another program"):
        schema.upgrade(connection)

    assert list(connection.iterdump()) == before
    connection.close()


def a_shared_database(folder: Path, *statements: str) -> Connection:
    """Another program's, with these statements run."""
    connection = Database(folder / "app.db").connect()
    for statement in statements:
        connection.execute(statement)
    return connection


THEIRS = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
    "INSERT INTO alembic_version VALUES ('0001')",
    "CREATE TABLE chat_messages (id TEXT PRIMARY KEY)",
    "INSERT INTO chat_messages VALUES ('theirs')",
)


def test_a_shared_database_keeps_the_other_programs_tables_and_its_migrations_version(tmp_path: Path) -> None:
    connection = a_shared_database(tmp_path, *THEIRS)

    schema.upgrade(connection, shared=True)
    schema.upgrade(connection, shared=True)

    assert revisions(connection) == [schema.HEAD]
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    assert connection.execute("SELECT id FROM chat_messages").fetchall() == [("theirs",)]
    assert epoch.read(connection) == 0
    connection.close()


def test_the_other_program_can_change_its_schema_afterwards(tmp_path: Path) -> None:
    connection = a_shared_database(tmp_path, *THEIRS)
    schema.upgrade(connection, shared=True)

    connection.execute("UPDATE alembic_version SET version_num = 'ae1027a6acf'")
    connection.execute("ALTER TABLE chat_messages ADD COLUMN text TEXT")
    schema.upgrade(connection, shared=True)

    assert revisions(connection) == [schema.HEAD]
    connection.close()


@pytest.mark.parametrize("taken", ["CREATE TABLE Customers (a)", "CREATE VIEW messages AS SELECT 1", "CREATE INDEX tokens ON mine (a)"])
def test_a_shared_database_in_which_a_name_is_taken_is_refused_and_left_alone(tmp_path: Path, taken: str) -> None:
    connection = a_shared_database(tmp_path, "CREATE TABLE mine (a)", taken)
    before = list(connection.iterdump())

    with pytest.raises(UsageError, match=r"the database has (customers|messages|tokens) of another program.*rename"):
        schema.upgrade(connection, shared=True)

    assert list(connection.iterdump()) == before
    connection.close()


def test_a_shared_database_of_another_version_is_refused_like_any(tmp_path: Path) -> None:
    connection = a_shared_database(tmp_path, *THEIRS)
    schema.upgrade(connection, shared=True)
    connection.execute("UPDATE innkeeper_version SET version_num = '9999'")

    with pytest.raises(UsageError, match=r"9999.*newer Innkeeper"):
        schema.upgrade(connection, shared=True)

    connection.close()


def test_all_our_names_are_known(connection: Connection) -> None:
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE sql IS NOT NULL")}

    assert names == schema.NAMES | {schema.VERSION_TABLE}
    assert names >= schema.TABLES


FIRST = ("INSERT INTO organizations VALUES ('acme', '{}', 1)", "INSERT INTO plugins VALUES ('probe', 'd1', '1.0.0', '{}', 1)")
INSTALLED = "INSERT INTO installations VALUES ('acme', '{plugin}', 'd1', '{{}}', '[]', '{{}}', {enabled}, 1, 7)"
ENTRY = "INSERT INTO store_entries VALUES ('acme', 'probe', '{kind}', '{subject}', '{key}', X'{value}', 'v1')"
DELIVERY = (
    "INSERT INTO deliveries VALUES ('acme', 'd', 'probe', '1', 'in', 'POST', '/', 'failed', 502, 'trap', 'm', 1, 2, 0, 1, 3, 4, 5, 6, 0)"
)
LINE = "INSERT INTO log_lines VALUES ('acme', 'd', 0, 1, 'info', 'kept', NULL)"


@pytest.mark.parametrize("shared", [False, True])
def test_the_version_moves_from_where_it_stood_at_first_to_its_own_table(connection: Connection, shared: bool) -> None:
    connection.execute("ALTER TABLE innkeeper_version RENAME TO alembic_version")

    schema.upgrade(connection, shared=shared)

    assert revisions(connection) == [schema.HEAD]
    assert "alembic_version" not in {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert not connection.in_transaction


def test_what_a_first_version_kept_is_there_after_the_upgrade(tmp_path: Path) -> None:
    connection = Database(tmp_path / "innkeeper.db").connect()
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool, pool_reset_on_return=None)
    with engine.begin() as lent:
        command.upgrade(schema.configuration(lent), "0001")
    connection.execute("ALTER TABLE innkeeper_version RENAME TO alembic_version")
    for statement in (
        *FIRST,
        INSTALLED.format(plugin="probe", enabled=1),
        ENTRY.format(kind="plugin", subject="", key="é", value="01"),
        ENTRY.format(kind="customer", subject="zoë", key="b", value="0102"),
        DELIVERY,
        LINE,
    ):
        connection.execute(statement)

    schema.upgrade(connection)

    assert connection.execute("SELECT keys, bytes FROM store_sizes WHERE organization = 'acme' AND plugin = 'probe'").fetchall() == [
        (2, 10)
    ]
    assert connection.execute("SELECT status, status_at, initialized, breaker_opened_at FROM installations").fetchall() == [
        ("running", 7, "d1", None)
    ]
    assert connection.execute("SELECT name, kind, bytes_in FROM deliveries").fetchall() == [("in", "webhook", 0)]
    assert connection.execute("SELECT message FROM log_lines").fetchall() == [("kept",)]
    connection.close()
