"""What a person finds out by asking the command itself."""

import subprocess
import sys

import pytest

from tests.cli.command import ENVIRONMENT, invoke

COMMANDS = ("serve", "doctor", "build", "inspect", "install", "call", "demo", "token create", "token list", "token revoke")
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


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in ("build", "inspect", "demo")])
def test_each_command_that_needs_one_takes_a_data_directory(command: str) -> None:
    stdout = invoke(*command.split(), "--help").stdout

    assert "--data" in stdout
    assert "INNKEEPER_DATA" in stdout
    assert "innkeeper-data" in stdout


def test_the_command_alone_shows_all_commands() -> None:
    stdout = invoke().stdout

    assert all(f" {command.split()[0]} " in stdout for command in COMMANDS)


def test_the_version_is_one_line() -> None:
    result = invoke("--version")

    assert result.exit_code == 0
    assert result.stdout.startswith("innkeeper")
    assert result.stdout.count("\n") == 1


def test_the_command_line_is_there_before_anything_slow_is_imported() -> None:
    code = "import sys, host.cli.app; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-P", "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) & SLOW == set()
