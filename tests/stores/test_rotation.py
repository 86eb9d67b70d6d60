"""Sealing anew in batches."""

import pytest

from stores import epoch, installations, plugin_secrets, plugins, rotation, secrets
from stores.keys import GivenKeys
from stores.rotation import FIRST, Place
from stores.sealing import Sealer
from stores.statement import Connection

OLD, NEW, FOREIGN = b"o" * 32, b"n" * 32, b"f" * 32
BOTH = Sealer(GivenKeys(NEW, OLD))
CHATTER = '{"name":"chatter","version":"1.0.0","description":"Chats"}'


def settled(connection: Connection, key: bytes = OLD) -> Connection:
    """Five secrets under one key: two of each of two organisations, and one of the plugin itself."""
    plugins.add(connection, "d1", CHATTER, 1)
    for organization in ("elm", "oak"):
        installations.upsert(connection, organization, "chatter", digest="d1", at=1)
        for name in ("a", "b"):
            secrets.set(connection, Sealer(key), organization, "chatter", name, f"{name} of {organization}", 7)
    plugin_secrets.set(connection, Sealer(key), "chatter", "a", "a of all", 7)
    return connection


def everything(connection: Connection, sealer: Sealer) -> dict[str, str]:
    loaded = [secrets.load_all(connection, sealer, organization, "chatter") for organization in ("elm", "oak")]
    return {value: name for each in (*loaded, plugin_secrets.load_all(connection, sealer, "chatter")) for name, value in each.items()}


@pytest.mark.parametrize("count", [1, 2, 4, 5, 6])
def test_batches_reach_each_secret_once_whatever_their_size(connection: Connection, count: int) -> None:
    settled(connection)
    before = everything(connection, Sealer(OLD))
    batches, after = [], FIRST
    while True:
        batch = rotation.reseal(connection, BOTH, after, count)
        batches.append(batch)
        if batch.last is None:
            break
        after = batch.last

    assert sum(batch.resealed for batch in batches) == 5
    assert all(batch.resealed <= count for batch in batches)
    assert rotation.left(connection, BOTH.key_id) == 0
    assert rotation.key_ids(connection) == [BOTH.key_id]
    assert everything(connection, Sealer(NEW)) == before
    assert everything(connection, Sealer(OLD)) == {}


def test_when_a_secret_was_set_stays_what_it_was_and_the_epoch_moves_on_once_per_batch(connection: Connection) -> None:
    settled(connection)
    before = epoch.read(connection)
    rotation.reseal(connection, BOTH, FIRST, 100)
    between = epoch.read(connection)
    rotation.reseal(connection, BOTH, FIRST, 100)

    assert [each.set_at for each in secrets.stored(connection, "oak", "chatter")] == [7, 7]
    assert (between, epoch.read(connection)) == (before + 1, before + 1)


def test_what_does_not_open_is_named_and_stays_and_stops_nobody(connection: Connection) -> None:
    settled(connection)
    secrets.set(connection, Sealer(FOREIGN), "elm", "chatter", "a", "foreign", 7)
    connection.execute("UPDATE secrets SET sealed = zeroblob(50) WHERE organization = 'oak' AND name = 'b'")
    sealed = connection.execute("SELECT sealed FROM secrets WHERE organization = 'elm' AND name = 'a'").fetchall()

    batch = rotation.reseal(connection, BOTH, FIRST, 100)

    assert batch.resealed == 3
    assert set(batch.shut) == {Place("elm", "chatter", "a"), Place("oak", "chatter", "b")}
    assert connection.execute("SELECT sealed FROM secrets WHERE organization = 'elm' AND name = 'a'").fetchall() == sealed
