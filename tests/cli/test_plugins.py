"""`innkeeper plugins`."""

import json
from pathlib import Path
from typing import Any

from stores import conditions, policies
from stores.database import Database
from tests.cli.command import PING, invoke, is_one_sentence, wat
from tests.runtime.hosts import choose

SECRETS = [{"name": "key", "purpose": "verify"}, {"name": "other", "purpose": "verify", "required": False}]


def installed(folder: Path) -> Path:
    """A data directory: `probe` in acme, with a grant and a secret missing, and in globex; `second` in globex."""
    data = folder / "data"
    probe, second = wat(folder, routes=[PING], secrets=SECRETS), wat(folder, name="second", routes=[])
    for organization, plugin in (("acme", probe), ("globex", probe), ("globex", second)):
        assert invoke("install", plugin, "--org", organization, "--create-org", "--data", data).exit_code == 0
    return data


def listed(data: Path, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(invoke("plugins", *arguments, "--data", data, "--json").stdout)
    return found


def test_each_installation_is_listed_with_what_it_waits_for(tmp_path: Path) -> None:
    data = installed(tmp_path)
    found = listed(data)

    assert [(each["organization"], each["plugin"], each["state"]) for each in found] == [
        ("acme", "probe", "running"), ("globex", "probe", "running"), ("globex", "second", "running"),
    ]  # fmt: skip
    assert (found[0]["waiting"], found[0]["missing_secrets"]) == (["routes.public"], ["key"])
    assert "routes.public, secret key" in invoke("plugins", "--data", data).stdout
    assert [each["plugin"] for each in listed(data, "--org", "globex")] == ["probe", "second"]


def test_what_does_not_run_says_why(tmp_path: Path) -> None:
    data = installed(tmp_path)
    with Database(data / "innkeeper.db").transaction() as connection:
        conditions.set_status(connection, "acme", "probe", "error", "it \x1b[31mtrapped", 2)
        choose(connection, "probe", "globex", enabled=False)
        conditions.set_breaker(connection, "globex", "second", 3)

    assert [(each["state"], each["reason"]) for each in listed(data)] == [
        ("error", "it \x1b[31mtrapped"), ("disabled", "for globex"), ("breaker-open", "it failed too often"),
    ]  # fmt: skip
    shown = invoke("plugins", "--data", data).stdout
    assert "error (it \\x1b[31mtrapped)" in shown
    assert "\x1b" not in shown

    with Database(data / "innkeeper.db").transaction() as connection:
        policies.change(connection, "probe", policies.Policy(enabled=False), 4)
    assert {each["reason"] for each in listed(data) if each["plugin"] == "probe"} == {"for all organisations"}


def test_an_organisation_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    result = invoke("plugins", "--org", "acm", "--data", installed(tmp_path))

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert "did you mean 'acme'?" in result.stderr
