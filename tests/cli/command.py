"""The command `innkeeper`, in this process or as one of its own."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
from typer.testing import CliRunner, Result

from host.cli.app import app
from tests.building import artefacts
from tests.guests_wat import Handler, Respond, manifest, plugin

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-P", "-m", "host.cli"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "INNKEEPER_CACHE": str(artefacts()), "COLUMNS": "200"}
PATIENCE = 120
"""Seconds after which a process that should have ended is killed, and the test fails."""

PING = {"name": "ping", "path": "/ping", "methods": ["GET", "POST"], "auth": {"type": "public"}}


def invoke(*arguments: object, stdin: bytes | None = None) -> Result:
    """Runs a command in this process."""
    return CliRunner().invoke(app, [str(each) for each in arguments], input=stdin, env={"COLUMNS": "200", "INNKEEPER_DATA": None})


def run(*arguments: object, stdin: str | None = None, prefix: Sequence[str] = ()) -> "subprocess.CompletedProcess[str]":
    """Runs a command as a process of its own."""
    command = [*prefix, *COMMAND, *(str(each) for each in arguments)]
    return subprocess.run(command, env=ENVIRONMENT, input=stdin, capture_output=True, text=True, timeout=PATIENCE)


@contextmanager
def started(*arguments: object, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A command that runs meanwhile. Killed afterwards if it still does."""
    command = [*COMMAND, *(str(each) for each in arguments)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=ENVIRONMENT | environment, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


class Served:
    """A server that is ready at `url`."""

    def __init__(self, process: "subprocess.Popen[str]", url: str, data: Path) -> None:
        self.process, self.url, self.data = process, url, data

    def get(self, path: str, token: str | None = None) -> httpx2.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx2.get(self.url + path, headers=headers, trust_env=False, timeout=PATIENCE)

    def token(self) -> str:
        return (self.data / "operator.token").read_text().strip()

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Its exit code, and what else it wrote to its standard output and error."""
        self.process.send_signal(how)
        output, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output, errors


@contextmanager
def served(data: Path, *arguments: object) -> Iterator[Served]:
    """A server on a free port."""
    with started("serve", "--data", data, "--port", 0, "--json", *arguments) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        yield Served(process, json.loads(line)["url"], data)


def wat(folder: Path, handler: Handler | None = None, **properties: Any) -> Path:
    """The file of a small plugin: `probe` with the route /ping, unless said otherwise."""
    routes = properties.pop("routes", [PING])
    path = folder / f"{properties.get('name', 'probe')}.wat"
    path.write_bytes(plugin(manifest(*routes, **properties), handler or Respond(body=b"pong")))
    return path


def stored(data: Path) -> list[str]:
    """All that a data directory's database holds, as SQL; nothing where there is none."""
    path = data / "innkeeper.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def is_one_sentence(text: str) -> bool:
    """Whether that is what a person gets to see of an error: no traceback, one line of ours."""
    lines = [line for line in text.strip().split("\n") if line.startswith("innkeeper: ")]
    return len(lines) == 1 and "Traceback" not in text
