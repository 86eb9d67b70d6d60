"""`innkeeper usage`."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from host.cli.moments import now
from tests.cli.command import invoke, is_one_sentence, stored
from tests.cli.records import house, record

DAY = 86_400_000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder, at = house(tmp_path, "acme", "globex"), now() - 1_000
    record(folder, at=at)
    record(folder, at=at + 1, outcome="failed", cold=False)
    record(folder, at=at + 2, plugin="second", outcome="refused", fuel=0, cold=False, host_calls=0, bytes_in=0, bytes_out=0, duration_us=9)
    record(folder, at=at, organization="globex", fuel=7)
    record(folder, at=at - 2 * DAY, organization="globex", fuel=5)
    return folder


def summed(data: Path, *arguments: str) -> dict[str, Any]:
    result = invoke("usage", *arguments, "--data", data, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_figures_are_summed_for_each_organisation_and_plugin_of_the_last_day(data: Path) -> None:
    found = summed(data)

    assert [(each["organization"], each["plugin"], each["calls"]) for each in found["items"]] == [
        ("acme", "probe", 2), ("acme", "second", 1), ("globex", "probe", 1),
    ]  # fmt: skip
    assert found["items"][0] == {
        "organization": "acme", "plugin": "probe", "calls": 2, "failures": 1, "refused": 0, "cold": 1, "fuel": 2_060_000,
        "duration_us": 4_600, "bytes_in": 1_966, "bytes_out": 4_096, "host_calls": 24,
    }  # fmt: skip
    assert (found["total"]["calls"], found["total"]["refused"], found["total"]["fuel"]) == (4, 1, 2_060_007)


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        ("--by plugin --since 3d", [("probe", 4), ("second", 1)]),
        ("--by org --since 3d", [("acme", 3), ("globex", 2)]),
        ("--by org --plugin probe", [("acme", 2), ("globex", 1)]),
        ("--by plugin --org globex", [("probe", 1)]),
    ],
)
def test_rows_are_of_what_is_asked_for(data: Path, arguments: str, rows: list[tuple[str, int]]) -> None:
    found = summed(data, *arguments.split())
    key = {"plugin": "plugin", "org": "organization"}[arguments.split()[1]]

    assert [(each[key], each["calls"]) for each in found["items"]] == rows


def test_days_are_those_of_utc(data: Path) -> None:
    found = summed(data, "--by", "day", "--org", "globex", "--since", "7d")
    days = [datetime.fromtimestamp((now() - 1_000 - age) / 1000, UTC).strftime("%Y-%m-%d") for age in (2 * DAY, 0)]

    assert [(each["day"], each["fuel"]) for each in found["items"]] == [*zip(days, (5, 7), strict=True)]


def test_a_person_gets_units_and_a_sum(data: Path) -> None:
    *_, last = [line.split() for line in invoke("usage", "--data", data).stdout.splitlines() if line.strip()]

    assert last == ["all", "4", "1", "1", "2", "2.06", "M", "6.9", "ms", "2.9", "KiB", "6.0", "KiB", "36"]


def test_where_nothing_was_called_that_is_said(data: Path) -> None:
    assert "Nothing was called since" in invoke("usage", "--org", "globex", "--plugin", "second", "--data", data).stdout
    assert summed(data, "--org", "globex", "--plugin", "second")["total"]["calls"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--org acm", "did you mean 'acme'?"),
        ("--plugin prob", "did you mean 'probe'?"),
        ("--by hour", "there is 'plugin', 'org', 'day'"),
        ("--since 1", "--since takes a span"),
        ("--since 2999-01-01", "still to come"),
    ],
)
def test_what_can_not_be_is_a_sentence_and_changes_nothing(data: Path, arguments: str, said: str) -> None:
    before = stored(data)
    result = invoke("usage", *arguments.split(), "--data", data)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert said in result.stderr
    assert stored(data) == before
