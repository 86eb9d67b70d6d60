"""`innkeeper limits`: what it shows, what it chooses, and what it refuses."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from host.cli.commands.limits import PARSERS, _text
from host.model.installation import Installation
from host.model.limits import LIMITS, Limits, tag
from stores import installations, policies
from stores.database import Database
from stores.statement import Connection
from tests.cli.command import invoke, is_one_sentence, stored, wat

PAGES = 40


def hungry(folder: Path, name: str = "probe", version: str = "1.0.0") -> Path:
    """A plugin whose core module wants 40 pages (2.5 MiB) and a table of 1,000 elements at its start."""
    path = wat(folder, name=name, version=version)
    text = path.read_text()
    start = text.index('(memory (export "memory") ') + len('(memory (export "memory") ')
    path.write_text(f"{text[:start]}{PAGES}) (table 1000 funcref{text[text.index(')', start) :]}")
    return path


def install(path: Path, data: Path, organization: str = "acme") -> None:
    assert invoke("install", path, "--org", organization, "--create-org", "--grant-all", "--data", data).exit_code == 0


@contextmanager
def reading(data: Path) -> Iterator[Connection]:
    with closing(Database(data / "innkeeper.db").read_connection()) as connection:
        yield connection


def installation(data: Path, organization: str = "acme") -> Installation:
    with reading(data) as connection:
        found = installations.load(connection, None, organization, "probe")
    assert found is not None
    return found


def shown(data: Path, *arguments: object) -> dict[str, Any]:
    result = invoke("limits", "probe", *arguments, "--data", data, "--json")
    assert result.exit_code == 0, result.output
    return {name: (each["value"], each["from"]) for name, each in json.loads(result.stdout)["limits"].items()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with the hungry plugin in two organisations."""
    path = hungry(tmp_path)
    for organization in ("acme", "globex"):
        install(path, tmp_path / "data", organization)
    return tmp_path / "data"


def test_every_limit_is_shown_with_its_value_and_whose_choice_it_is(data: Path) -> None:
    assert shown(data, "--org", "acme") == {name: (value, "default") for name, value in asdict(Limits()).items()}
    assert shown(data, "--fuel", "5M", "--deadline", "5s")["fuel"] == (5_000_000, "plugin")
    found = shown(data, "--org", "acme", "--fuel", "6M")
    assert (found["fuel"], found["deadline_ms"], found["memory"]) == ((6_000_000, "organisation"), (5000, "plugin"), (128 << 20, "default"))
    text = invoke("limits", "probe", "--org", "acme", "--data", data).stdout
    assert [line.split()[:3] for line in text.splitlines() if line.strip().startswith(("fuel", "deadline"))] == [
        ["fuel", "6_000_000", "organisation"], ["deadline", "5s", "plugin"],
    ]  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
def test_every_limit_can_be_chosen_and_set_back_in_both_ways(data: Path, name: str) -> None:
    limit, default = LIMITS[name], getattr(Limits(), name)
    value = max(limit.least, default // 2)
    assert shown(data, f"--{tag(name)}", _text(name, value))[name] == (value, "plugin")
    assert shown(data, "--org", "acme", f"--{tag(name)}", _text(name, value + 1))[name] == (value + 1, "organisation")
    assert (getattr(installation(data).limits, name), getattr(installation(data, "globex").limits, name)) == (value + 1, value)
    assert shown(data, "--org", "acme", f"--{tag(name)}", "default")[name] == (value, "plugin")
    assert shown(data, "--reset", tag(name))[name] == (default, "default")
    assert getattr(installation(data).limits, name) == default


@pytest.mark.parametrize("name", LIMITS)
def test_nobody_crosses_a_bound(data: Path, name: str) -> None:
    limit = LIMITS[name]
    before = stored(data)
    for value in (limit.least - 1, limit.most + 1):
        result = invoke("limits", "probe", "--fuel", "1M", f"--{tag(name)}", _text(name, value), "--data", data)
        assert result.exit_code == 2
        assert is_one_sentence(result.stderr)
        if value > 0:
            assert f"the limit {tag(name)} takes {limit.least:,} to {limit.most:,}" in result.stderr
    assert stored(data) == before
    assert PARSERS[limit.unit](_text(name, limit.most)) == limit.most


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("probe --memory 2MiB", "needs at least 2.5 MiB of memory to start (2560KiB), and 2.0 MiB is less"),
        ("probe --org acme --memory 2MiB", "needs at least 2.5 MiB"),
        ("probe --org acme --table-elements 999", "needs at least 1,000 of table-elements"),
        ("probe --memory 64", "takes 65,536 to 4,294,967,296 bytes, not 64"),
        ("probe --memory 64parsecs", "--memory takes a size"),
        ("probe --deadline 5", "--deadline takes a duration with its unit"),
        ("probe --deadline 5MiB", "--deadline takes a duration with its unit"),
        ("probe --fuel 5s", "--fuel takes a number"),
        ("probe --fuel -5", "--fuel takes a number"),
        ("probe --fuel nan", "--fuel takes a number"),
        ("probe --fuel=", "--fuel takes a number"),
        ("probe --reset full", "there is no limit 'full'; the limits are: fuel, deadline, memory"),
        ("probe --reset deadline_ms", "there is no limit 'deadline_ms'"),
        ("probe --fuel 5M --reset fuel", "--reset fuel and --fuel can't both be"),
        ("probe --fuel default --reset fuel", "--reset fuel and --fuel can't both be"),
        ("prob --fuel 5M", "there is no plugin 'prob'; the plugins are: probe"),
        ("prob", "there is no plugin 'prob'"),
        ("probe --org nowhere --fuel 5M", "there is no organisation 'nowhere'"),
        ("probe --org empty --fuel 5M", "probe is not installed in organisation 'empty': `innkeeper plugins` shows where"),
        ("probe --org empty", "probe is not installed in organisation 'empty'"),
    ],
)
def test_what_can_not_be_is_one_sentence_and_changes_nothing(data: Path, tmp_path: Path, arguments: str, said: str) -> None:
    install(wat(tmp_path, name="other"), data, "empty")
    assert invoke("limits", "probe", "--effects", 5, "--data", data).exit_code == 0
    with Database(data / "innkeeper.db").transaction() as connection:
        installations.remove(connection, "empty", "other")
        connection.execute("DELETE FROM plugins WHERE name = 'other'")
    before = stored(data)
    more = ["--queue", "7"] if "--" in arguments else []
    result = invoke("limits", *arguments.split(), *more, "--data", data)

    assert result.exit_code == 2
    assert is_one_sentence(result.stderr)
    assert said in result.stderr
    assert stored(data) == before


