"""A plugin's own secrets: nobody's in particular, and no organisation's."""

import pytest

from host.model.errors import UsageError
from stores import epoch, installations, plugin_secrets, plugins, secrets
from stores.sealing import Sealer
from stores.statement import Connection

SEALER = Sealer(b"k" * 32)
CHATTER = '{"name":"chatter","version":"1.0.0","description":"Chats"}'


def test_they_are_set_named_loaded_and_removed(connection: Connection) -> None:
    for at, value in ((1, "eins"), (2, "zwei")):
        plugin_secrets.set(connection, SEALER, "chatter", "a", value, at)
    plugin_secrets.set(connection, SEALER, "other", "a", "drei", 3)

    assert [(each.name, each.key_id, each.set_at) for each in plugin_secrets.stored(connection, "chatter")] == [("a", SEALER.key_id, 2)]
    assert dict(plugin_secrets.load_all(connection, SEALER, "chatter")) == {"a": "zwei"}
    plugin_secrets.remove(connection, "chatter", "a")
    assert dict(plugin_secrets.load_all(connection, SEALER, "chatter")) == {}
    assert dict(plugin_secrets.load_all(connection, SEALER, "other")) == {"a": "drei"}
    with pytest.raises(UsageError, match="not set"):
        plugin_secrets.remove(connection, "chatter", "a")


def test_each_change_is_one_of_configuration(connection: Connection) -> None:
    before = epoch.read(connection)
    plugin_secrets.set(connection, SEALER, "chatter", "a", "1", 1)
    plugin_secrets.remove(connection, "chatter", "a")

    assert epoch.read(connection) == before + 2


@pytest.mark.promise("secrets.plugin-own")
def test_what_is_moved_between_a_plugin_and_an_organisation_opens_on_neither_side(connection: Connection) -> None:
    plugins.add(connection, "d1", CHATTER, 1)
    installations.upsert(connection, "oak", "chatter", digest="d1", at=1)
    secrets.set(connection, SEALER, "oak", "chatter", "a", "of oak", 1)
    plugin_secrets.set(connection, SEALER, "chatter", "a", "of all", 1)
    connection.execute("CREATE TEMP TABLE kept AS SELECT sealed FROM secrets")
    connection.execute("UPDATE secrets SET sealed = (SELECT sealed FROM plugin_secrets)")
    connection.execute("UPDATE plugin_secrets SET sealed = (SELECT sealed FROM kept)")

    assert "moved" in secrets.load_all(connection, SEALER, "oak", "chatter").shut["a"]
    assert "moved" in plugin_secrets.load_all(connection, SEALER, "chatter").shut["a"]


@pytest.mark.promise("secrets.plugin-own")
def test_an_installation_has_them_apart_from_its_own(connection: Connection) -> None:
    plugins.add(connection, "d1", CHATTER, 1)
    installations.upsert(connection, "oak", "chatter", digest="d1", at=1)
    secrets.set(connection, SEALER, "oak", "chatter", "mine", "of oak", 1)
    plugin_secrets.set(connection, SEALER, "chatter", "ours", "of all", 1)

    found = installations.load(connection, SEALER, "oak", "chatter")

    assert found is not None
    assert (dict(found.secrets), dict(found.own_secrets)) == ({"mine": "of oak"}, {"ours": "of all"})
