"""How a server ends: in time, with an answer to whoever still waits."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.command import PATIENCE, PING, Served, invoke, is_one_sentence, run, served
from tests.guests_wat import Report, Told, manifest, plugin
from tests.waiting_guest import waiting

PATH = "/v1/orgs/acme/plugins/probe/ping"


def prepared(folder: Path, milliseconds: int = 3_600_000) -> Path:
    """A data directory with a plugin that waits so long before it answers."""
    component = folder / "probe.wat"
    component.write_bytes(waiting(manifest(PING), milliseconds))
    result = invoke("install", component, "--org", "acme", "--create-org", "--grant-all", "--data", folder / "data")
    assert result.exit_code == 0, result.stderr
    return folder / "data"


def connected(server: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=PATIENCE)


def ended(server: Served) -> tuple[int, str]:
    """Its exit code and log, once it has ended by itself."""
    _, log = server.process.communicate(timeout=PATIENCE)
    return server.process.returncode, log


@contextmanager
def under_way(server: Served) -> Iterator[socket.socket]:
    """A request whose body the server has begun to read; it is complete afterwards."""
    with connected(server) as connection:
        connection.sendall(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n".encode())
        assert b"100 Continue" in connection.recv(1000)
        yield connection


def rest(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(4096), b""))


def delivered(data: Path) -> list[tuple[str, int, str | None]]:
    """Outcome, status and error of all deliveries, by another server on the same directory."""
    with served(data) as server:
        found = server.get("/v1/orgs/acme/deliveries", server.token()).json()["items"]
    return [(each["outcome"], each["status"], each["error_code"]) for each in found]


@pytest.mark.promise("ending.recorded")
def test_what_does_not_finish_in_time_is_dropped_answered_and_recorded(tmp_path: Path) -> None:
    data = prepared(tmp_path)
    with served(data, "--grace-s", "1s", "--log-json") as server, under_way(server) as connection:
        connection.sendall(b"{}")
        server.process.terminate()
        answer = rest(connection)
        code, log = ended(server)

    events = [json.loads(line) for line in log.splitlines()]
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1\r\n" in answer
    assert b'"code":"shutdown"' in answer
    assert code == 0
    assert "Traceback" not in log
    assert delivered(data) == [("failed", 503, "shutdown")]
    assert [event["grace_s"] for event in events if event["event"] == "server.ending"] == [1]


def test_what_finishes_in_time_is_answered_as_ever(tmp_path: Path) -> None:
    data = prepared(tmp_path, milliseconds=200)
    with served(data, "--grace-s", "30s") as server, under_way(server) as connection:
        server.process.terminate()
        connection.sendall(b"{}")
        answer = rest(connection)
        code, _ = ended(server)

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"done")
    assert code == 0
    assert delivered(data) == [("succeeded", 200, None)]


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    data = prepared(tmp_path)
    with served(data, "--grace-s", "1h") as server, under_way(server) as connection:
        connection.sendall(b"{}")
        server.process.terminate()
        assert server.process.stderr is not None
        while "server.ending" not in (line := server.process.stderr.readline()):
            assert line
        code, _, log = server.end()  # which is the second

    assert code == 0
    assert "Traceback" not in log
    [(_, status, error)] = delivered(data)
    assert (status, error) == (503, "shutdown")


def test_a_sender_that_never_completes_its_body_is_told_too(tmp_path: Path) -> None:
    data = prepared(tmp_path)
    with served(data, "--grace-s", "0s") as server, under_way(server) as connection:
        server.process.terminate()
        answer = rest(connection)
        code, _ = ended(server)

    assert answer.startswith(b"HTTP/1.1 503")
    assert code == 0
    assert delivered(data) == [("refused", 503, "shutdown")]


def test_nobody_is_let_in_any_more(tmp_path: Path) -> None:
    data = prepared(tmp_path)
    with served(data, "--grace-s", "1h") as server, under_way(server) as connection:
        connection.sendall(b"{}")
        server.process.terminate()
        assert server.process.stderr is not None
        while "server.ending" not in (line := server.process.stderr.readline()):
            assert line
        port = int(server.url.rpartition(":")[2])
        refused = False
        while not refused:  # until it has come to close its socket
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                refused = True
        server.end()

    assert refused


def test_a_second_server_is_told_who_has_the_directory(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        done = run("serve", "--data", tmp_path, "--port", 0)
        ready = server.get("/readyz")

    assert (done.returncode, ready.status_code) == (2, 200)
    assert is_one_sentence(done.stderr)
    assert f"process {server.process.pid}" in done.stderr
    assert server.url in done.stderr


def test_a_server_that_was_killed_is_no_obstacle_for_the_next(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        server.process.kill()
        server.process.wait()
    with served(tmp_path) as server:
        assert server.get("/readyz").status_code == 200


def test_what_is_no_http_is_answered_with_an_id_like_everything_else(tmp_path: Path) -> None:
    with served(tmp_path) as server, connected(server) as connection:
        connection.sendall(b"\x16\x03\x01 this is TLS\r\n\r\n")
        answer = rest(connection)

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"x-request-id: " in answer
    assert b'{"error":{"code":"invalid"' in answer


def test_a_trusted_proxy_says_by_which_scheme_a_request_came_and_nobody_else_does(tmp_path: Path) -> None:
    component = tmp_path / "probe.wat"
    component.write_bytes(plugin(manifest(PING), Report()))
    assert invoke("install", component, "--org", "acme", "--create-org", "--grant-all", "--data", tmp_path / "data").exit_code == 0
    told = []
    for proxies in ("127.0.0.0/8", "10.0.0.0/8"):
        with served(tmp_path / "data", "--trusted-proxies", proxies) as server, connected(server) as connection:
            connection.sendall(f"GET {PATH} HTTP/1.0\r\nHost: h\r\nX-Forwarded-Proto: https\r\n\r\n".encode())
            told.append(Told(rest(connection).partition(b"\r\n\r\n")[2]).url)

    assert told == [f"https://h{PATH}", f"http://h{PATH}"]
