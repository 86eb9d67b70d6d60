"""`innkeeper orgs`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import PING, invoke, is_one_sentence, served, stored, wat

CHANNEL = {"source": "chat", "name": "Chat"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory: acme has `probe` with the source `chat`, and the agents Ada and Bob; globex has `probe` and nothing else."""
    folder = tmp_path / "data"
    for organization, properties in (("acme", {"channel": CHANNEL}), ("globex", {})):
        plugin = wat(tmp_path, routes=[PING], **properties)
        assert invoke("install", plugin, "--org", organization, "--create-org", "--data", folder).exit_code == 0
    for agent in ("Ada", "Bob"):
        assert invoke("agents", "add", agent, "--org", "acme", "--data", folder).exit_code == 0
    return folder


def asked(data: Path, *arguments: object) -> Any:
    result = invoke("orgs", *arguments, "--data", data, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_an_organisation_is_made_listed_and_shown(data: Path) -> None:
    assert asked(data, "create", "initech")["id"] == "initech"

    assert [(each["id"], each["plugins"]) for each in asked(data, "list")] == [("acme", ["probe"]), ("globex", ["probe"]), ("initech", [])]
    assert "initech" in invoke("orgs", "list", "--data", data).stdout
    shown = invoke("orgs", "show", "initech", "--data", data).stdout
    assert "It has no plugin." in shown
    assert "nobody" in shown


def test_all_of_an_organisation_is_shown(data: Path) -> None:
    asked(data, "route", "acme", "probe", "49151")
    found = asked(data, "show", "acme")

    assert [agent["name"] for agent in found["agents"]] == ["Ada", "Bob"]
    assert [(each["plugin"], each["state"], each["waiting"]) for each in found["plugins"]] == [("probe", "running", ["routes.public"])]
    assert found["sources"] == [{"id": "chat", "name": "Chat"}]
    assert [(each["plugin"], each["key"]) for each in found["routing_keys"]] == [("probe", "49151")]
    shown = invoke("orgs", "show", "acme", "--data", data).stdout
    assert all(word in shown for word in ("probe", "Ada", "available", "49151", "Ada (the first available)"))


def test_agents_of_sources_and_of_all_others_are_set_by_name_or_id_and_taken_away(data: Path) -> None:
    ada, bob = asked(data, "show", "acme")["agents"]
    changed = asked(data, "settings", "acme", "--default-agent", "Bob", "--channel-agent", f"chat={ada['id']}")

    assert changed["settings"] == {"channelAgents": {"chat": ada["id"]}, "defaultAgent": bob["id"]}
    assert asked(data, "settings", "acme") == changed
    lines = [line.split() for line in invoke("orgs", "settings", "acme", "--data", data).stdout.splitlines()]
    assert ["chat", "Ada"] in lines
    assert ["all", "others", "Bob"] in lines

    left = asked(data, "settings", "acme", "--unset", "channel-agent=chat", "--default-agent", "Ada")
    assert left["settings"] == {"channelAgents": {}, "defaultAgent": ada["id"]}
    assert asked(data, "settings", "acme", "--unset", "default-agent")["settings"] == {"channelAgents": {}, "defaultAgent": None}


def test_a_routing_key_is_one_organisations_until_it_is_taken_away(data: Path) -> None:
    asked(data, "route", "acme", "probe", "49151")
    asked(data, "route", "acme", "probe", "49151")
    conflict = invoke("orgs", "route", "globex", "probe", "49151", "--data", data)

    assert conflict.exit_code == 2
    assert "belongs to organisation 'acme'" in conflict.stderr
    assert "innkeeper orgs unroute probe 49151" in conflict.stderr
    assert asked(data, "unroute", "probe", "49151")["organization"] == "acme"
    assert asked(data, "route", "globex", "probe", "49151")["organization"] == "globex"


def test_a_routing_key_can_be_taken_away_when_its_plugin_is_uninstalled(data: Path) -> None:
    asked(data, "route", "acme", "probe", "49151")
    assert invoke("uninstall", "probe", "--org", "acme", "--data", data).exit_code == 0
    assert asked(data, "show", "acme")["routing_keys"] != []

    assert asked(data, "unroute", "probe", "49151")["organization"] == "acme"
    assert asked(data, "show", "acme")["routing_keys"] == []


def test_an_organisation_is_removed_only_when_its_name_is_given_twice(data: Path) -> None:
    before = stored(data)
    for confirmed in ([], ["--confirm", "globex"], ["--confirm", ""]):
        refused = invoke("orgs", "remove", "acme", *confirmed, "--data", data)
        assert (refused.exit_code, is_one_sentence(refused.stderr)) == (2, True)
        assert "--confirm acme" in refused.stderr
        assert "probe" in refused.stderr
    assert stored(data) == before

    assert asked(data, "remove", "acme", "--confirm", "acme") == {"id": "acme", "removed": True}
    assert [each["id"] for each in asked(data, "list")] == ["globex"]


def test_a_running_server_sees_an_organisation_come_and_go_at_the_next_request(data: Path) -> None:
    invoke("grant", "probe", "--all", "--org", "acme", "--data", data)
    with served(data) as server:
        before = server.get("/v1/orgs/acme/plugins/probe/ping").status_code
        asked(data, "remove", "acme", "--confirm", "acme")
        after = server.get("/v1/orgs/acme/plugins/probe/ping").status_code
        code, _, log = server.end()

    assert (before, after, code) == (200, 404, 0)
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("create acme", "organisation 'acme' exists already: `innkeeper orgs show acme`"),
        ("create Acme", "not an organisation's id"),
        ("show acm", "did you mean 'acme'?"),
        ("remove nobody --confirm nobody", "there is 'acme', 'globex'"),
        ("settings acme --default-agent Adda", "did you mean 'Ada'?"),
        ("settings acme --default-agent Ada --default-agent ", "has no agent"),
        ("settings globex --default-agent Ada", "globex has none yet"),
        ("settings acme --channel-agent chat", "--channel-agent takes NAME=VALUE, not 'chat'"),
        ("settings acme --channel-agent chatt=Ada", "did you mean 'chat'?"),
        ("settings acme --channel-agent chat=Ada --channel-agent chat=Bob", "--channel-agent chat comes twice"),
        ("settings acme --default-agent Ada --unset default-agent", "contradict each other"),
        ("settings acme --channel-agent chat=Ada --unset channel-agent=chat", "contradict each other"),
        ("settings acme --unset default", "did you mean 'default-agent'?"),
        ("settings acme --default-agent Ada --unset channel-agent=mail", "there is nothing 'channel-agent=mail'"),
        ("route acme prob 1", "did you mean 'probe'?"),
        ("route acm probe 1", "did you mean 'acme'?"),
        ("route acme probe ", "printable characters"),
        ("unroute probe 2", "no organisation has the routing key '2' of probe"),
        ("unroute prob 1", "did you mean 'probe'?"),
    ],
)
def test_what_can_not_be_is_a_sentence_and_changes_nothing(data: Path, arguments: str, said: str) -> None:
    before = stored(data)
    result = invoke("orgs", *arguments.split(" "), "--data", data)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert said in result.stderr
    assert stored(data) == before


@pytest.mark.parametrize("key", ["", "a\nb", "\x1b[2J", "k" * 513, "\udcff"])
def test_a_routing_key_is_something_that_people_can_read(data: Path, key: str) -> None:
    before = stored(data)
    result = invoke("orgs", "route", "acme", "probe", key, "--data", data)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert "\x1b" not in result.stderr
    assert stored(data) == before
