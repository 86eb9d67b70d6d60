import sqlite3

import pytest

from stores import epoch
from stores.database import Database
from stores.statement import Connection
from stores.transaction import snapshot, transaction


def test_a_transaction_takes_the_write_lock_at_its_beginning(connection: Connection, database: Database) -> None:
    other = Database(database.path, busy_timeout_ms=0).connect()

    with transaction(connection), pytest.raises(sqlite3.OperationalError, match="locked"), transaction(other):
        pass

    with transaction(other):
        epoch.bump(other)
    assert not connection.in_transaction
    other.close()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_whatever_ends_the_block_rolls_it_back(connection: Connection, error: type[BaseException]) -> None:
    before = epoch.read(connection)

    def ends() -> None:
        with transaction(connection):
            epoch.bump(connection)
            raise error

    with pytest.raises(error):
        ends()

    assert epoch.read(connection) == before
    assert not connection.in_transaction


def test_a_commit_that_fails_leaves_no_transaction_open(connection: Connection) -> None:
    def leaves_a_reference_to_nothing() -> None:
        with transaction(connection):
            connection.execute("PRAGMA defer_foreign_keys = ON")
            connection.execute("INSERT INTO agents VALUES ('nobody', 'a', 'Ada', 1, 0)")

    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        leaves_a_reference_to_nothing()

    assert not connection.in_transaction
    assert connection.execute("SELECT * FROM agents").fetchall() == []


def test_a_snapshot_sees_one_state(connection: Connection, database: Database) -> None:
    reader = database.read_connection()
    before = epoch.read(reader)

    with snapshot(reader):
        assert epoch.read(reader) == before
        epoch.bump(connection)
        assert epoch.read(reader) == before

    assert epoch.read(reader) == before + 1
    reader.close()


def test_a_snapshot_within_a_transaction_leaves_it_alone(connection: Connection) -> None:
    before = epoch.read(connection)

    with transaction(connection):
        epoch.bump(connection)
        with snapshot(connection):
            assert epoch.read(connection) == before + 1

    assert epoch.read(connection) == before + 1
