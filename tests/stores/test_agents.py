import json
from collections.abc import Callable

import pytest

from host.model.customer import Customer, Identity
from host.model.effects import ConversationOpened, CustomerCreated
from host.model.errors import UsageError
from host.model.message import Conversation
from stores import agents, conversations, effects, organizations
from stores.agents import Agent
from stores.statement import Connection
from stores.transaction import transaction


def test_agents_are_listed_in_the_order_in_which_they_came(connection: Connection) -> None:
    ada, bob = agents.add(connection, "oak", "Ada"), agents.add(connection, "oak", "Bob")

    assert (ada.position, bob.position) == (0, 1)
    assert agents.all(connection, "oak") == [ada, bob]


def test_the_agent_of_the_channel_comes_before_the_default_and_that_before_the_first(connection: Connection) -> None:
    first, default, channel = (agents.add(connection, "oak", name).id for name in ("first", "default", "channel"))

    assert agents.agent_for(connection, "oak", "chat") == first
    organizations.change_settings(connection, "oak", json.dumps({"defaultAgent": default}))
    assert agents.agent_for(connection, "oak", "chat") == default
    organizations.change_settings(connection, "oak", json.dumps({"defaultAgent": default, "channelAgents": {"chat": channel}}))
    assert agents.agent_for(connection, "oak", "chat") == channel
    assert agents.agent_for(connection, "oak", "mail") == default


def test_the_first_available_agent_is_one_that_is_available(connection: Connection) -> None:
    ada, bob = agents.add(connection, "oak", "Ada"), agents.add(connection, "oak", "Bob")

    agents.set_available(connection, "oak", ada.id, False)
    assert agents.agent_for(connection, "oak", "chat") == bob.id
    agents.set_available(connection, "oak", bob.id, False)
    assert agents.agent_for(connection, "oak", "chat") is None
    assert agents.all(connection, "oak") == [Agent(ada.id, "Ada", False, 0), Agent(bob.id, "Bob", False, 1)]


def test_an_agent_that_the_settings_name_is_taken_even_when_not_available(connection: Connection) -> None:
    agents.add(connection, "oak", "Ada")
    bob = agents.add(connection, "oak", "Bob")
    organizations.change_settings(connection, "oak", json.dumps({"defaultAgent": bob.id}))
    agents.set_available(connection, "oak", bob.id, False)

    assert agents.agent_for(connection, "oak", "chat") == bob.id


def test_an_agent_that_is_named_but_gone_is_passed_over(connection: Connection) -> None:
    ada, bob = agents.add(connection, "oak", "Ada"), agents.add(connection, "oak", "Bob")
    organizations.change_settings(connection, "oak", json.dumps({"channelAgents": {"chat": bob.id}}))
    connection.execute("DELETE FROM agents WHERE id = ?", (bob.id,))

    assert agents.agent_for(connection, "oak", "chat") == ada.id


def test_without_agents_or_organisation_there_is_none(connection: Connection) -> None:
    assert agents.agent_for(connection, "oak", "chat") is None
    assert agents.agent_for(connection, "nobody", "chat") is None


def test_what_is_not_there_can_not_be_changed(connection: Connection) -> None:
    ada = agents.add(connection, "oak", "Ada")

    with pytest.raises(UsageError, match="no organisation 'nobody'"):
        agents.add(connection, "nobody", "Ada")
    with pytest.raises(UsageError, match="'elm' has no agent"):
        agents.set_available(connection, "elm", ada.id, False)


def talk(connection: Connection, organization: str, conversation_id: str, agent_id: str) -> None:
    """A conversation of a customer of its own."""
    customer = Customer(f"of-{conversation_id}", [Identity("chat", conversation_id)], None, None, None, "{}", 1, 1)
    opened = Conversation(conversation_id, "chat", customer.id, agent_id, "open", 1, 1)
    effects.apply(connection, organization, "p", [CustomerCreated(customer), ConversationOpened(opened)], 100)


def test_an_agent_can_be_renamed(connection: Connection) -> None:
    ada = agents.add(connection, "oak", "Ada")

    agents.rename(connection, "oak", ada.id, "Eve")

    assert agents.all(connection, "oak") == [Agent(ada.id, "Eve", True, 0)]


def test_an_agent_without_conversations_can_be_removed(connection: Connection) -> None:
    ada, bob = agents.add(connection, "oak", "Ada"), agents.add(connection, "oak", "Bob")

    agents.remove(connection, "oak", ada.id)

    assert agents.all(connection, "oak") == [bob]


def test_an_agent_with_conversations_can_be_removed_once_another_one_has_them(connection: Connection) -> None:
    ada, bob = agents.add(connection, "oak", "Ada"), agents.add(connection, "oak", "Bob")
    for conversation_id in ("v1", "v2"):
        talk(connection, "oak", conversation_id, ada.id)
    conversations.close(connection, "oak", "v2", 5)

    with pytest.raises(UsageError, match="has conversations"), transaction(connection):
        agents.remove(connection, "oak", ada.id)
    assert agents.conversations_of(connection, "oak", ada.id) == 2

    assert agents.hand_over(connection, "oak", ada.id, bob.id) == 2
    agents.remove(connection, "oak", ada.id)

    assert (agents.conversations_of(connection, "oak", bob.id), agents.all(connection, "oak")) == (2, [bob])


def test_only_the_conversations_of_that_agent_are_handed_over(connection: Connection) -> None:
    ada, bob = agents.add(connection, "oak", "Ada"), agents.add(connection, "oak", "Bob")
    foreign = agents.add(connection, "elm", "Ada")
    for organization, conversation_id, agent in (("oak", "v1", bob), ("elm", "v1", foreign)):
        talk(connection, organization, conversation_id, agent.id)

    assert agents.hand_over(connection, "oak", ada.id, bob.id) == 0
    assert agents.conversations_of(connection, "elm", foreign.id) == 1


@pytest.mark.parametrize("change", [lambda *who: agents.rename(*who, "Eve"), agents.remove], ids=["rename", "remove"])
def test_the_agent_of_another_organisation_can_not_be_changed(connection: Connection, change: Callable[..., None]) -> None:
    ada = agents.add(connection, "oak", "Ada")

    with pytest.raises(UsageError, match="'elm' has no agent"):
        change(connection, "elm", ada.id)
    assert agents.all(connection, "oak") == [ada]
