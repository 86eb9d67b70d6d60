"""`innkeeper grant` and `innkeeper revoke`."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from host.model.installation import Installation
from stores import installations
from stores.database import Database
from tests.cli.command import PING, invoke, is_one_sentence, served, stored, wat

WISHES = [{"name": "store", "reason": "keeps counts"}, {"name": "http:api.example.com", "reason": "asks the\x1b[31m weather"}]


def installed(folder: Path) -> Path:
    """A data directory with `probe` in acme, which asks for a store, a host and a public route, and has nothing."""
    data = folder / "data"
    path = wat(folder, routes=[PING], capabilities=WISHES)
    assert invoke("install", path, "--org", "acme", "--create-org", "--data", data).exit_code == 0
    return data


def grants(data: Path) -> frozenset[str]:
    with closing(Database(data / "innkeeper.db").read_connection()) as connection:
        found: Installation | None = installations.load(connection, None, "acme", "probe")
    assert found is not None
    return found.grants


def test_what_is_granted_and_what_waits_is_shown_with_the_reasons_and_the_command_for_the_rest(tmp_path: Path) -> None:
    data = installed(tmp_path)
    stdout = invoke("grant", "probe", "store", "--org", "acme", "--data", data).stdout

    assert grants(data) == {"store"}
    lines = [line.split() for line in stdout.splitlines()]
    assert ["store", "granted", "keeps", "counts"] in lines
    assert ["routes.public", "waits", "anybody", "may", "call:", "ping"] in lines
    assert "\x1b" not in stdout
    assert f"innkeeper grant probe http:api.example.com routes.public --org acme --data {data}" in stdout


def test_everything_can_be_granted_at_once_and_taken_away_one_by_one(tmp_path: Path) -> None:
    data = installed(tmp_path)

    granted = json.loads(invoke("grant", "probe", "--all", "--org", "acme", "--data", data, "--json").stdout)
    assert {each["name"] for each in granted["granted"]} == grants(data) == {"store", "http:api.example.com", "routes.public"}
    assert granted["waiting"] == []

    left = json.loads(invoke("revoke", "probe", "store", "routes.public", "--org", "acme", "--data", data, "--json").stdout)
    assert [each["name"] for each in left["granted"]] == ["http:api.example.com"]
    assert left["waiting"] == [{"name": "store", "reason": "keeps counts"}, {"name": "routes.public", "reason": "anybody may call: ping"}]
    assert grants(data) == {"http:api.example.com"}


@pytest.mark.parametrize("again", [["grant", "probe", "store"], ["grant", "probe"], ["revoke", "probe", "routes.public"]])
def test_what_is_so_already_changes_nothing(tmp_path: Path, again: list[str]) -> None:
    data = installed(tmp_path)
    assert invoke("grant", "probe", "store", "--org", "acme", "--data", data).exit_code == 0
    before = stored(data)

    assert invoke(*again, "--org", "acme", "--data", data).exit_code == 0
    assert stored(data) == before


def test_a_running_server_sees_a_grant_and_its_end_at_the_next_request(tmp_path: Path) -> None:
    data = installed(tmp_path)
    with served(data) as server:
        seen = [server.get("/v1/orgs/acme/plugins/probe/ping").status_code]
        for command in ("grant", "revoke"):
            assert invoke(command, "probe", "routes.public", "--org", "acme", "--data", data).exit_code == 0
            seen.append(server.get("/v1/orgs/acme/plugins/probe/ping").status_code)

    assert seen == [404, 200, 404]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("grant probe stor --org acme", "probe does not ask for 'stor': did you mean 'store'?"),
        ("grant probe store everything --org acme", "'everything': there is 'store', 'http:api.example.com', 'routes.public'"),
        ("grant probe store --all --org acme", "--all is every capability"),
        ("grant prob store --org acme", "did you mean 'probe'?"),
        ("grant probe store --org acm", "did you mean 'acme'?"),
        ("revoke probe tasks --org acme", "there is 'store'"),
        ("revoke probe store tasks --org acme", "probe has no capability 'tasks'"),
    ],
)
def test_what_can_not_be_is_a_sentence_and_changes_nothing(tmp_path: Path, arguments: str, said: str) -> None:
    data = installed(tmp_path)
    before = stored(data)
    result = invoke(*arguments.split(), "--data", data)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert said in result.stderr
    assert stored(data) == before
