"""One process serves a data directory, and who is refused learns who that is."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from host.runtime.lock import FILE, Locked, held, holder

HOLDING = """
import sys
from pathlib import Path
from host.runtime.lock import held
with held(Path(sys.argv[1]), "http://127.0.0.1:8080"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holding(folder: Path) -> "subprocess.Popen[str]":
    """A process that holds the directory until its standard input ends."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-P", "-c", HOLDING, str(folder)], text=True, **pipes)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_who_comes_second_is_told_who_has_it_and_what_to_do(tmp_path: Path) -> None:
    with holding(tmp_path) as process:
        with pytest.raises(Locked) as refused, held(tmp_path):
            pass
        found = holder(tmp_path)
        process.communicate()

    assert found is not None
    assert (found.pid, found.address) == (process.pid, "http://127.0.0.1:8080")
    for part in (str(tmp_path), f"process {process.pid}, since 20", "at http://127.0.0.1:8080", f"kill {process.pid}", "--data"):
        assert part in refused.value.message


def test_one_that_has_let_go_is_no_obstacle_and_leaves_nothing(tmp_path: Path) -> None:
    with held(tmp_path, "http://127.0.0.1:1"):
        assert holder(tmp_path) is not None
    assert holder(tmp_path) is None
    assert (tmp_path / FILE).read_bytes() == b""
    with held(tmp_path):
        pass


def test_the_file_of_a_killed_process_means_nothing(tmp_path: Path) -> None:
    with holding(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert str(process.pid) in (tmp_path / FILE).read_text()
    assert holder(tmp_path) is None
    with held(tmp_path):
        assert str(os.getpid()) in (tmp_path / FILE).read_text()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff" * 10_000, b'{"pid": "x"}', b"[]"])
def test_a_file_that_says_nothing_of_use_locks_all_the_same(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with (tmp_path / FILE).open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Locked, match="another server uses the data directory"), held(tmp_path):
            pass
    with held(tmp_path):
        pass


def test_to_ask_who_has_it_keeps_nobody_from_having_it_and_makes_nothing(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    assert holder(tmp_path / "missing") is None


def test_the_file_is_the_users_alone(tmp_path: Path) -> None:
    with held(tmp_path):
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
