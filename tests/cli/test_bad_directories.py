"""Every command on a data directory that can't be used: one sentence that says what to do, exit code 2, nothing changed."""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from host.cli.app import app
from host.cli.troubles import sentence
from tests.cli.command import COMMAND, ENVIRONMENT, PATIENCE, invoke, is_one_sentence, run, stored, wat
from tests.cli.test_serve import READ_ONLY

COMMANDS = {
    "serve": ["serve", "--port", "0"],
    "install": ["install", "{wat}", "--org", "acme", "--set", "greeting=hello"],
    "grant": ["grant", "probe", "--all", "--org", "acme"],
    "revoke": ["revoke", "probe", "routes.public", "--org", "acme"],
    "enable": ["enable", "probe", "--org", "acme"],
    "disable": ["disable", "probe", "--org", "acme"],
    "settings": ["settings", "probe", "--org", "acme", "--set", "greeting=hello"],
    "uninstall": ["uninstall", "probe", "--org", "acme"],
    "limits": ["limits", "probe", "--fuel", "5M"],
    "plugins": ["plugins"],
    "orgs create": ["orgs", "create", "globex"],
    "orgs list": ["orgs", "list"],
    "orgs show": ["orgs", "show", "acme"],
    "orgs settings": ["orgs", "settings", "acme", "--default-agent", "Ada"],
    "orgs route": ["orgs", "route", "acme", "probe", "43"],
    "orgs unroute": ["orgs", "unroute", "probe", "42"],
    "orgs remove": ["orgs", "remove", "acme", "--confirm", "acme"],
    "agents add": ["agents", "add", "Bob", "--org", "acme"],
    "agents list": ["agents", "list", "--org", "acme"],
    "agents rename": ["agents", "rename", "Ada", "Grace", "--org", "acme"],
    "agents away": ["agents", "away", "Ada", "--org", "acme"],
    "agents available": ["agents", "available", "Ada", "--org", "acme"],
    "agents remove": ["agents", "remove", "Ada", "--org", "acme"],
    "deliveries list": ["deliveries", "list"],
    "deliveries show": ["deliveries", "show", "01890a5d-ac96-774b-bcce-b302099a8057"],
    "logs": ["logs"],
    "usage": ["usage"],
    "call": ["call", "probe", "/ping", "--org", "acme"],
    "secrets set": ["secrets", "set", "probe", "signing", "--org", "acme", "--from", "{folder}/signing.secret"],
    "secrets list": ["secrets", "list", "probe", "--org", "acme"],
    "secrets remove": ["secrets", "remove", "probe", "signing", "--org", "acme"],
    "secrets rotate-key": ["secrets", "rotate-key"],
    "token create": ["token", "create", "ci"],
    "token list": ["token", "list"],
    "token revoke": ["token", "revoke", "none"],
}
"""Commands that open a data directory; each would work on the one below, but for what a test does to it."""
READING = {name for name in COMMANDS if name.endswith((" list", " show"))} | {"plugins", "logs", "usage"}
WRITING = {name: command for name, command in COMMANDS.items() if name not in READING}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    settings = {"type": "object", "properties": {"greeting": {"type": "string"}}}
    component = wat(tmp_path, settings=settings, secrets=[{"name": "signing", "purpose": "sign", "description": "Signs"}])
    secret = tmp_path / "signing.secret"
    secret.write_text("a secret of the probe")
    for command in (
        ("install", component, "--org", "acme", "--create-org", "--grant-all", "--secret", f"signing=@{secret}"),
        ("agents", "add", "Ada", "--org", "acme"),
        ("orgs", "route", "acme", "probe", "42"),
    ):
        result = invoke(*command, "--data", tmp_path / "data")
        assert result.exit_code == 0, result.stderr
    return tmp_path / "data"


def arguments(command: list[str], data: Path) -> list[str]:
    return [part.format(wat=data.parent / "probe.wat", folder=data.parent) for part in command] + ["--data", str(data)]


