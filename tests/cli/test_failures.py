"""What goes wrong: a sentence, an exit code, and JSON for those who asked for it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from host.cli.failures import DEBUG, Group
from host.model.errors import NotAComponent, UsageError
from tests.cli.command import ENVIRONMENT, PATIENCE, invoke, is_one_sentence, started, wat

WAITING = """
import asyncio, typer
from host.cli.failures import Group
from host.cli.loop import run

app = typer.Typer(cls=Group)

async def wait():
    print("waiting", flush=True)
    await asyncio.Event().wait()

@app.command()
def first(): run(wait())

@app.command()
def second(): pass

app(["first"])
"""


def program(error: BaseException) -> typer.Typer:
    """A command line with a command that raises `error`."""
    app = typer.Typer(cls=Group, pretty_exceptions_enable=False)

    @app.callback()
    def shared(context: typer.Context, debug: bool = False) -> None:
        context.meta[DEBUG] = debug

    @app.command("raise")
    def fail(as_json: bool = typer.Option(False, "--json")) -> None:
        raise error

    return app


def test_an_error_of_ours_is_a_sentence_and_exit_code_2() -> None:
    result = CliRunner().invoke(program(UsageError("this can't be")), ["raise"])

    assert (result.exit_code, result.stdout, result.stderr) == (2, "", "innkeeper: this can't be\n")


def test_an_error_with_a_code_shows_it() -> None:
    result = CliRunner().invoke(program(NotAComponent("this is none")), ["raise"])

    assert (result.exit_code, result.stderr) == (2, "innkeeper: this is none (component.not-a-component)\n")


def test_with_json_an_error_is_an_object_on_standard_output() -> None:
    result = CliRunner().invoke(program(NotAComponent("this is none")), ["raise", "--json"])

    assert result.exit_code == 2
    assert json.loads(result.stdout) == {"error": {"code": "component.not-a-component", "message": "this is none"}}


def test_no_text_of_an_error_makes_a_terminal_do_anything() -> None:
    result = CliRunner().invoke(program(UsageError("a\x1b]0;title\x07b\u202ec\x9bd\re")), ["raise"])

    assert result.stderr == "innkeeper: a\\x1b]0;title\\x07b\\u202ec\\x9bd\\re\n"


def test_an_unexpected_error_is_a_sentence_that_says_how_to_see_more() -> None:
    result = CliRunner().invoke(program(ZeroDivisionError("division by zero")), ["raise"])

    assert result.exit_code == 1
    assert is_one_sentence(result.stderr)
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert "--debug" in result.stderr


def test_with_debug_an_unexpected_error_has_its_traceback() -> None:
    result = CliRunner().invoke(program(ZeroDivisionError("division by zero")), ["--debug", "raise", "--json"])

    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert json.loads(result.stdout)["error"]["code"] == "internal"


def test_an_error_of_usage_is_an_object_too() -> None:
    result = invoke("token", "revoke", "--json")

    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"] == {"code": "usage", "message": "Missing argument 'ID'."}


@pytest.mark.parametrize(
    "line",
    [
        "sreve", "--nonsense", "serve --nonsense", "serve --port many", "serve --port 65536", "serve extra",
        "build", "build one two", "inspect", "install x.wasm", "install --org acme", "call probe --org acme", "call probe /ping",
        "demo extra", "demo --port -1", "token", "token create", "token create x --role king", "token make", "token list extra",
    ],
)  # fmt: skip
def test_what_the_command_line_does_not_have_is_an_error_of_usage(line: str) -> None:
    result = invoke(*line.split())

    assert result.exit_code == 2
    assert result.stderr.strip() or result.stdout.startswith(" ")
    assert "Traceback" not in result.stderr


def test_ctrl_c_while_a_command_waits_for_its_input_ends_it_with_130(tmp_path: Path) -> None:
    fifo = tmp_path / "secret"
    os.mkfifo(fifo)
    arguments = ["install", wat(tmp_path), "--org", "acme", "--secret", f"key=@{fifo}", "--data", tmp_path / "data"]
    with started(*arguments) as process, fifo.open("wb"):  # which opens once the command has opened it
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)

    assert (process.returncode, errors) == (130, "")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_guests_run_ends_it_with_130(how: signal.Signals) -> None:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-P", "-c", WAITING], env=ENVIRONMENT, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(how)
        _, errors = process.communicate(timeout=PATIENCE)

    assert (process.returncode, errors) == (130, "")


def test_a_reader_that_went_away_is_no_reason_for_a_traceback(tmp_path: Path) -> None:
    with started("inspect", wat(tmp_path), "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()

    assert "Traceback" not in errors


@pytest.mark.promise("secrets.planted")
@pytest.mark.parametrize(
    ("arguments", "shown", "hidden"),
    [
        ("inspect plugin.wasm surplus", "surplus", None),
        ("install plugin.wasm surplus --org acme --secret key", "Got unexpected extra argument", "surplus"),
        ("secrets list probe surplus", "Got unexpected extra argument", "surplus"),
        ("inspect key=surplus", "no file or folder key=...", "surplus"),
        ("inspect key=sur", "no file or folder key=sur", None),
        ("inspect plugin.wasm key=surplus", "key=...", "surplus"),
        ("key=surplus", "key=...", "surplus"),
        ("call probe / --org acme --header surplus", "--header takes NAME:VALUE", "surplus"),
    ],
)
def test_what_was_typed_is_repeated_unless_it_may_be_a_secret(tmp_path: Path, arguments: str, shown: str, hidden: str | None) -> None:
    result = invoke(*arguments.split(), *([] if arguments.startswith(("inspect", "key=")) else ["--data", tmp_path]))

    assert result.exit_code == 2
    assert shown in result.stderr
    assert hidden is None or hidden not in result.output
