"""`innkeeper agents`."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from host.model.customer import Customer, Identity
from host.model.effects import ConversationOpened, CustomerCreated
from host.model.message import Conversation
from stores import agents, conversations, effects
from stores.database import Database
from tests.cli.command import PING, invoke, is_one_sentence, stored, wat


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory: acme has the source `chat`, and the agents Ada and Bob."""
    folder = tmp_path / "data"
    plugin = wat(tmp_path, routes=[PING], channel={"source": "chat", "name": "Chat"})
    assert invoke("install", plugin, "--org", "acme", "--create-org", "--data", folder).exit_code == 0
    for agent in ("Ada", "Bob"):
        assert invoke("agents", "add", agent, "--org", "acme", "--data", folder).exit_code == 0
    return folder


def asked(data: Path, *arguments: object) -> Any:
    result = invoke("agents", *arguments, "--org", "acme", "--data", data, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def talk(data: Path, agent_id: str) -> None:
    """A conversation `v1` that the agent has."""
    customer = Customer("c1", [Identity("chat", "1")], None, None, None, "{}", 1, 1)
    with Database(data / "innkeeper.db").transaction() as connection:
        opened = ConversationOpened(Conversation("v1", "chat", "c1", agent_id, "open", 1, 1))
        effects.apply(connection, "acme", "probe", [CustomerCreated(customer), opened], 100)


def agent_of(data: Path, source: str) -> str | None:
    """Who would get a new conversation."""
    with closing(Database(data / "innkeeper.db").read_connection()) as connection:
        return agents.agent_for(connection, "acme", source)


def test_agents_are_added_and_listed_with_what_they_are_for(data: Path) -> None:
    invoke("orgs", "settings", "acme", "--default-agent", "Bob", "--channel-agent", "chat=Bob", "--data", data)

    assert [(each["name"], each["available"]) for each in asked(data, "list")] == [("Ada", True), ("Bob", True)]
    lines = invoke("agents", "list", "--org", "acme", "--data", data).stdout.splitlines()
    assert any("Bob" in line and "the default agent, the agent of chat" in line for line in lines)


def test_who_is_away_gets_no_new_conversations_until_available_again(data: Path) -> None:
    ada, bob = asked(data, "list")

    assert asked(data, "away", "Ada")["available"] is False
    assert agent_of(data, "chat") == bob["id"]
    assert asked(data, "available", ada["id"]) == ada
    assert agent_of(data, "chat") == ada["id"]


def test_an_agent_can_be_renamed_and_stays_the_same(data: Path) -> None:
    ada, _ = asked(data, "list")

    assert asked(data, "rename", "Ada", " Ada Lovelace ") == {**ada, "name": "Ada Lovelace"}
    assert asked(data, "rename", "Ada Lovelace", "Ada Lovelace")["id"] == ada["id"]
    assert [each["name"] for each in asked(data, "list")] == ["Ada Lovelace", "Bob"]


def test_an_agent_that_nothing_refers_to_is_removed_at_once(data: Path) -> None:
    assert asked(data, "remove", "Ada")["conversations_moved"] == 0
    assert [each["name"] for each in asked(data, "list")] == ["Bob"]


def test_an_agent_with_conversations_or_a_role_is_removed_once_another_takes_over(data: Path) -> None:
    ada, bob = asked(data, "list")
    talk(data, ada["id"])
    invoke("orgs", "settings", "acme", "--default-agent", "Ada", "--channel-agent", "chat=Ada", "--data", data)
    before = stored(data)
    refused = invoke("agents", "remove", "Ada", "--org", "acme", "--data", data)

    assert (refused.exit_code, is_one_sentence(refused.stderr)) == (2, True)
    assert "'Ada' has 1 conversation and is the default agent, the agent of chat" in refused.stderr
    assert f"innkeeper agents remove {ada['id']} --org acme --reassign AGENT --data {data}" in refused.stderr
    assert stored(data) == before

    assert asked(data, "remove", "Ada", "--reassign", "Bob")["conversations_moved"] == 1
    assert [each["name"] for each in asked(data, "list")] == ["Bob"]
    settings = json.loads(invoke("orgs", "settings", "acme", "--data", data, "--json").stdout)["settings"]
    assert settings == {"channelAgents": {"chat": bob["id"]}, "defaultAgent": bob["id"]}
    with closing(Database(data / "innkeeper.db").read_connection()) as connection:
        moved = conversations.conversation(connection, "acme", "v1")
    assert moved is not None
    assert moved.agent_id == bob["id"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "Ada"], "has an agent 'Ada' already"),
        (["add", " "], "an agent's name has 1 to 200 printable characters"),
        (["add", "a\nb"], "printable"),
        (["add", "\udcff"], "printable"),
        (["add", "a" * 201], "printable"),
        (["rename", "Ada", "Bob"], "has an agent 'Bob' already"),
        (["rename", "Adda", "Eve"], "did you mean 'Ada'?"),
        (["away", "nobody"], "there is 'Ada', 'Bob'"),
        (["available", ""], "has no agent ''"),
        (["remove", "Ada", "--reassign", "Ada"], "can't take over from themselves"),
        (["remove", "Ada", "--reassign", "Bobb"], "did you mean 'Bob'?"),
    ],
)
def test_what_can_not_be_is_a_sentence_and_changes_nothing(data: Path, arguments: list[str], said: str) -> None:
    before = stored(data)
    result = invoke("agents", *arguments, "--org", "acme", "--data", data)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert said in result.stderr
    assert stored(data) == before


@pytest.mark.parametrize("command", ["add X", "list", "rename X Y", "available X", "away X", "remove X"])
def test_an_organisation_that_is_not_there_is_a_sentence(data: Path, command: str) -> None:
    before = stored(data)
    result = invoke("agents", *command.split(), "--org", "acm", "--data", data)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert "did you mean 'acme'?" in result.stderr
    assert stored(data) == before
