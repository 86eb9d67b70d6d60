"""Over a real server on loopback: what only a socket can show."""

import asyncio
import hmac
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from tests.guests_wat import Respond
from tests.web.site import Site, a_site, probe

ANY = "/v1/orgs/acme/plugins/probe/any"
OPEN = "/v1/orgs/acme/plugins/probe/open"
MIB = 1024 * 1024
BUSY = "(local $n i32) (local.set $n (i32.const 30000000)) (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
"""Some hundred milliseconds of computing."""


@dataclass
class Server:
    site: Site
    port: int
    uvicorn: uvicorn.Server

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, raw: bytes) -> bytes:
        """Sends bytes as they are, and reads until the server closes."""
        reader, writer = await self.connect()
        writer.write(raw)
        try:
            return await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()


@asynccontextmanager
async def serving(folder: Path, component: bytes | None = None) -> AsyncIterator[Server]:
    """A site behind uvicorn; at the end it has answered all that it was asked."""
    async with a_site(folder, component) as site:
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(site.app, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=20))
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield Server(site, listener.getsockname()[1], server)
        finally:
            server.should_exit = True
            await task


def request(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    """The last request of a connection."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]).encode("latin-1") + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def test_a_signed_body_in_chunks_arrives_whole(tmp_path: Path) -> None:
    pieces = [b'{"a": ', b'"\xc3', b'\xa4"}']
    signature = "X-Signature: sha256=" + hmac.digest(b"s3cret", b"".join(pieces), "sha256").hex()
    async with serving(tmp_path) as server:
        answer = await server.say(
            request("POST", ANY, "Transfer-Encoding: chunked", signature, body=b"".join(map(chunk, pieces)) + b"0\r\n\r\n")
        )

    assert status(answer) == 200
    assert answer.endswith('{"a": "ä"}'.encode())


@pytest.mark.promise("limits.body")
async def test_ten_megabytes_in_chunks_are_refused_and_the_connection_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reader, writer = await server.connect()
        writer.write(f"POST {ANY} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(10):
            writer.write(chunk(b"x" * MIB))
            await writer.drain()
        writer.write(b"0\r\n\r\n" + request("GET", "/healthz"))
        answers = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        records = server.site.records()

    assert answers.count(b"HTTP/1.1 ") == 2
    assert (status(answers), b'"body.too-large"' in answers, b'{"status":"ok"}' in answers) == (413, True, True)
    assert [(record.outcome, record.status) for record in records] == [("refused", 413)]


@pytest.mark.promise("limits.body")
async def test_an_endless_body_is_answered_while_it_still_comes(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reader, writer = await server.connect()
        writer.write(f"POST {ANY} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(5):
            writer.write(chunk(b"x" * MIB))
            await writer.drain()
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        writer.close()

    assert status(head) == 413


@pytest.mark.promise("limits.body")
async def test_a_sender_that_waits_for_continue_is_refused_before_it_sends(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        answer = await server.say(request("POST", ANY, f"Content-Length: {5 * MIB}", "Expect: 100-continue"))

    assert status(answer) == 413


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 3", "Transfer-Encoding: chunked"],
        ["Content-Length: 3", "Content-Length: 4"],
        ["Content-Length: 3, 4"],
        ["Content-Length: +3"],
        ["Content-Length: -1"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding : chunked"],
        ["X-Bad: a\rb"],
        ["X-Bad: a\x00b"],
        ["X Bad: a"],
        [" X-Folded: a"],
    ],
)
async def test_a_request_that_could_be_read_in_two_ways_is_not_read_at_all(tmp_path: Path, headers: list[str]) -> None:
    async with serving(tmp_path) as server:
        answer = await server.say(request("POST", OPEN, *headers, body=b"abcGET /healthz HTTP/1.1\r\n\r\n"))
        records = server.site.records()

    assert answer.count(b"HTTP/1.1 ") == 1
    assert status(answer) == 400
    assert records == []


@pytest.mark.parametrize(
    "target", ["/v1/orgs/acme/plugins/probe/%2e%2e/x", "/v1/orgs/acme/plugins/probe/a%2fb", "/v1/orgs/acme/plugins/probe/%zz"]
)
async def test_a_hostile_path_is_refused(tmp_path: Path, target: str) -> None:
    async with serving(tmp_path) as server:
        answer = await server.say(request("GET", target))

    assert status(answer) == 400
    assert b'"path.invalid"' in answer


async def test_giant_headers_are_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        answer = await server.say(request("GET", OPEN, *[f"X-{number}: {'x' * 8000}" for number in range(20)]))
        many = await server.say(request("GET", OPEN, *[f"X-{number}: 1" for number in range(500)]))

    assert (status(answer), status(many)) == (431, 431)


async def test_the_whole_target_may_stand_in_the_request_line(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        answer = await server.say(request("GET", f"http://localhost{OPEN}?a=1"))

    assert status(answer) == 200
    assert f"http://localhost{OPEN}?a=1".encode() in answer


async def test_head_has_no_body_on_the_wire(tmp_path: Path) -> None:
    async with serving(tmp_path, probe(Respond(body=b"hello"))) as server:
        answer = await server.say(request("HEAD", OPEN))

    assert status(answer) == 200
    assert b"content-length: 5\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.promise("signatures.fail-closed")
@pytest.mark.parametrize(
    "lines",
    [
        ["X-Signature: {}", "X-Signature: {}"],
        ["X-Signature: sha256=00", "X-Signature: {}"],
        ["X-Signature: {}", "x-signature:"],
        ["X-Signature: {}\r\n sha256=00"],
        ["X-Signature: {}\r\n\t{}"],
        ["X-Signature: {}, {}"],
        ["X-Signature: {}\x00"],
        ["X-Signature: {}\x0b"],
        ["X-Signature : {}"],
        ["X_Signature: {}"],
        ["X-Other: a\r\n X-Signature: {}"],
        ["X-Other: a\nX-Signature: {}\r"],
        ["Trailer: X-Signature"],
    ],
)
async def test_a_signature_that_is_smuggled_in_verifies_nothing(tmp_path: Path, lines: list[str]) -> None:
    right = "sha256=" + hmac.digest(b"s3cret", b"{}", "sha256").hex()
    async with serving(tmp_path) as server:
        answer = await server.say(request("POST", ANY, *(line.format(right, right) for line in lines), "Content-Length: 2", body=b"{}"))
        runs = [record.runs for record in server.site.records()]

    assert status(answer) in (400, 401)
    assert set(runs) <= {0}


async def test_options_have_no_body_and_no_length_on_the_wire(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        answer = await server.say(request("OPTIONS", OPEN))
        missing = await server.say(request("OPTIONS", f"{OPEN}/no"))
        all_of_it = await server.say(request("OPTIONS", "*"))
        unknown = await server.say(request("HEAD", "/v1/orgs/nobody/plugins/nothing/open"))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert (status(answer), body) == (204, b"")
    assert b"allow: GET, HEAD, OPTIONS, POST\r\n" in head + b"\r\n"
    assert b"content-length" not in head.lower()
    assert status(missing) == 404
    assert status(all_of_it) in (400, 404)
    assert (status(unknown), unknown.partition(b"\r\n\r\n")[2]) == (404, b"")


async def test_a_sender_that_goes_away_while_the_guest_runs_loses_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, probe(Respond(before=BUSY))) as server:
        for _ in range(5):
            _, writer = await server.connect()
            writer.write(request("POST", OPEN, "Content-Length: 2", body=b"{}"))
            writer.close()
            await writer.wait_closed()
        alive = await server.say(request("POST", OPEN, "Content-Length: 0"))
        while server.uvicorn.server_state.tasks:
            await asyncio.wait(server.uvicorn.server_state.tasks)
        records = server.site.records()

    assert status(alive) == 200
    assert [record.outcome for record in records] == ["succeeded"] * 6


async def test_a_sender_that_goes_away_in_the_middle_of_its_body_leaves_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        _, writer = await server.connect()
        writer.write(request("POST", OPEN, "Content-Length: 100", body=b"half"))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        after = await server.say(request("GET", OPEN))
        records = server.site.records()

    assert status(after) == 200
    assert [record.method for record in records] == ["GET"]
