"""Lines as they are committed: none lost, none twice."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from host.cli.following import SLACK_MS, Follower
from host.cli.moments import now
from host.model.identifier import first_id
from stores import deliveries, organizations
from stores.database import Database
from stores.statement import Connection
from tests.cli.records import house, made_record, record
from tests.runtime.hosts import choose


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return house(tmp_path, "acme", "globex")


@pytest.fixture
def connection(data: Path) -> Iterator[Connection]:
    with closing(Database(data / "innkeeper.db").read_connection()) as opened:
        yield opened


def new(follower: Follower) -> list[str]:
    return [line.message for line in follower.new()]


def test_what_was_there_before_is_not_new(data: Path, connection: Connection) -> None:
    record(data, "before")
    follower = Follower(connection, None, None, None)

    assert new(follower) == []
    record(data, "after", "and more")
    assert new(follower) == ["after", "and more"]
    assert new(follower) == []


def test_a_delivery_that_commits_late_is_new_though_its_id_is_older(data: Path, connection: Connection) -> None:
    late = made_record("late", at=now() - 9_000)
    record(data, "seen")
    follower = Follower(connection, None, None, None)
    record(data, "early")
    assert new(follower) == ["early"]

    with Database(data / "innkeeper.db").transaction() as other:
        deliveries.record(other, late)
    assert new(follower) == ["late"]
    assert new(follower) == []


def test_a_call_may_take_as_long_as_the_longest_deadline_of_all(data: Path, connection: Connection) -> None:
    with Database(data / "innkeeper.db").transaction() as other:
        choose(other, "second", "globex", limits={"deadline_ms": 3_600_000})
    follower = Follower(connection, None, None, None)
    record(data, "an hour ago", at=now() - 3_600_000)

    assert new(follower) == ["an hour ago"]


def test_a_deadline_that_is_lowered_holds_for_the_calls_that_began_under_it(data: Path, connection: Connection) -> None:
    with Database(data / "innkeeper.db").transaction() as other:
        choose(other, "probe", limits={"deadline_ms": 3_600_000})
    follower = Follower(connection, None, None, None)
    with Database(data / "innkeeper.db").transaction() as other:
        choose(other, "probe", limits={"deadline_ms": 1})
    for number in range(2):
        record(data, f"an hour ago {number}", at=now() - 3_600_000)
        assert new(follower) == [f"an hour ago {number}"]


def test_what_is_committed_while_lines_are_handed_out_comes_with_the_next_look(data: Path, connection: Connection) -> None:
    for number in range(3):
        record(data, f"first {number}", at=now() - 1_000 + number)
    follower = Follower(connection, None, None, first_id(now() - 5_000))
    lines = follower.new()
    seen = [next(lines).message]
    record(data, "behind", at=now() - 4_000)
    seen += [line.message for line in lines]

    assert seen == ["first 0", "first 1", "first 2"]
    assert new(follower) == ["behind"]
    assert new(follower) == []


def test_organisations_are_merged_in_the_order_of_receipts(data: Path, connection: Connection) -> None:
    at = now() - 1_000
    for number in range(6):
        record(
            data, f"{number}", at=at + number, organization="globex" if number % 2 else "acme", plugin="second" if number % 3 else "probe"
        )

    assert new(Follower(connection, None, None, first_id(at))) == ["0", "1", "2", "3", "4", "5"]
    assert new(Follower(connection, "globex", None, first_id(at))) == ["1", "3", "5"]
    assert new(Follower(connection, None, "probe", first_id(at))) == ["0", "3"]
    assert new(Follower(connection, "acme", "second", first_id(at))) == ["2", "4"]


def test_what_is_from_before_the_wanted_time_stays_out_even_if_it_commits_later(data: Path, connection: Connection) -> None:
    follower = Follower(connection, None, None, first_id(now() - 1_000))
    record(data, "too old", at=now() - 2_000)
    record(data, "new")

    assert new(follower) == ["new"]


def test_an_organisation_that_comes_later_is_followed_too(data: Path, connection: Connection) -> None:
    follower = Follower(connection, None, None, None)
    with Database(data / "innkeeper.db").transaction() as other:
        organizations.create(other, "initech", 1)
    record(data, "hello", organization="initech")

    assert new(follower) == ["hello"]


def test_more_than_a_page_of_deliveries_is_read_to_its_end(data: Path, connection: Connection) -> None:
    at = now() - 2_000
    with Database(data / "innkeeper.db").transaction() as other:
        for number in range(1_000):
            deliveries.record(other, made_record(f"{number}", at=at + number))

    assert new(Follower(connection, None, None, first_id(at))) == [f"{number}" for number in range(1_000)]


def test_only_what_may_be_met_again_is_remembered(data: Path, connection: Connection) -> None:
    old, recent = record(data, "old", at=now() - 2 * SLACK_MS), record(data, "recent")
    follower = Follower(connection, None, None, first_id(0))

    assert new(follower) == ["old", "recent"]
    assert follower._seen == {("acme", recent.id)}
    assert old.id < recent.id


def test_a_look_at_a_database_that_another_process_holds_begins_again_later(data: Path) -> None:
    path = data / "innkeeper.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other, closing(sqlite3.connect(path, timeout=0)) as connection:
        other.execute("PRAGMA journal_mode=DELETE")  # where a writer keeps readers out
        follower = Follower(connection, None, None, None)
        other.execute("BEGIN EXCLUSIVE")
        deliveries.record(other, made_record("kept"))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            new(follower)
        other.execute("COMMIT")

        assert new(follower) == ["kept"]
        assert new(follower) == []
