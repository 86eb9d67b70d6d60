from stores import installations, plugins
from stores.statement import Connection

CHATTER = '{"name":"chatter","version":"1.0.0","description":"Chats","routes":[{"name":"in","path":"/in","auth":{"type":"public"}}]}'


def test_a_plugin_is_known_by_name_and_digest(connection: Connection) -> None:
    made = plugins.add(connection, "d1", CHATTER, 5)

    assert (made.name, made.digest, made.manifest.version, made.created_at) == ("chatter", "d1", "1.0.0", 5)
    assert made.manifest.routes[0].path == "/in"
    assert plugins.get(connection, "chatter", "d1") == made
    assert plugins.get(connection, "chatter", "d2") is None
    assert plugins.get(connection, "other", "d1") is None


def test_adding_it_again_keeps_what_is_there(connection: Connection) -> None:
    first = plugins.add(connection, "d1", CHATTER, 5)

    assert plugins.add(connection, "d1", CHATTER, 9) == first
    assert plugins.all(connection) == [first]


def test_the_newest_of_a_name_is_listed_first(connection: Connection) -> None:
    for at, (digest, name) in enumerate([("d1", "chatter"), ("d2", "chatter"), ("d3", "alpha")]):
        plugins.add(connection, digest, CHATTER.replace("chatter", name), at)

    assert [(plugin.name, plugin.digest) for plugin in plugins.all(connection)] == [("alpha", "d3"), ("chatter", "d2"), ("chatter", "d1")]


def test_versions_that_nobody_has_are_forgotten(connection: Connection) -> None:
    for digest in ("d1", "d2"):
        plugins.add(connection, digest, CHATTER, 5)
    other = plugins.add(connection, "d3", CHATTER.replace("chatter", "other"), 5)
    installations.upsert(connection, "oak", "chatter", digest="d2", at=5)

    assert plugins.forget_unused(connection, "chatter") == ["d1"]
    assert [plugin.digest for plugin in plugins.all(connection)] == ["d2", other.digest]
