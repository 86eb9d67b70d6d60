import pytest

from host.model.errors import UsageError
from stores import epoch, routing_keys
from stores.routing_keys import RoutingKey
from stores.statement import Connection


def test_a_key_is_an_organisations_until_it_is_taken_away(connection: Connection) -> None:
    routing_keys.assign(connection, "oak", "chatter", "49 151", 7)
    routing_keys.assign(connection, "oak", "archive", "ü", 8)

    assert routing_keys.owner(connection, "chatter", "49 151") == "oak"
    assert routing_keys.all(connection, "oak") == [RoutingKey("archive", "ü", 8), RoutingKey("chatter", "49 151", 7)]

    routing_keys.remove(connection, "chatter", "49 151")
    assert routing_keys.owner(connection, "chatter", "49 151") is None


def test_a_key_that_another_organisation_has_is_refused_and_says_whose_it_is(connection: Connection) -> None:
    routing_keys.assign(connection, "oak", "chatter", "1", 7)

    with pytest.raises(UsageError, match=r"'1' of chatter belongs to organisation 'oak'; .* innkeeper orgs unroute chatter 1"):
        routing_keys.assign(connection, "elm", "chatter", "1", 8)
    assert routing_keys.owner(connection, "chatter", "1") == "oak"


def test_a_key_is_unique_within_a_plugin_alone(connection: Connection) -> None:
    routing_keys.assign(connection, "oak", "chatter", "1", 7)
    routing_keys.assign(connection, "elm", "archive", "1", 8)

    assert [routing_keys.owner(connection, plugin, "1") for plugin in ("chatter", "archive")] == ["oak", "elm"]


def test_a_key_that_it_has_already_stays_as_it_is(connection: Connection) -> None:
    routing_keys.assign(connection, "oak", "chatter", "1", 7)
    before = epoch.read(connection)
    routing_keys.assign(connection, "oak", "chatter", "1", 8)

    assert routing_keys.all(connection, "oak") == [RoutingKey("chatter", "1", 7)]
    assert epoch.read(connection) == before


def test_what_is_not_there_can_not_be_changed(connection: Connection) -> None:
    with pytest.raises(UsageError, match="no organisation 'nobody'"):
        routing_keys.assign(connection, "nobody", "chatter", "1", 7)
    with pytest.raises(UsageError, match="no organisation has the routing key '1' of chatter"):
        routing_keys.remove(connection, "chatter", "1")
