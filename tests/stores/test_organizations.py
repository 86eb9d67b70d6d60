import json

import pytest
from msgspec.structs import replace

from host.model.customer import Customer, Identity
from host.model.effects import ConversationOpened, CustomerCreated, Effect, MessageAdded, StoreSet
from host.model.entry import Scope
from host.model.errors import UsageError
from host.model.message import Conversation, Message
from stores import agents, deliveries, effects, installations, organizations, plugins
from stores.organizations import Organization
from stores.statement import Connection
from tests.stores.test_deliveries import RECORD


def test_an_organisation_is_found_and_listed(connection: Connection) -> None:
    made = organizations.create(connection, "a-1", 7)

    assert made == Organization("a-1", "{}", 7)
    assert organizations.get(connection, "a-1") == made
    assert organizations.get(connection, "a-2") is None
    assert [each.id for each in organizations.all(connection)] == ["a-1", "elm", "oak"]


@pytest.mark.parametrize("wrong", ["", "-a", "A", "a_b", "a b", "ä", "a" * 64, "a\n", "a\0", "../a"])
def test_an_id_is_a_slug(connection: Connection, wrong: str) -> None:
    with pytest.raises(UsageError, match="lower-case letters"):
        organizations.create(connection, wrong, 1)


def test_the_longest_id_has_63_characters(connection: Connection) -> None:
    assert organizations.create(connection, "a" * 63, 1).id == "a" * 63


def test_an_id_is_taken_once(connection: Connection) -> None:
    with pytest.raises(UsageError, match="'oak' exists"):
        organizations.create(connection, "oak", 1)


def test_settings_are_kept_as_they_came(connection: Connection) -> None:
    ada = agents.add(connection, "oak", "Ada")
    settings = json.dumps({"channelAgents": {"chat": ada.id}, "else": [1]})

    organizations.change_settings(connection, "oak", settings)

    assert organizations.get(connection, "oak") == Organization("oak", settings, 1)


@pytest.mark.parametrize("wrong", ["[]", "{", '{"channelAgents":[]}', '{"channelAgents":{"chat":1}}', '{"defaultAgent":1}', '"\ud800"'])
def test_settings_of_another_shape_are_refused(connection: Connection, wrong: str) -> None:
    with pytest.raises(UsageError, match="settings"):
        organizations.change_settings(connection, "oak", wrong)

    assert organizations.get(connection, "oak") == Organization("oak", "{}", 1)


def test_settings_can_not_name_the_agent_of_another_organisation(connection: Connection) -> None:
    foreign = agents.add(connection, "elm", "Ada").id

    for settings in ({"defaultAgent": foreign}, {"channelAgents": {"chat": foreign}}):
        with pytest.raises(UsageError, match=f"'oak' has no agent '{foreign}'"):
            organizations.change_settings(connection, "oak", json.dumps(settings))


def test_settings_of_no_organisation_are_refused(connection: Connection) -> None:
    with pytest.raises(UsageError, match="no organisation 'nobody'"):
        organizations.change_settings(connection, "nobody", "{}")


def test_a_removed_organisation_is_gone_and_its_id_free(connection: Connection) -> None:
    organizations.remove(connection, "oak")

    assert [each.id for each in organizations.all(connection)] == ["elm"]
    assert organizations.create(connection, "oak", 2).created_at == 2
    with pytest.raises(UsageError, match="no organisation 'ash'"):
        organizations.remove(connection, "ash")


def test_what_came_in_for_an_organisation_is_removed_in_parts_and_nobody_elses(connection: Connection) -> None:
    for organization in ("oak", "elm"):
        for number in range(5):
            deliveries.record(connection, replace(RECORD, id=f"d{number}", organization=organization))
            customer = Customer(f"c{number}", [Identity("chat", f"{number}")], None, None, None, "{}", 1, 1)
            talk = Conversation(f"v{number}", "chat", customer.id, None, "open", 1, 1)
            message = Message(f"m{number}", talk.id, customer.id, "chat", "inbound", "text", "hi", [], None, None, "received", "{}", 5)
            known: list[Effect] = [CustomerCreated(customer), ConversationOpened(talk), MessageAdded(message)]
            effects.apply(connection, organization, "p", [*known, StoreSet(Scope("plugin"), f"{number}", "1")], 100)
    before = rows(connection, "elm")

    parts = 0
    while organizations.remove_some(connection, "oak", 2):
        parts += 1

    assert parts == 5 * 3
    assert set(rows(connection, "oak").values()) == {0}
    assert rows(connection, "elm") == before
    assert organizations.get(connection, "oak") is not None


def rows(connection: Connection, organization: str) -> dict[str, int]:
    """How many an organisation has in each table of what comes in."""
    names = ("deliveries", "log_lines", "customers", "customer_identities", "conversations", "messages", "store_entries")
    count = "SELECT count(*) FROM {} WHERE organization = ?"
    return {name: connection.execute(count.format(name), (organization,)).fetchone()[0] for name in names}


def test_a_stopped_organisation_has_no_plugin_and_its_data_still(connection: Connection) -> None:
    plugins.add(connection, "d1", '{"name":"chatter","version":"1.0.0","description":"Chats"}', 1)
    for organization in ("oak", "elm"):
        installations.upsert(connection, organization, "chatter", digest="d1", at=1)
    deliveries.record(connection, RECORD)

    organizations.stop(connection, "oak")

    assert [each.organization for each in installations.load_all(connection, None)] == ["elm"]
    assert deliveries.get(connection, "oak", "d1") is not None