def test_without_a_data_directory_nothing_is_made(tmp_path: Path) -> None:
    result = invoke("limits", "probe", "--fuel", "5M", "--data", tmp_path / "none")

    assert result.exit_code == 2
    assert is_one_sentence(result.stderr)
    assert not (tmp_path / "none").exists()


def test_what_is_enough_by_a_page_is_accepted_and_the_plugin_runs(data: Path) -> None:
    found = shown(data, "--org", "acme", "--memory", f"{PAGES * 64}KiB", "--table-elements", "1000")
    assert found["memory"] == (PAGES << 16, "organisation")
    result = invoke("call", "probe", "/ping", "--org", "acme", "--data", data)
    assert (result.exit_code, "pong" in result.stdout) == (0, True)


def test_a_choice_for_the_plugin_fits_every_component_that_is_installed(data: Path, tmp_path: Path) -> None:
    small = wat(tmp_path)
    assert invoke("install", small, "--org", "globex", "--data", data).exit_code == 0
    assert invoke("limits", "probe", "--org", "globex", "--memory", "1MiB", "--data", data).exit_code == 0
    result = invoke("limits", "probe", "--memory", "1MiB", "--data", data)
    assert (result.exit_code, "needs at least 2.5 MiB" in result.stderr) == (2, True)


@pytest.mark.parametrize("of", [["--org", "globex"], []])
def test_a_version_that_could_not_start_within_the_limits_is_not_installed(data: Path, tmp_path: Path, of: list[str]) -> None:
    small = wat(tmp_path)
    for organization in ("acme", "globex"):
        assert invoke("install", small, "--org", organization, "--data", data).exit_code == 0
    assert invoke("limits", "probe", *of, "--memory", "1MiB", "--data", data).exit_code == 0
    before = stored(data)
    result = invoke("install", hungry(tmp_path, version="2.0.0"), "--org", "globex", "--data", data)
    assert result.exit_code == 2
    assert is_one_sentence(result.stderr.splitlines()[-1])
    assert "probe 2.0.0 needs at least 2.5 MiB of memory to start (2560KiB), and 1.0 MiB is less" in result.stderr
    assert stored(data) == before


def test_setting_back_to_what_would_not_be_enough_is_refused_too(data: Path) -> None:
    assert invoke("limits", "probe", "--org", "acme", "--memory", "4MiB", "--data", data).exit_code == 0
    with Database(data / "innkeeper.db").transaction() as connection:
        policies.change(connection, "probe", policies.Policy(limits={"memory": 1 << 20}), 1)
    result = invoke("limits", "probe", "--org", "acme", "--reset", "memory", "--data", data)
    assert (result.exit_code, "needs at least 2.5 MiB" in result.stderr) == (2, True)
    assert installation(data).limits.memory == 4 << 20


def test_a_limit_of_an_earlier_version_is_passed_over(data: Path) -> None:
    with Database(data / "innkeeper.db").transaction() as connection:
        policies.change(connection, "probe", policies.Policy(enabled=True, limits={"instances": 7}), 1)
    assert set(shown(data, "--effects", "5")) == set(LIMITS)


def test_what_else_was_chosen_stays(data: Path) -> None:
    with Database(data / "innkeeper.db").transaction() as connection:
        policies.change(connection, "probe", policies.Policy(enabled=False, limits={"effects": 7}), 1)
    shown(data, "--fuel", "5M")
    with reading(data) as connection:
        assert policies.get(connection, "probe") == policies.Policy(False, {"effects": 7, "fuel": 5_000_000})
