from host.model.entry import Scope
from host.model.limits import Limits
from stores import entries, erasure, sizes
from stores.statement import Connection

SCOPES = [Scope("plugin"), Scope("customer", "c1")]


def fill(connection: Connection, organization: str, plugin: str, count: int = 3) -> None:
    for scope in SCOPES:
        for number in range(count):
            size = entries.put(connection, organization, plugin, scope, f"k{number}", "1")
            sizes.grow(connection, organization, plugin, size, Limits())


def kept_sizes(connection: Connection) -> tuple[int, int]:
    return tuple(sizes.get(connection, "oak", "chatter"))


def left(connection: Connection, organization: str, plugin: str) -> int:
    return sum(len(entries.entries(connection, organization, plugin, scope, "", None, 100)) for scope in SCOPES)


def test_entries_go_some_at_a_time_until_there_is_none(connection: Connection) -> None:
    fill(connection, "oak", "chatter")
    assert erasure.has_data(connection, "oak", "chatter")

    assert kept_sizes(connection) == (6, 24)

    assert erasure.erase_some(connection, "oak", "chatter", 4) == (4, 0)
    assert kept_sizes(connection) == (2, 6)
    assert [erasure.erase_some(connection, "oak", "chatter", 4) for _ in range(2)] == [(2, 0), (0, 0)]
    assert kept_sizes(connection) == (0, 0)
    assert (left(connection, "oak", "chatter"), erasure.has_data(connection, "oak", "chatter")) == (0, False)


def test_what_is_somebody_elses_stays(connection: Connection) -> None:
    for organization, plugin in (("oak", "chatter"), ("oak", "other"), ("elm", "chatter")):
        fill(connection, organization, plugin)
    erasure.erase_some(connection, "oak", "chatter")

    assert [left(connection, *whose) for whose in (("oak", "chatter"), ("oak", "other"), ("elm", "chatter"))] == [0, 6, 6]


def test_dedupe_keys_go_after_the_entries(connection: Connection) -> None:
    fill(connection, "oak", "chatter", 1)
    for key in ("a", "b"):
        connection.execute("INSERT INTO dedupe_keys VALUES ('oak', 'chatter', 'in', ?, x'00', 'd', 200, '[]', x'', 9)", [key])

    assert [erasure.erase_some(connection, "oak", "chatter") for _ in range(3)] == [(2, 0), (0, 2), (0, 0)]
