import sqlite3
import threading
from pathlib import Path

import pytest

from host.model.errors import UsageError
from stores import organizations
from stores.database import Database
from stores.statement import Connection


def pragma(connection: Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_connection_is_set_up_for_a_server(tmp_path: Path) -> None:
    connection = Database(tmp_path / "innkeeper.db").connect()

    found = {name: pragma(connection, name) for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only")}

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000, "query_only": 0}
    assert connection.isolation_level is None
    connection.close()


def test_synchronous_and_the_time_out_can_be_chosen(tmp_path: Path) -> None:
    connection = Database(tmp_path / "innkeeper.db", synchronous="NORMAL", busy_timeout_ms=7).connect()

    assert (pragma(connection, "synchronous"), pragma(connection, "busy_timeout")) == (1, 7)
    connection.close()


def test_a_new_file_is_for_its_owner_alone_and_so_is_its_log(tmp_path: Path) -> None:
    database = Database(tmp_path / "innkeeper.db")
    connection = database.connect()
    connection.execute("CREATE TABLE t (a)")

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    assert modes == {"innkeeper.db": 0o600, "innkeeper.db-wal": 0o600, "innkeeper.db-shm": 0o600}
    connection.close()


def test_a_read_connection_can_not_write(database: Database) -> None:
    connection = database.read_connection()

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        organizations.create(connection, "ash", 1)
    connection.close()


def test_a_read_connection_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no database"):
        Database(tmp_path / "innkeeper.db").read_connection()

    assert list(tmp_path.iterdir()) == []


def test_a_path_may_be_written_as_a_url(tmp_path: Path) -> None:
    assert Database(f"sqlite:///{tmp_path}/a.db").path == tmp_path / "a.db"
    assert Database("sqlite:///a.db").path == Path("a.db")
    assert Database("sqlite+aiosqlite:///a.db").path == Path("a.db")
    assert Database("a.db").path == Path("a.db")


@pytest.mark.parametrize(
    "wrong", ["postgresql://host/db", "sqlite://host/a.db", ":memory:", "sqlite:///:memory:", "sqlite:///", "sqlite:///a.db?timeout=1"]
)
def test_another_kind_of_database_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError):
        Database(wrong)


def test_a_refused_url_is_not_repeated_since_a_password_may_be_in_it() -> None:
    with pytest.raises(UsageError, match="postgresql://") as refused:
        Database("postgresql://me:hunter2@host/db")

    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be read as one" * 40, b"\0" * 4096])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "innkeeper.db"
    path.write_bytes(content)

    with pytest.raises(UsageError, match="can't open the database"):
        Database(path).connect()

    assert path.read_bytes() == content


def test_a_place_that_can_not_be_written_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent" / "innkeeper.db"):
        with pytest.raises(UsageError, match="can't open the database"):
            Database(path).connect()


def test_a_command_has_one_transaction(database: Database) -> None:
    with database.transaction() as connection:
        organizations.create(connection, "ash", 1)

    def fails_half_way() -> None:
        with database.transaction() as connection:
            organizations.create(connection, "yew", 1)
            organizations.create(connection, "ash", 1)

    with pytest.raises(UsageError, match="'ash' exists"):
        fails_half_way()

    reader = database.read_connection()
    assert [each.id for each in organizations.all(reader)] == ["ash", "elm", "oak"]
    reader.close()


def test_many_who_open_a_new_file_at_once_all_get_it(tmp_path: Path) -> None:
    together, modes = threading.Barrier(8), []

    def open_it() -> None:
        together.wait()
        connection = Database(tmp_path / "innkeeper.db").connect()
        modes.append(pragma(connection, "journal_mode"))
        connection.close()

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert modes == ["wal"] * 8
