"""How much a plugin stores is known without counting, and held to its limits."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host.model.effects import Effect, StoreAdd, StoreDelete, StoreSet
from host.model.entry import Scope
from host.model.errors import Conflict, LimitExceeded
from host.model.limits import Limits
from stores import effects, entries, sizes
from stores.database import Database
from stores.sizes import Size
from stores.statement import Connection
from stores.transaction import transaction

PLUGIN = Scope("plugin")


def commit(connection: Connection, *wishes: Effect, organization: str = "oak", plugin: str = "p", **limits: int) -> None:
    with transaction(connection):
        effects.apply(connection, organization, plugin, wishes, 100, limits=Limits(**limits))


def recount(connection: Connection, organization: str = "oak", plugin: str = "p") -> Size:
    names = "length(CAST(scope_subject AS BLOB)) + length(CAST(key AS BLOB))"
    counted = f"SELECT count(*), coalesce(sum({names} + length(value)), 0) FROM store_entries"
    return Size(*connection.execute(f"{counted} WHERE organization = ? AND plugin = ?", (organization, plugin)).fetchone())


def wish(scope: Scope, key: str, what: str, value: str, version: str) -> Effect:
    if what == "delete":
        return StoreDelete(scope, key)
    if what == "add":
        return StoreAdd(scope, key, 2**40)
    if what == "guarded":
        return StoreSet(scope, key, value, guarded=True, expected=version or None)
    return StoreSet(scope, key, value)


wishes = st.builds(
    wish,
    st.sampled_from([PLUGIN, Scope("customer", "cü")]),
    st.sampled_from(["a", "ä", "\U0001f600", "long" * 20]),
    st.sampled_from(["set", "set", "guarded", "add", "delete"]),
    st.sampled_from(["1", '"text"', "[1,2,3]", '"' + "x" * 500 + '"']),
    st.just(""),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["oak", "elm"]), st.sampled_from(["p", "q"]), st.lists(wishes, max_size=5)), max_size=20))
def test_the_size_is_what_a_recount_gives_after_any_commits_and_roll_backs(
    database: Database, jobs: list[tuple[str, str, list[Effect]]]
) -> None:
    connection = database.connect()
    for organization, plugin, job in jobs:
        with suppress(Conflict, LimitExceeded):
            commit(connection, *job, organization=organization, plugin=plugin, store_keys=4, store_bytes=700)
        assert not connection.in_transaction
    for organization in ("oak", "elm"):
        for plugin in ("p", "q"):
            size = sizes.get(connection, organization, plugin)
            assert size == recount(connection, organization, plugin)
            assert size.keys <= 4
            assert size.bytes <= 700
    connection.close()


def test_a_guarded_write_over_an_entry_counts_the_difference(connection: Connection) -> None:
    commit(connection, StoreSet(PLUGIN, "k", '"long enough"'))
    entry = entries.entry(connection, "oak", "p", PLUGIN, "k")
    assert entry is not None
    commit(connection, StoreSet(PLUGIN, "k", "1", guarded=True, expected=entry.version))

    assert sizes.get(connection, "oak", "p") == recount(connection) == Size(1, 2)


@pytest.mark.promise("limits.store")
def test_whom_an_entry_is_about_counts_like_its_key(connection: Connection) -> None:
    whom = Scope("customer", "ü" * 250)
    with pytest.raises(LimitExceeded) as failed:
        commit(connection, StoreSet(whom, "k", "1"), store_bytes=501)
    assert failed.value.code == "limit.store-bytes"
    commit(connection, StoreSet(whom, "k", "1"), store_bytes=502)
    assert sizes.get(connection, "oak", "p") == recount(connection) == Size(1, 502)
    commit(connection, StoreDelete(whom, "k"))
    assert sizes.get(connection, "oak", "p") == Size(0, 0)


@pytest.mark.promise("limits.store")
def test_what_would_be_too_much_is_not_stored_and_nobody_else_is_touched(connection: Connection) -> None:
    commit(connection, StoreSet(PLUGIN, "a", "1"), organization="elm")
    commit(connection, StoreSet(PLUGIN, "a", "1"), StoreSet(PLUGIN, "b", "1"), store_keys=2)
    for limits, code in (({"store_keys": 2}, "limit.store-keys"), ({"store_bytes": 10}, "limit.store-bytes")):
        with pytest.raises(LimitExceeded) as failed:
            commit(connection, StoreSet(PLUGIN, "c", '"' + "x" * 20 + '"'), **limits)
        assert failed.value.code == code
        assert failed.value.status == 502

    assert sizes.get(connection, "oak", "p") == recount(connection) == Size(2, 4)
    assert sizes.get(connection, "elm", "p") == recount(connection, "elm") == Size(1, 2)


def test_above_a_lowered_limit_what_makes_the_store_no_larger_goes_on(connection: Connection) -> None:
    commit(connection, *[StoreSet(PLUGIN, key, '"' + "x" * 100 + '"') for key in "abcd"])
    lowered = {"store_keys": 1, "store_bytes": 10}
    commit(connection, StoreSet(PLUGIN, "a", "1"), **lowered)
    commit(connection, StoreSet(PLUGIN, "b", '"' + "y" * 100 + '"'), **lowered)
    commit(connection, StoreDelete(PLUGIN, "b"), StoreSet(PLUGIN, "new", "1"), **lowered)
    commit(connection, StoreDelete(PLUGIN, "c"), **lowered)
    with pytest.raises(LimitExceeded):
        commit(connection, StoreSet(PLUGIN, "d", '"' + "x" * 101 + '"'), **lowered)

    assert sizes.get(connection, "oak", "p") == recount(connection)
    assert sizes.get(connection, "oak", "p").keys == 3
