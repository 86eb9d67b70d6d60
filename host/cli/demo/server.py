"""The host as a process of its own, started as a person would."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import host
from host.model.errors import InnkeeperError

GRACE = 30
"""Seconds that it may take to end."""


class HostFailed(InnkeeperError):
    """The demo's host did not do what it should."""

    code = "demo.host"


@contextmanager
def served(folder: Path, cache: Path, port: int) -> Iterator[str]:
    """A host on that data directory; its URL. Ended as by SIGTERM afterwards. Raises `HostFailed`."""
    errors = folder / "serve.log"
    with errors.open("wb") as log, _process(folder, cache, port, log.fileno()) as process:
        try:
            yield _url(process, errors)
        finally:
            process.terminate()
            _end(process)
    if process.returncode != 0:
        raise HostFailed(f"the host ended with exit code {process.returncode}: {_tail(errors)}")


def _process(folder: Path, cache: Path, port: int, log: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-P", "-m", "host.cli", "serve", "--json", "--log-json"]
    command += ["--data", str(folder), "--cache", str(cache), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(Path(host.__file__).parents[1])}
    # In a session of its own: Ctrl-C is for the demo, which then ends it in order.
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
    )


def _url(process: "subprocess.Popen[str]", errors: Path) -> str:
    """Waits for the line that says that it is ready."""
    assert process.stdout is not None, "it is a pipe"
    line = process.stdout.readline()
    answer = json.loads(line) if line.startswith("{") else {}
    if "url" not in answer:
        _end(process)
        raise HostFailed(f"the host did not start: {_tail(errors)}")
    return str(answer["url"])


def _end(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()


def _tail(errors: Path) -> str:
    return errors.read_text(errors="replace").strip()[-2000:] or "it said nothing"
