import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host.model.entry import Entry, Scope
from host.model.errors import Conflict, HostError
from stores import entries
from stores.statement import Connection
from stores.transaction import transaction

PLUGIN = Scope("plugin")
HERE = ("oak", "p", PLUGIN)
EDGES = ["a", "b", "\x00", "~", "\x7f", "\x80", "ÿ", "\ud7ff", "\ue000", "\uffff", "𐀀", "\U0010ffff"]


def keys(connection: Connection, prefix: str = "", after: str | None = None, limit: int = 1000) -> list[str]:
    return [entry.key for entry in entries.entries(connection, *HERE, prefix, after, limit)]


def test_a_value_is_read_as_it_was_written(connection: Connection) -> None:
    entries.put(connection, *HERE, "k", ' { "b" : [1, 1.0, "ü\\u0000"], "a" : null } ')

    found = entries.entry(connection, *HERE, "k")

    assert found is not None
    assert (found.key, found.value) == ("k", '{"b":[1,1.0,"ü\\u0000"],"a":null}')
    assert entries.entry(connection, *HERE, "K") is None


def test_large_entries_end_a_page_early(connection: Connection) -> None:
    value = '"' + "x" * 250_000 + '"'
    with transaction(connection):
        for number in range(9):
            entries.put(connection, *HERE, f"k{number}", value)

    first = keys(connection)

    assert first == ["k0", "k1", "k2", "k3", "k4"]
    assert keys(connection, after=first[-1]) == ["k5", "k6", "k7", "k8"]


def test_every_write_gives_another_version_even_after_a_deletion(connection: Connection) -> None:
    versions = set()
    for _ in range(3):
        entries.put(connection, *HERE, "k", "1")
        found = entries.entry(connection, *HERE, "k")
        assert found is not None
        versions.add(found.version)
        entries.remove(connection, *HERE, "k")

    assert len(versions) == 3


def test_scopes_subjects_plugins_and_organisations_do_not_meet(connection: Connection) -> None:
    places = [
        ("oak", "p", PLUGIN),
        ("oak", "p", Scope("customer", "1")),
        ("oak", "p", Scope("customer", "2")),
        ("oak", "p", Scope("task", "1")),
        ("oak", "q", PLUGIN),
        ("elm", "p", PLUGIN),
    ]
    for number, place in enumerate(places):
        entries.put(connection, *place, "k", str(number))
    entries.remove(connection, *places[1], "k")

    found = [entries.entries(connection, *place, "", None, 10) for place in places]

    assert [[entry.value for entry in each] for each in found] == [["0"], [], ["2"], ["3"], ["4"], ["5"]]


def test_a_guarded_write_needs_the_version_that_was_read(connection: Connection) -> None:
    entries.compare_and_put(connection, *HERE, "k", "1", None)
    first = entries.entry(connection, *HERE, "k")
    assert first is not None
    entries.compare_and_put(connection, *HERE, "k", "2", first.version)

    for expected in (first.version, None, "never"):
        with pytest.raises(Conflict):
            entries.compare_and_put(connection, *HERE, "k", "3", expected)

    second = entries.entry(connection, *HERE, "k")
    assert second is not None
    assert second.value == "2"


def test_a_guarded_write_of_what_was_deleted_and_made_anew_conflicts(connection: Connection) -> None:
    entries.put(connection, *HERE, "k", "1")
    read = entries.entry(connection, *HERE, "k")
    assert read is not None
    entries.remove(connection, *HERE, "k")
    entries.put(connection, *HERE, "k", "1")

    with pytest.raises(Conflict):
        entries.compare_and_put(connection, *HERE, "k", "2", read.version)


def test_adding_starts_at_zero_and_reaches_both_ends_of_64_bits(connection: Connection) -> None:
    for by in (5, -7, 2**63 - 1, 3 - 2**63):
        entries.add(connection, *HERE, "n", by)
    entries.add(connection, *HERE, "least", -(2**63))

    assert entries.entry(connection, *HERE, "n") == Entry("n", "0", versioned(connection, "n"))
    assert entries.entry(connection, *HERE, "least") == Entry("least", str(-(2**63)), versioned(connection, "least"))


