import pytest

from host.model.errors import Conflict
from host.model.source import Source
from stores import sources
from stores.statement import Connection


def test_a_source_belongs_to_the_plugin_that_registered_it(connection: Connection) -> None:
    sources.register(connection, "oak", "chatter", Source("chat", "Chat", None, None, None))

    assert sources.source_owner(connection, "oak", "chat") == "chatter"
    assert sources.source_owner(connection, "elm", "chat") is None
    assert sources.source_owner(connection, "oak", "mail") is None


def test_a_second_registration_changes_it(connection: Connection) -> None:
    sources.register(connection, "oak", "chatter", Source("chat", "Chat", None, "icon", None))
    changed = Source("chat", "Chat 2", "better", None, '{"a":1}')
    sources.register(connection, "oak", "chatter", changed)

    assert sources.all(connection, "oak") == [changed]


def test_another_plugins_source_stays_what_it_is(connection: Connection) -> None:
    chat = Source("chat", "Chat", None, None, None)
    sources.register(connection, "oak", "chatter", chat)

    with pytest.raises(Conflict, match="another plugin"):
        sources.register(connection, "oak", "thief", Source("chat", "Mine", None, None, None))

    assert sources.source_owner(connection, "oak", "chat") == "chatter"
    assert sources.all(connection, "oak") == [chat]