def kept(folder: Path) -> list[tuple[str, int, bytes]]:
    """All that stands in a directory, but for what SQLite keeps beside a database while it is open, and who serves."""
    others = ("-wal", "-shm", "serve.lock", "rotate.lock")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith(others)]
    return [(str(path.relative_to(folder)), path.stat().st_mode, path.read_bytes()) for path in files]


def ran(command: list[str], data: Path) -> "subprocess.CompletedProcess[str]":
    """In this process, where that is quicker and leaves nothing behind."""
    if command[0] == "serve":
        return run(*arguments(command, data))
    result = invoke(*arguments(command, data))
    return subprocess.CompletedProcess([], result.exit_code, result.stdout, result.stderr)


def is_refused(done: "subprocess.CompletedProcess[str]", *told: str) -> bool:
    """Once it is certain that a person gets one sentence with one of these words, and exit code 2."""
    assert done.returncode == 2, done.stderr
    assert is_one_sentence(done.stderr), done.stderr
    assert any(each in done.stderr for each in told), done.stderr
    return True


def test_every_command_that_takes_a_data_directory_is_tried_here() -> None:
    taking = {name for name, command in leaves(get_command(app), "") if any("--data" in each.opts for each in command.params)}

    assert taking - {"doctor"} == set(COMMANDS)  # which works on all of them: see its own tests


def leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """All commands below one, with the names under which they are called."""
    for part, below in getattr(command, "commands", {}).items():
        yield from leaves(below, f"{name} {part}".strip())
    if not hasattr(command, "commands"):
        yield name, command


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("serve", "deliveries show", "token revoke")])
def test_each_of_them_works_on_one_that_is_as_it_should_be(data: Path, name: str) -> None:
    """The others would not end, or name what can't be known before. What these say elsewhere is the directory's fault then."""
    done = ran(COMMANDS[name], data)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE innkeeper_version SET version_num = '9999'", "use a newer Innkeeper"),
        ("DELETE FROM innkeeper_version", "has the schema none"),
        ("ALTER TABLE innkeeper_version RENAME TO theirs", "belongs to another program"),
    ],
)
def test_of_another_version(data: Path, command: list[str], change: str, told: str) -> None:
    with closing(sqlite3.connect(data / "innkeeper.db")) as connection, connection:
        connection.execute(change)
    before = kept(data)

    assert is_refused(ran(command, data), told)
    assert kept(data) == before


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_with_a_database_of_somebody_elses(tmp_path: Path, command: list[str]) -> None:
    wat(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    with closing(sqlite3.connect(data / "innkeeper.db")) as connection, connection:
        connection.execute("CREATE TABLE theirs (id INTEGER)")
    before = kept(data)

    if command[0] == "install":
        command = ["install", "{wat}", "--org", "acme", "--create-org"]
    assert is_refused(ran(command, data), "belongs to another program")
    assert kept(data) == before


@pytest.mark.parametrize("command", [COMMANDS[name] for name in ("serve", "grant", "orgs create", "token create", "plugins")])
def test_that_is_a_file(data: Path, command: list[str]) -> None:
    file = data.parent / "app.db"
    file.write_text("theirs")
    done = ran(command, file)

    assert is_refused(done, "--data")
    assert "there is no" not in done.stderr
    assert file.read_text() == "theirs"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_with_a_file_that_is_no_database(data: Path, command: list[str]) -> None:
    for path in data.glob("innkeeper.db*"):
        path.unlink()
    (data / "innkeeper.db").write_bytes(b"this is no database" * 1000)
    before = kept(data)

    assert is_refused(ran(command, data), "file is not a database")
    assert kept(data) == before


@pytest.mark.parametrize("command", [WRITING[name] for name in WRITING if name != "call"])
def test_whose_database_another_process_holds(data: Path, command: list[str]) -> None:
    before = stored(data)
    with closing(sqlite3.connect(data / "innkeeper.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        done = ran(command, data)

    assert is_refused(done, "another process holds the database")
    assert stored(data) == before


@pytest.mark.skipif(bool(READ_ONLY) and not shutil.which("setpriv"), reason="root can write everywhere, and setpriv is not here")
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_that_is_read_only(data: Path, command: list[str]) -> None:
    before = kept(data)
    data.chmod(0o500)
    done = run(*arguments(command, data), prefix=READ_ONLY)
    data.chmod(0o700)

    assert is_refused(done, "can't write to the data directory", "the database can't be written")
    assert kept(data) == before


@pytest.mark.skipif(bool(READ_ONLY) and not shutil.which("setpriv"), reason="root can write everywhere, and setpriv is not here")
@pytest.mark.parametrize("command", [WRITING[name] for name in ("serve", "install", "token create")])
def test_whose_database_alone_is_read_only(data: Path, command: list[str]) -> None:
    for path in data.glob("innkeeper.db-*"):
        path.unlink()
    before = kept(data)
    (data / "innkeeper.db").chmod(0o400)
    done = run(*arguments(command, data), prefix=READ_ONLY)
    (data / "innkeeper.db").chmod(0o600)

    assert is_refused(done, "the database can't be written", "the database can't be opened")
    assert kept(data) == before


def mounts() -> bool:
    """Whether this user can have a file system of its own, and so a disk that is full."""
    done = (
        subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/tmp"], capture_output=True)
        if shutil.which("unshare")
        else None
    )
    return done is not None and done.returncode == 0


FULL_DISK = """
mount -t tmpfs -o size=3m tmpfs "$1" && cp -a "$2/." "$1" && shift 2
head -c 100m /dev/zero > "$DISK/filler" 2> /dev/null
before=$(sha256sum "$DISK/key" "$DISK"/components/* | sha256sum)
"$@"
code=$?
rm "$DISK/filler"
[ "$before" = "$(sha256sum "$DISK/key" "$DISK"/components/* | sha256sum)" ] || echo "files changed" >&2
cp "$DISK"/innkeeper.db* "$AFTER"
exit $code
"""
"""Copies a directory to a small file system, fills that, runs a command, and hands the database out."""


@pytest.mark.skipif(not mounts(), reason="a full disk needs a file system of its own")
@pytest.mark.parametrize("command", [WRITING[name] for name in ("serve", "install", "token create")])
def test_on_a_full_disk(data: Path, command: list[str]) -> None:
    before = stored(data)
    disk, copy = data.parent / "disk", data.parent / "after"
    disk.mkdir()
    copy.mkdir()
    words = [*arguments(command, data)[:-1], str(disk)]
    script = ["unshare", "-Urm", "sh", "-c", FULL_DISK, "sh", str(disk), str(data), *COMMAND, *words]
    environment = ENVIRONMENT | {"DISK": str(disk), "AFTER": str(copy)}
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=PATIENCE)

    assert is_refused(done, "disk is full", "the disk refuses")
    assert "files changed" not in done.stderr
    assert stored(copy) == before


@pytest.mark.parametrize("name", ["install", "token create"])
def test_beyond_what_the_process_may_write(data: Path, name: str) -> None:
    """As a quota does: the database can't grow."""
    before = stored(data)
    words = arguments(COMMANDS[name], data)
    done = run(*words, prefix=["bash", "-c", 'ulimit -f 1; exec "$@"', "bash"])

    assert is_refused(done, "ulimit -f", "the disk refuses")
    assert stored(data) == before


def test_with_json_the_sentence_is_an_object(data: Path) -> None:
    with closing(sqlite3.connect(data / "innkeeper.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        done = run("token", "create", "ci", "--json", "--data", data)

    assert json.loads(done.stdout)["error"] == {
        "code": "usage", "message": "another process holds the database: wait until it has ended (or end it), and run it again",
    }  # fmt: skip


def test_an_error_of_the_system_that_nobody_foresaw_stays_unexpected() -> None:
    assert sentence(OSError(os.EX_OSERR, "x")) is None
    assert sentence(sqlite3.OperationalError("x")) is None
    assert sentence(ValueError("x")) is None
