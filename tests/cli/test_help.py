"""What a person finds out by asking the command itself."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from host.cli.app import PANELS, app
from host.model import remedies
from stores import deliveries
from stores.database import Database
from tests.cli.command import ENVIRONMENT, PING, ROOT, invoke, wat
from tests.cli.records import made_record

LINE: Any = get_command(app)


def leaves(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each command that does something, by how it is called."""
    for name, command in group.commands.items():
        called = f"{path} {name}".strip()
        yield from leaves(command, called) if hasattr(command, "commands") else [(called, command)]


def examples(command: Any) -> list[str]:
    """The commands that a help ends with, as they are to be typed."""
    return [each.replace("\\[", "[") for each in re.findall(r"\[cyan\](.*?)\[/cyan\]", command.epilog or "")]


FOUND = dict(leaves(LINE))
COMMANDS = list(FOUND)
WITHOUT_DATA = ("build", "inspect", "demo")
EXAMPLES = sorted({example for command in [*LINE.commands.values(), *FOUND.values()] for example in examples(command)})
RUN = ("enable", "disable", "uninstall", "grant", "revoke", "plugins", "orgs", "agents", "deliveries", "logs", "usage")
"""Commands whose examples run in the house below."""
SLOW = {
    "alembic",
    "cryptography",
    "httpx2",
    "jsonschema_rs",
    "msgspec",
    "rich",
    "sqlalchemy",
    "starlette",
    "structlog",
    "uvicorn",
    "wasmtime",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example_to_copy(command: str) -> None:
    result = invoke(*command.split(), "--help")

    assert result.exit_code == 0
    assert f"innkeeper {command}" in result.stdout.partition("Examples")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_can_print_json(command: str) -> None:
    assert "--json" in invoke(*command.split(), "--help").stdout


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in WITHOUT_DATA])
def test_each_command_that_needs_one_takes_a_data_directory(command: str) -> None:
    stdout = invoke(*command.split(), "--help").stdout

    assert "--data" in stdout
    assert "INNKEEPER_DATA" in stdout
    assert "innkeeper-data" in stdout


@pytest.mark.parametrize("name", LINE.commands)
def test_each_command_is_in_a_panel_of_the_help_with_one_line_of_its_own(name: str) -> None:
    command = LINE.commands[name]
    lines = invoke("--help").stdout.splitlines()

    assert command.rich_help_panel in PANELS
    assert len(command.short_help) <= 60
    assert any(f" {name} " in line and command.short_help in line for line in lines)


def test_the_panels_come_in_the_order_of_an_operators_work() -> None:
    stdout = invoke().stdout
    places = [stdout.index(f"─ {panel} ─") for panel in PANELS]

    assert places == sorted(places)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_in_the_operators_manual(command: str) -> None:
    assert f"innkeeper {command}" in " ".join((ROOT / "docs/operating.md").read_text().split())


REMEDIES = [
    remedies.grant("whatsapp", "messages.receive", "acme"), remedies.set_secret("whatsapp", "app_secret", "acme"),
    remedies.set_secret("whatsapp", "app_secret", None), remedies.unroute("whatsapp", "1"),
]  # fmt: skip


@pytest.mark.parametrize("example", [*REMEDIES, *(example for example in EXAMPLES if example.startswith("innkeeper "))])
def test_each_example_and_each_remedy_in_a_message_is_a_command_line_that_there_is(example: str) -> None:
    words, command = shlex.split(re.split(r" [<>|] ", example)[0])[1:], LINE
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]

    assert command.make_context(command.name, words).args == []


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with what the examples name."""
    folder = tmp_path_factory.mktemp("house")
    data, channel, wish = folder / "data", {"source": "whatsapp", "name": "WhatsApp"}, {"name": "messages.receive", "reason": "why not"}
    plugin = wat(folder, name="whatsapp", routes=[PING], channel=channel, capabilities=[wish])
    for line in (
        f"install {plugin} --org acme --create-org --grant-all", "agents add Ada --org acme", "agents add Bob --org acme",
        "orgs settings acme --channel-agent whatsapp=Bob", "orgs route acme whatsapp 106540352242922",
    ):  # fmt: skip
        assert invoke(*line.split(), "--data", data).exit_code == 0
    record = made_record("it timed out", plugin="whatsapp", id="01890a5d-ac96-774b-bcce-b302099a8057")
    with Database(data / "innkeeper.db").transaction() as connection:
        deliveries.record(connection, record)
    return data


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.split()[1] in RUN and "--follow" not in each])
def test_each_example_of_a_look_or_a_change_does_what_it_says(house: Path, tmp_path: Path, example: str) -> None:
    data = shutil.copytree(house, tmp_path / "data")
    result = invoke(*shlex.split(example)[1:], "--data", data)

    assert result.exit_code == 0, result.stderr


def test_the_version_is_one_line() -> None:
    result = invoke("--version")

    assert result.exit_code == 0
    assert result.stdout.startswith("innkeeper")
    assert result.stdout.count("\n") == 1


def test_the_command_line_is_there_before_anything_slow_is_imported() -> None:
    code = "import sys, host.cli.app; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-P", "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) & SLOW == set()
