import json

import pytest

from host.model.errors import UsageError
from stores import agents, organizations
from stores.agents import Agent
from stores.statement import Connection


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