def versioned(connection: Connection, key: str) -> str:
    found = entries.entry(connection, *HERE, key)
    assert found is not None
    return found.version


@pytest.mark.parametrize("value", ["1.0", "true", '"1"', "null", "[1]", str(2**63 - 1), str(2**64 - 1)])
def test_adding_to_what_can_not_be_added_to_is_a_conflict_and_changes_nothing(connection: Connection, value: str) -> None:
    entries.put(connection, *HERE, "n", value)
    before = entries.entry(connection, *HERE, "n")

    with pytest.raises(Conflict):
        entries.add(connection, *HERE, "n", 1)

    assert entries.entry(connection, *HERE, "n") == before


def test_a_scan_gives_the_keys_in_the_order_of_their_bytes(connection: Connection) -> None:
    for key in EDGES:
        entries.put(connection, *HERE, key or "empty", "1")

    assert keys(connection) == sorted((key or "empty" for key in EDGES), key=str.encode)


@pytest.mark.parametrize("prefix", ["a", "\0", "ÿ", "\ud7ff", "\uffff", "\U0010ffff", "\U0010ffff\U0010ffff", "a\U0010ffff"])
def test_a_prefix_ends_where_it_ends(connection: Connection, prefix: str) -> None:
    family = sorted([prefix, *(prefix + edge for edge in EDGES)], key=str.encode)
    for key in {*family, *EDGES, "a", "b"}:
        entries.put(connection, *HERE, key, "1")

    expected = [key for key in keys(connection) if key.startswith(prefix)]

    assert set(family) <= set(expected)
    assert keys(connection, prefix) == expected
    assert keys(connection, prefix, after=expected[1]) == expected[2:]
    assert keys(connection, prefix, after="") == expected


def test_a_scan_goes_on_after_a_key_even_one_that_is_gone(connection: Connection) -> None:
    for number in range(7):
        entries.put(connection, *HERE, f"k{number}", str(number))
    entries.put(connection, *HERE, "other", "1")

    first = keys(connection, "k", limit=3)
    entries.remove(connection, *HERE, first[-1])

    assert first == ["k0", "k1", "k2"]
    assert keys(connection, "k", after=first[-1], limit=3) == ["k3", "k4", "k5"]
    assert keys(connection, "k", after="k5", limit=3) == ["k6"]
    assert keys(connection, "k", after="z") == []


def test_very_long_keys_and_values_are_kept(connection: Connection) -> None:
    key, value = "🔑" * 100_000, '"' + "v" * 5_000_000 + '"'
    entries.put(connection, *HERE, key, value)

    found = entries.entry(connection, *HERE, key)

    assert found is not None
    assert found.value == value
    assert keys(connection, key[:-1]) == [key]


def test_what_can_not_be_kept_is_invalid_and_stores_nothing(connection: Connection) -> None:
    with pytest.raises(HostError) as refused:
        entries.put(connection, *HERE, "k", '{"a":1,"a":2}')

    assert refused.value.code == "invalid"
    assert keys(connection) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.text(st.sampled_from("ab\0\ud7ff\ue000\U0010ffff"), min_size=1, max_size=4), unique=True, max_size=12),
    prefix=st.text(st.sampled_from("ab\ud7ff\U0010ffff"), max_size=2),
    after=st.none() | st.text(st.sampled_from("ab\0\U0010ffff"), max_size=3),
    limit=st.integers(1, 5),
)
def test_a_scan_is_what_sorting_and_filtering_gives(
    connection: Connection, names: list[str], prefix: str, after: str | None, limit: int
) -> None:
    with transaction(connection):
        connection.execute("DELETE FROM store_entries")
        for name in names:
            entries.put(connection, *HERE, name, "1")

    wanted = [name for name in names if name.startswith(prefix) and (after is None or name.encode() > after.encode())]

    assert keys(connection, prefix, after, limit) == sorted(wanted, key=str.encode)[:limit]
