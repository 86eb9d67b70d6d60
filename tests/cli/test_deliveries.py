"""`innkeeper deliveries`."""

import json
from pathlib import Path
from typing import Any

import pytest

from host.cli.moments import now
from host.model.delivery import Delivery, LogLine
from tests.cli.command import PING, invoke, is_one_sentence, stored, wat
from tests.cli.records import house, record

LINE = "hello\n2026-01-01 00:00:00.000 error forged\x1b[2J"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with five deliveries of two organisations, ten minutes apart."""
    folder, at = house(tmp_path, "acme", "globex"), now()
    failed = {"outcome": "failed", "status": 502, "error_code": "trap", "error_message": "unreachable\x1b[2J\nreally", "effects": 0}
    refused = {"outcome": "refused", "status": 401, "error_code": "signature.invalid", "error_message": "no", "runs": 0, "effects": 0}
    record(folder, at=at - 50 * 60_000)
    record(folder, at=at - 40 * 60_000, organization="globex", plugin="second")
    record(folder, LogLine(1, "info", LINE, '{"a": 1}'), at=at - 30 * 60_000, cold=False, runs=2, dropped_log_lines=2, **failed)
    record(folder, at=at - 20 * 60_000, **refused)
    record(folder, at=at - 10 * 60_000, organization="globex", kind="hook", name="task.created", method="", path="")
    return folder


def listed(data: Path, *arguments: object) -> list[dict[str, Any]]:
    result = invoke("deliveries", "list", *arguments, "--data", data, "--json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize(
    ("arguments", "minutes"),
    [
        ("", [10, 20, 30, 40, 50]),
        ("--limit 2", [10, 20]),
        ("--org globex", [10, 40]),
        ("--plugin second", [40]),
        ("--org acme --plugin second", []),
        ("--outcome failed", [30]),
        ("--outcome succeeded --org acme", [50]),
        ("--kind hook", [10]),
        ("--since 45min", [10, 20, 30, 40]),
        ("--since 25min --org acme", [20]),
    ],
)
def test_deliveries_are_listed_newest_first_and_filtered(data: Path, arguments: str, minutes: list[int]) -> None:
    assert [round((now() - each["received_at"]) / 60_000) for each in listed(data, *arguments.split())] == minutes


def test_the_list_for_a_person_says_what_it_was_and_how_it_ended(data: Path) -> None:
    stdout = invoke("deliveries", "list", "--data", data).stdout

    assert "hook task.created" in stdout
    assert "POST /ping" in stdout
    assert "failed trap" in stdout
    assert "1.03 M" in stdout
    assert all(each["id"] in stdout for each in listed(data))


def test_more_than_a_page_is_listed_to_the_limit(tmp_path: Path) -> None:
    data = house(tmp_path, "acme")
    for number in range(205):
        record(data, at=1_000 + number)

    assert len(listed(data, "--limit", 203)) == 203
    assert len({each["id"] for each in listed(data, "--limit", 1_000)}) == 205


def shown(data: Path, delivery: dict[str, Any]) -> list[str]:
    return invoke("deliveries", "show", delivery["id"], "--data", data).stdout.splitlines()


def test_one_that_failed_is_shown_with_the_reason_what_it_took_and_its_log(data: Path) -> None:
    [delivery] = listed(data, "--outcome", "failed")
    _, whose, asked, outcome, because, took, effects, line, more, dropped = shown(data, delivery)

    assert whose == "for       probe 1.0.0 in acme"
    assert asked.startswith("asked     POST /ping (webhook ping) at 20")
    assert outcome == "outcome   failed, answered with 502"
    assert because == "because   trap: unreachable\\x1b[2J\\nreally"
    assert took == (
        "took      2.3 ms, 1.03 M units of fuel and 12 host calls, 983 B in and 2.0 KiB out, in 2 runs, the last in a used instance "
        "(20.9 MiB of memory)"
    )
    assert effects == "effects   none: what it wished for was dropped"
    assert line.endswith("info  hello")
    assert more == '    2026-01-01 00:00:00.000 error forged\\x1b[2J {"a": 1}'
    assert dropped == "2 more lines did not fit into its log."


def test_one_that_was_refused_did_not_run(data: Path) -> None:
    [delivery] = listed(data, "--outcome", "refused")

    assert "took      2.3 ms; the plugin did not run" in shown(data, delivery)
    assert "effects   none" in shown(data, delivery)


def test_one_that_succeeded_has_its_effects(data: Path) -> None:
    delivery = listed(data, "--kind", "hook")[0]

    assert "effects   3 effects, committed" in shown(data, delivery)
    assert any("in 1 run, the last in a new instance" in line for line in shown(data, delivery))


def test_with_json_one_is_the_whole_record(data: Path) -> None:
    [delivery] = listed(data, "--outcome", "failed")
    result = invoke("deliveries", "show", delivery["id"], "--org", "acme", "--data", data, "--json")
    found = json.loads(result.stdout)

    assert "\x1b" not in result.stdout
    assert found.pop("log") == [{"at": 1, "level": "info", "message": LINE, "fields": {"a": 1}}]
    assert found == delivery
    assert {*found, "log"} == set(Delivery.__struct_fields__)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("list --org acm", "did you mean 'acme'?"),
        ("list --plugin prob", "did you mean 'probe'?"),
        ("list --outcome fail", "did you mean 'failed'?"),
        ("list --kind cron", "there is 'webhook', 'lifecycle', 'hook', 'tool'"),
        ("list --since never", "--since takes a span"),
        ("show nothing", "there is no delivery 'nothing': `innkeeper deliveries list`"),
        ("show nothing --org acme", "there is no delivery 'nothing' of organisation 'acme'"),
        ("show \udcff", "there is no delivery '\\udcff'"),
        ("show nothing --org acm", "did you mean 'acme'?"),
    ],
)
def test_what_is_not_there_is_a_sentence_and_changes_nothing(data: Path, arguments: str, said: str) -> None:
    before = stored(data)
    result = invoke("deliveries", *arguments.split(), "--data", data)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert said in result.stderr
    assert stored(data) == before


@pytest.mark.parametrize("limit", ["0", "-1", "many", "10001"])
def test_a_limit_is_a_number_of_deliveries(data: Path, limit: str) -> None:
    assert invoke("deliveries", "list", "--limit", limit, "--data", data).exit_code == 2


def test_what_was_called_is_listed_and_shown(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert invoke("install", wat(tmp_path, routes=[PING]), "--org", "acme", "--create-org", "--grant-all", "--data", data).exit_code == 0
    assert invoke("call", "probe", "/ping", "--org", "acme", "--data", data).exit_code == 0
    [delivery] = listed(data)

    assert (delivery["path"], delivery["outcome"], delivery["cold"]) == ("/ping", "succeeded", True)
    assert "outcome   succeeded, answered with 200" in shown(data, delivery)
