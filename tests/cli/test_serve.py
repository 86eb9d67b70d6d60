"""`innkeeper serve` as a process: from an empty directory to its end."""

import json
import os
import shutil
import signal
import socket
from pathlib import Path

import httpx2
import pytest

from tests.building import EXAMPLES
from tests.cli.command import PATIENCE, invoke, is_one_sentence, run, served, started, wat

READ_ONLY = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
"""Even root may not write everywhere then."""


def test_an_empty_directory_becomes_a_host_with_one_line_on_standard_output(tmp_path: Path) -> None:
    with started("serve", "--data", tmp_path / "new", "--port", 0) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        rest, log = process.communicate(timeout=PATIENCE)

    assert line.startswith("Innkeeper is ready at http://127.0.0.1:")
    assert rest == ""
    assert process.returncode == 0
    assert {json.loads(entry)["event"] for entry in log.splitlines()} >= {"operator.token_written", "server.started", "server.ended"}


def test_what_is_in_the_directory_is_the_users_alone(tmp_path: Path) -> None:
    with served(tmp_path / "new") as server:
        server.end()

    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert modes["operator.token"] == 0o600
    assert all(mode & 0o077 == 0 for mode in modes.values())


def test_the_operators_token_opens_the_api_and_stays_the_same(tmp_path: Path) -> None:
    assert invoke("install", wat(tmp_path), "--org", "acme", "--create-org", "--data", tmp_path).exit_code == 0
    with served(tmp_path) as server:
        first = server.token()
        assert server.get("/v1/orgs/acme/conversations", first).json() == {"items": [], "next": None}
        assert server.get("/v1/orgs/acme/conversations").status_code == 401
        server.end()
    with served(tmp_path) as server:
        assert server.token() == first
        assert server.get("/v1/orgs/acme/conversations", first).status_code == 200


def test_a_directory_whose_database_is_new_gets_a_new_token(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        first = server.token()
        server.end()
    for path in tmp_path.glob("innkeeper.db*"):
        path.unlink()

    with served(tmp_path) as server:
        assert server.token() != first


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_exit_code_0(tmp_path: Path, how: signal.Signals) -> None:
    with served(tmp_path) as server:
        assert server.get("/healthz").status_code == 200
        code, output, log = server.end(how)

    assert (code, output) == (0, "")
    assert "Traceback" not in log


def test_a_request_that_is_under_way_is_answered_before_the_end(tmp_path: Path) -> None:
    assert invoke("install", wat(tmp_path), "--org", "acme", "--create-org", "--grant-all", "--data", tmp_path).exit_code == 0
    with served(tmp_path) as server, socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as connection:
        connection.sendall(
            b"POST /v1/orgs/acme/plugins/probe/ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
        )
        assert b"100 Continue" in connection.recv(1000)
        server.process.terminate()
        connection.sendall(b"ping")
        answer = b"".join(iter(lambda: connection.recv(1000), b""))
        code, _, _ = server.end()

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"pong")
    assert code == 0


def test_a_signal_while_it_compiles_ends_it_at_once(tmp_path: Path) -> None:
    assert invoke("install", EXAMPLES / "simple_http_test", "--org", "acme", "--create-org", "--data", tmp_path / "data").exit_code == 0
    with started("serve", "--data", tmp_path / "data", "--port", 0, "--cache", tmp_path / "empty") as process:
        assert process.stderr is not None
        while "component.compiling" not in (line := process.stderr.readline()):
            assert line
        process.terminate()
        output, log = process.communicate(timeout=PATIENCE)

    assert (process.returncode, output) == (0, "")
    assert "Traceback" not in log
    assert not list((tmp_path / "empty" / "artefacts").glob("*.cwasm"))


