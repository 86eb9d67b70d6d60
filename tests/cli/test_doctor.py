"""What a host needs, looked at: each thing that is wrong is found, named with what to do, and nothing is changed."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from host.cli.doctor import system
from host.runtime.lock import Holder
from stores.database import Database
from stores.schema import configuration
from tests.building import artefacts
from tests.cli.command import invoke, is_one_sentence, run, served, wat
from tests.cli.test_serve import READ_ONLY

CHECKS = {
    "configuration", "python", "packages", "sandbox", "directory", "server", "schema", "integrity", "key", "components", "cache", "disk",
    "open-files", "memory-maps", "clock", "port",
}  # fmt: skip
SECRET = {"name": "app_secret", "purpose": "verify"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with a plugin that has a secret."""
    component = wat(tmp_path, secrets=[SECRET])
    result = invoke("install", component, "--org", "acme", "--create-org", "--secret", "app_secret=hunter22", "--data", tmp_path / "data")
    assert result.exit_code == 0, result.stderr
    return tmp_path / "data"


def examined(data: Path, *arguments: object, prefix: Sequence[str] = ()) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code and findings by check."""
    command = ("doctor", "--json", "--data", data, "--cache", artefacts(), "--port", 0, *arguments)
    done: Any = run(*command, prefix=prefix) if prefix else invoke(*command)
    answer = json.loads(done.stdout)
    code = done.returncode if prefix else done.exit_code
    assert answer["ok"] == (code == 0)
    return code, {finding["check"]: finding for finding in answer["checks"]}


def wrong(findings: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, finding in findings.items() if finding["state"] == "wrong"]


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Modes and contents of everything below, but for what SQLite's readers share."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
        if not path.name.endswith("-shm")
    }


def test_where_all_is_well_every_check_says_so_and_nothing_is_changed(data: Path) -> None:
    before = snapshot(data)
    code, findings = examined(data)

    assert (code, set(findings)) == (0, CHECKS)
    assert [finding for finding in findings.values() if finding["state"] != "ok"] == []
    assert "opens all 1 secrets" in findings["key"]["says"]
    assert snapshot(data) == before


def test_people_get_a_table_with_what_to_do(tmp_path: Path) -> None:
    result = invoke("doctor", "--data", tmp_path / "missing", "--port", 0)

    assert result.exit_code == 0
    assert "there is no data directory" in result.stdout
    assert "-> `innkeeper serve` or `innkeeper install` makes it" in result.stdout
    assert all(check in result.stdout for check in CHECKS)


def test_a_directory_that_is_not_there_is_no_failure_and_stays_away(tmp_path: Path) -> None:
    code, findings = examined(tmp_path / "missing", "--cache", tmp_path / "cache")

    assert (code, wrong(findings)) == (0, [])
    assert findings["directory"]["state"] == findings["schema"]["state"] == findings["cache"]["state"] == "warning"
    assert list(tmp_path.iterdir()) == []


def test_beside_a_running_server_it_sees_that_and_changes_nothing(data: Path) -> None:
    with served(data, "--host", "127.0.0.1") as server:
        code, findings = examined(data, "--port", server.url.rpartition(":")[2])
        ready = server.get("/readyz").status_code

    assert (code, ready) == (0, 200)
    assert f"process {server.process.pid}" in findings["server"]["says"]
    assert server.url in findings["server"]["says"]
    assert findings["port"]["state"] == "ok"


@pytest.mark.promise("secrets.doctor")
def test_secrets_are_opened_and_named_and_never_shown(data: Path) -> None:
    (data / "key").unlink()
    code, findings = examined(data)
    assert (code, wrong(findings)) == (1, ["key"])
    assert "the key is missing, and 1 secrets are sealed with it" in findings["key"]["says"]

    (data / "key").write_text("ab" * 32)
    (data / "key").chmod(0o600)
    code, findings = examined(data)
    assert (code, wrong(findings)) == (1, ["key"])
    assert "does not open probe/app_secret of acme" in findings["key"]["says"]
    assert "hunter22" not in json.dumps(findings)
    assert "ab" * 32 not in json.dumps(findings)


def test_what_others_can_read_or_write_is_wrong(data: Path) -> None:
    data.chmod(0o755)
    code, findings = examined(data)
    assert (code, findings["directory"]["state"]) == (0, "warning")
    data.chmod(0o777)
    code, findings = examined(data)
    assert (code, wrong(findings)) == (1, ["directory"])
    data.chmod(0o700)
    (data / "innkeeper.db").chmod(0o644)
    code, findings = examined(data)
    assert (code, wrong(findings)) == (1, ["directory"])
    assert "chmod -R go= " in findings["directory"]["remedy"]
    (data / "innkeeper.db").chmod(0o600)
    (data / "key").chmod(0o644)
    code, findings = examined(data)
    assert wrong(findings) == ["directory", "key"]


def test_components_that_are_missing_or_changed_are_found_by_their_digest(data: Path) -> None:
    [component] = (data / "components").glob("*.wasm")
    content = component.read_bytes()
    component.write_bytes(content + b"\n")
    code, findings = examined(data)
    assert (code, wrong(findings)) == (1, ["components"])
    assert f"{component.stem} was changed" in findings["components"]["says"]
    component.unlink()
    code, findings = examined(data)
    assert f"{component.stem} is missing" in findings["components"]["says"]
    assert "install these plugins again" in findings["components"]["remedy"]


def test_a_cache_that_is_cold_or_damaged_is_only_a_warning_and_one_that_others_can_write_is_wrong(data: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    code, findings = examined(data, "--cache", cache)
    assert (code, findings["cache"]["state"]) == (0, "warning")
    assert not cache.exists()

    assert run("call", "probe", "/ping", "--org", "acme", "--data", data, "--cache", cache).returncode in (0, 1)
    [artefact] = (cache / "artefacts").glob("*.cwasm")
    artefact.write_bytes(artefact.read_bytes()[:-1])
    code, findings = examined(data, "--cache", cache)
    assert (code, findings["cache"]["state"], findings["cache"]["remedy"]) == (0, "warning", "nothing: it is compiled again")
    artefact.unlink()
    code, findings = examined(data, "--cache", cache)
    assert (code, findings["cache"]["says"]) == (0, f"1 of 1 components are not compiled in {cache / 'artefacts'}")

    (cache / "artefacts").chmod(0o777)
    code, findings = examined(data, "--cache", cache)
    assert (code, wrong(findings)) == (1, ["cache"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE innkeeper_version SET version_num = '9999'", "which this program does not know: use a newer Innkeeper"),
        ("ALTER TABLE innkeeper_version RENAME TO somebody_elses", "belongs to another program"),
    ],
)
def test_a_database_of_another_version_is_told_once_and_left_alone(data: Path, change: str, told: str) -> None:
    with closing(sqlite3.connect(data / "innkeeper.db")) as connection, connection:
        connection.execute(change)
    before = snapshot(data)
    code, findings = examined(data)

    assert (code, wrong(findings)) == (1, ["schema"])
    assert told in findings["schema"]["says"]
    assert snapshot(data) == before


def test_an_older_database_is_upgraded_by_others_not_by_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    database = Database(tmp_path / "innkeeper.db")
    _older(database.connect())
    before = snapshot(tmp_path)
    code, findings = examined(tmp_path)

    assert (code, findings["schema"]["state"]) == (0, "warning")
    assert "the schema 0001" in findings["schema"]["says"]
    assert snapshot(tmp_path) == before


def test_a_damaged_database_and_one_that_is_none_are_found(data: Path) -> None:
    path = data / "innkeeper.db"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xff" * 4096 * 3
    path.write_bytes(content)
    code, findings = examined(data)
    assert code == 1
    assert "integrity" in wrong(findings)

    path.write_bytes(b"no database at all" * 1000)
    code, findings = examined(data)
    assert code == 1
    assert {"schema", "integrity"} <= set(wrong(findings))


def test_what_a_killed_server_left_is_read_with_all_that_it_committed(data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data / "innkeeper.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("UPDATE innkeeper_version SET version_num = '9999'")
        connection.commit()
        shutil.copytree(data, tmp_path / "left")
    (tmp_path / "left" / "innkeeper.db-shm").unlink()
    before = snapshot(tmp_path / "left")
    _, findings = examined(tmp_path / "left")

    assert "the schema 9999" in findings["schema"]["says"]
    assert findings["integrity"]["state"] == "ok"
    assert snapshot(tmp_path / "left") == before


@pytest.mark.skipif(bool(READ_ONLY) and not shutil.which("setpriv"), reason="root can write everywhere, and setpriv is not here")
def test_a_read_only_directory_is_examined_all_the_same(data: Path) -> None:
    for path in (*data.rglob("*"), data):
        path.chmod(0o500 if path.is_dir() else 0o400)
    code, findings = examined(data, prefix=READ_ONLY)
    data.chmod(0o700)

    assert (code, wrong(findings)) == (1, ["directory"])
    assert "can't be written" in findings["directory"]["says"]
    assert findings["schema"]["state"] == findings["integrity"]["state"] == findings["key"]["state"] == "ok"


def test_a_file_in_place_of_the_directory_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, findings = examined(tmp_path / "file")

    assert (code, wrong(findings)) == (1, ["directory"])


def test_options_that_can_not_work_are_one_sentence(tmp_path: Path) -> None:
    result = invoke("doctor", "--data", tmp_path, "--max-instances", "lots")

    assert result.exit_code == 2
    assert is_one_sentence(result.stderr)


def test_more_instances_than_the_kernel_has_maps_for_is_wrong_with_both_remedies(tmp_path: Path) -> None:
    code, findings = examined(tmp_path, "--max-instances", "100000")

    assert (code, wrong(findings)) == (1, ["memory-maps"])
    assert "vm.max_map_count=702000" in findings["memory-maps"]["remedy"]
    assert "--max-instances" in findings["memory-maps"]["remedy"]


def test_a_port_that_somebody_else_has_is_wrong(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, findings = examined(tmp_path, "--port", taken.getsockname()[1])

    assert (code, wrong(findings)) == (1, ["port"])
    assert "is in use" in findings["port"]["says"]


def test_a_clock_behind_what_has_happened_is_wrong() -> None:
    assert system.clock(None).state == "ok"
    assert system.clock(4_000_000_000_000).state == "wrong"


def test_a_low_limit_of_open_files_is_a_warning() -> None:
    code = "from host.cli.doctor import system; print(system.open_files().state)"
    limited = subprocess.run(
        ["bash", "-c", 'ulimit -n 1000; exec "$0" -P -c "$1"', sys.executable, code],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip

    assert limited.stdout == "warning\n"


def test_a_server_whose_file_says_nothing_is_a_server_all_the_same() -> None:
    assert system.port("127.0.0.1", 1, Holder(0, 0, "")).says == "a server runs"


def _older(connection: sqlite3.Connection) -> None:
    """The schema before the newest one."""
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.begin() as lent:
        command.upgrade(configuration(lent), "0001")
    engine.dispose()
