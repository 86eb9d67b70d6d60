"""`innkeeper logs`."""

import json
import signal
from pathlib import Path

import pytest

from host.cli.moments import now
from host.model.delivery import LogLine
from stores import deliveries
from stores.database import Database
from tests.cli.command import PATIENCE, PING, invoke, is_one_sentence, served, started, stored, wat
from tests.cli.records import house, made_record, record
from tests.guests_wat import Code


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with deliveries of two organisations and two plugins."""
    folder = house(tmp_path, "acme", "globex")
    at = now() - 60_000
    record(folder, LogLine(at, "debug", "starting"), LogLine(at + 1, "warn", "it timed out", '{"after_s": 5, "to": "api"}'), at=at)
    record(folder, LogLine(at + 2, "error", "broken"), at=at + 2, organization="globex", plugin="second")
    record(folder, LogLine(at, "info", "long ago"), at=now() - 2 * 3_600_000)
    return folder


def messages(data: Path, *arguments: str) -> list[str]:
    result = invoke("logs", *arguments, "--data", data, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line)["message"] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("", ["starting", "it timed out", "broken"]),
        ("--since 3h", ["long ago", "starting", "it timed out", "broken"]),
        ("--since 1s", []),
        ("--org acme", ["starting", "it timed out"]),
        ("--plugin second", ["broken"]),
        ("--org acme --plugin second", []),
        ("--level warn", ["it timed out", "broken"]),
        ("--level error", ["broken"]),
        ("--grep timed?.out", ["it timed out"]),
        ("--grep after_s", ["it timed out"]),
        ("--grep ^br --level debug --org globex", ["broken"]),
    ],
)
def test_lines_are_filtered(data: Path, arguments: str, found: list[str]) -> None:
    assert messages(data, *arguments.split()) == found


def test_a_line_for_a_person_says_when_how_urgent_whose_and_of_which_delivery(data: Path) -> None:
    *_, line = invoke("logs", "--org", "acme", "--data", data).stdout.splitlines()

    assert ' warn  acme/probe it timed out {"after_s": 5, "to": "api"} [' in line
    shown = invoke("deliveries", "show", line.rpartition("[")[2].removesuffix("]"), "--data", data)
    assert "it timed out" in shown.stdout


def test_a_line_as_json_has_its_fields_as_what_they_are(data: Path) -> None:
    *_, line = invoke("logs", "--org", "acme", "--data", data, "--json").stdout.splitlines()
    found = json.loads(line)

    assert found["fields"] == {"after_s": 5, "to": "api"}
    assert (found["organization"], found["plugin"], found["level"], found["number"]) == ("acme", "probe", "warn", 1)


@pytest.mark.promise("operators.plain-output")
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_no_line_of_a_plugin_makes_a_second_line_or_a_terminal_obey(data: Path, as_json: list[str]) -> None:
    hostile = LogLine(now(), "info", "a\r\n2026-01-01 error acme/other forged\x1b]0;title\x07\u202e\x9b2J", '{"x":\n"\u2028\x7f"}')
    record(data, hostile, organization="globex")
    stdout = invoke("logs", "--org", "globex", "--level", "info", "--data", data, *as_json).stdout

    assert stdout.count("\n") == 2
    assert not set(stdout) & set("\r\x1b\x07\u202e\x9b\u2028\x7f")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--org acm", "did you mean 'acme'?"),
        ("--plugin prob", "did you mean 'probe'?"),
        ("--level warning", "did you mean 'warn'?"),
        ("--since tomorrow", "--since takes a span"),
        ("--since 2999-01-01", "still to come"),
        ("--grep (", "--grep takes a regular expression"),
        ("--follow --level loud", "there is 'debug', 'info', 'warn', 'error'"),
        ("--follow --org acm", "did you mean 'acme'?"),
    ],
)
def test_what_can_not_be_is_a_sentence_and_changes_nothing(data: Path, arguments: str, said: str) -> None:
    before = stored(data)
    result = invoke("logs", *arguments.split(), "--data", data)

    assert (result.exit_code, is_one_sentence(result.stderr)) == (2, True)
    assert said in result.stderr
    assert stored(data) == before


def test_following_prints_lines_as_they_are_committed_and_ends_cleanly(data: Path) -> None:
    late = made_record("late", at=now() - 5_000)
    with started("logs", "--follow", "--json", "--data", data) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert "Following" in process.stderr.readline()
        seen = []
        record(data, "first", "second")
        seen += [json.loads(process.stdout.readline())["message"] for _ in range(2)]
        with Database(data / "innkeeper.db").transaction() as connection:
            deliveries.record(connection, late)
        seen.append(json.loads(process.stdout.readline())["message"])
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=PATIENCE)

    assert seen == ["first", "second", "late"]
    assert (process.returncode, rest, errors) == (0, "", "")


def test_following_can_begin_with_what_was_there_and_filters_as_it_goes(data: Path) -> None:
    with started("logs", "--follow", "--since", "1h", "--level", "error", "--data", data) as process:
        assert process.stdout is not None
        assert "broken" in process.stdout.readline()
        record(data, LogLine(now(), "info", "nothing"), LogLine(now(), "error", "again"))
        assert "again" in process.stdout.readline()


def test_following_works_beside_a_running_server(tmp_path: Path) -> None:
    plugin = wat(tmp_path, Code("unreachable"), routes=[PING | {"auth": {"type": "verify", "secret": "key", "header": "x-signature"}}],
                 secrets=[{"name": "key", "purpose": "verify"}])  # fmt: skip
    data = tmp_path / "data"
    assert invoke("install", plugin, "--org", "acme", "--create-org", "--data", data).exit_code == 0
    with served(data) as server, started("logs", "--follow", "--json", "--data", data) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        process.stderr.readline()
        assert server.get("/v1/orgs/acme/plugins/probe/ping").status_code == 401
        line = json.loads(process.stdout.readline())

    assert line["level"] == "warn"
    assert "innkeeper secrets set probe key --org acme" in line["message"]