def test_a_plugin_that_is_installed_meanwhile_is_there_at_the_next_request(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert server.get("/v1/orgs/acme/plugins/simple-http-test/config").status_code == 404
        example = EXAMPLES / "simple_http_test"

        assert run("install", example, "--org", "acme", "--create-org", "--grant-all", "--data", tmp_path).returncode == 0
        assert server.get("/v1/orgs/acme/plugins/simple-http-test/config").json() == {"greeting": "hello"}

        assert run("install", example, "--org", "acme", "--set", "greeting=good day", "--data", tmp_path).returncode == 0
        assert server.get("/v1/orgs/acme/plugins/simple-http-test/config").json() == {"greeting": "good day"}


def test_a_revoked_token_is_good_for_nothing_at_the_next_request(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        made = json.loads(run("token", "create", "ci", "--data", tmp_path, "--json").stdout)
        assert server.get("/v1/orgs/acme/conversations", made["token"]).status_code == 404
        assert run("token", "revoke", made["id"], "--data", tmp_path).returncode == 0

        assert server.get("/v1/orgs/acme/conversations", made["token"]).status_code == 401


def test_a_port_that_is_taken_is_a_sentence_and_nothing_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--data", tmp_path / "new", "--port", port)

    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert f"port {port} of 127.0.0.1 is in use" in done.stderr
    assert not (tmp_path / "new").exists()


def test_an_address_that_is_not_ours_is_a_sentence(tmp_path: Path) -> None:
    done = run("serve", "--data", tmp_path, "--host", "192.0.2.1", "--port", 0)

    assert done.returncode == 2
    assert is_one_sentence(done.stderr)


def test_a_second_server_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        done = run("serve", "--data", tmp_path, "--port", 0)
        assert server.get("/healthz").status_code == 200

    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert "another server" in done.stderr


def test_a_directory_that_can_not_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("serve", "--data", tmp_path / "file" / "data", "--port", 0)

    assert done.returncode == 2
    assert is_one_sentence(done.stderr)


@pytest.mark.skipif(bool(READ_ONLY) and not shutil.which("setpriv"), reason="root can write everywhere, and setpriv is not here")
def test_a_directory_that_can_not_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    done = run("serve", "--data", tmp_path / "data", "--port", 0, prefix=READ_ONLY)

    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert "can't write to the data directory" in done.stderr
    assert list((tmp_path / "data").iterdir()) == []


def test_requests_are_logged_only_when_asked_for(tmp_path: Path) -> None:
    logs = []
    for arguments in ([], ["--access-log"]):
        with served(tmp_path, *arguments) as server:
            server.get("/healthz")
            logs.append(server.end()[2])

    assert ["/healthz" in log for log in logs] == [False, True]


@pytest.mark.parametrize(
    "request_bytes", [b"nonsense\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"]
)
def test_what_strangers_send_that_is_no_request_of_ours_writes_nothing_into_the_log(tmp_path: Path, request_bytes: bytes) -> None:
    with served(tmp_path) as server:
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=PATIENCE) as connection:
            connection.sendall(request_bytes)
            assert connection.recv(1024).startswith(b"HTTP/1.1 ")
        log = server.end()[2]

    assert {json.loads(line)["event"].partition(".")[0] for line in log.splitlines()} == {"operator", "server"}


def test_a_variable_that_means_nothing_is_in_the_log(tmp_path: Path) -> None:
    with started("serve", "--data", tmp_path, "--port", 0, INNKEEPER_IDEL_S="1") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Innkeeper is ready")
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)

    assert [line["names"] for line in map(json.loads, log.splitlines()) if line["event"] == "environment.unknown"] == [["INNKEEPER_IDEL_S"]]


def test_options_of_the_environment_and_of_a_file_hold_for_a_server(tmp_path: Path) -> None:
    (tmp_path / "innkeeper.toml").write_text("port = 0\naccess_log = true\n")
    with started("serve", "--data", tmp_path, "--json", INNKEEPER_HOST="127.0.0.2") as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert httpx2.get(f"{url}/readyz", trust_env=False, timeout=PATIENCE).status_code == 200
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)

    assert url.startswith("http://127.0.0.2:")
    assert [line["path"] for line in map(json.loads, log.splitlines()) if line["event"] == "request"] == ["/readyz"]
