"""What strangers may do to the server before they have asked for anything: over sockets on loopback, as they would."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import repeat
from pathlib import Path

import pytest
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from host.cli.protocol import HEAD_BYTES, SHARE, Connections, limited, network
from host.web.head import LARGEST, MOST
from tests.cli.command import PATIENCE, served

MIB = 1024 * 1024
ENDLESS = 40 * MIB
"""Bytes that a stranger tries to get rid of; socket buffers take some of them."""
LONG = 3600.0
"""Seconds that no test takes."""
GET = b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the path and the number of bytes of the body; /early without waiting for it."""
    size, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = f"[{scope['path']} {size}]".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(connections: Connections, head_seconds: float = LONG) -> AsyncIterator[int]:
    """The port of a server of `echo`."""
    listener = socket.create_server(("127.0.0.1", 0))
    protocol = limited(connections, head_seconds)
    server = uvicorn.Server(uvicorn.Config(echo, http=protocol, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=20))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


class Stranger:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, raw: bytes) -> None:
        self._writer.write(raw)
        await self._writer.drain()

    async def until(self, end: bytes) -> bytes:
        return await asyncio.wait_for(self._reader.readuntil(end), PATIENCE)

    async def rest(self) -> bytes:
        """What comes until the server closes."""
        return await asyncio.wait_for(self._reader.read(), PATIENCE)


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Stranger]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Stranger(reader, writer)
    finally:
        writer.close()


def pour(port: int, start: bytes, more: bytes) -> tuple[int, bytes]:
    """Sends until the server has enough: the bytes that it took, and what it answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(start)
        sent = 0
        try:
            for piece in repeat(more, ENDLESS // len(more)):
                sent += connection.send(piece)
        except (ConnectionResetError, BrokenPipeError):
            pass
        return sent, connection.recv(10_000)


HEADER = b"X: " + b"x" * 8000 + b"\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("start", "more"),
    [(b"GET / HTTP/1.1\r\n", HEADER * 8), (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 9000), (b"GET /", b"x" * 65_536), (b"GET / HTTP/1.1\r\nX: ", b"x" * 65_536),
     (CHUNKED + b"0\r\n", HEADER * 8), (CHUNKED + b"0\r\nX: ", b"x" * 65_536), (CHUNKED + b"1;", b"x" * 65_536)],
    ids=["headers", "small-headers", "url", "header", "trailers", "trailer", "chunk-extension"],
)  # fmt: skip
async def test_what_never_ends_is_answered_431_and_closed(start: bytes, more: bytes) -> None:
    async with serving(Connections(9)) as port:
        sent, answer = await asyncio.to_thread(pour, port, start, more)

    assert sent < ENDLESS
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b"connection: close\r\n" in answer
    assert b'{"error":{"code":"head.too-large",' in answer


def test_the_host_refuses_an_endless_url_and_goes_on(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        sent, answer = pour(int(server.url.rpartition(":")[2]), b"GET /", b"x" * 65_536)
        assert server.get("/healthz").status_code == 200

    assert sent < ENDLESS
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_head_may_be_as_large_as_it_is_said_and_have_as_many_headers() -> None:
    last = LARGEST - len("/x") - 3 * (MOST - 1) - len("Last")
    head = b"GET /x HTTP/1.1\r\n" + b"a: bc\r\n" * (MOST - 1) + b"Last: " + b"x" * last + b"\r\n"
    async with serving(Connections(9)) as port, connected(port) as good, connected(port) as bad:
        await good.send(head + b"\r\n")
        assert (await good.until(b"]")).endswith(b"[/x 0]")

        await bad.send(head + b"one: more\r\n\r\n")
        assert (await bad.rest()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET / HTTP/1.1\r\nHost: local", GET % 1 + b"\r\n", GET % 1 + b"GET / HT"])
async def test_a_head_that_does_not_end_in_time_ends_the_connection(sent: bytes) -> None:
    async with serving(Connections(9), head_seconds=0.2) as port, connected(port) as slow:
        await slow.send(sent)
        answer = await slow.rest()

    assert answer.count(b"[/1 0]") == sent.count(b"/1 ")


async def test_an_answered_request_whose_body_does_not_end_ends_the_connection() -> None:
    async with serving(Connections(9), head_seconds=0.2) as port, connected(port) as slow:
        await slow.send(b"POST /early HTTP/1.1\r\nContent-Length: 1000\r\n\r\n")
        await slow.until(b"]")
        await slow.send(b"x")
        assert await slow.rest() == b""


async def test_a_body_may_take_longer_than_a_head() -> None:
    async with serving(Connections(9), head_seconds=0.2) as port, connected(port) as silent, connected(port) as slow:
        await slow.send(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n1")
        assert await silent.rest() == b""
        async with connected(port) as later:
            assert await later.rest() == b""
        await slow.send(b"2")
        assert (await slow.until(b"]")).endswith(b"[/ 2]")


async def test_silent_connections_keep_nobody_out_for_good() -> None:
    connections = Connections(SHARE * 2)
    async with serving(connections, head_seconds=0.2) as port, connected(port) as first, connected(port) as second:
        async with connected(port) as refused:
            answer = await refused.rest()
        assert answer.startswith(b"HTTP/1.1 503 ") and b'"code":"unavailable"' in answer
        assert await first.rest() == await second.rest() == b""

        async with connected(port) as served:
            await served.send(GET % 1)
            assert (await served.until(b"]")).endswith(b"[/1 0]")
        assert repr(connections).startswith("<Connections [")
    assert repr(connections) == "<Connections [0 of 6, addresses: 0]>"


def test_one_address_gets_a_third_of_all_connections() -> None:
    connections = Connections(6)

    assert [connections.enter("a") for _ in range(3)] == [True, True, False]
    assert [connections.enter(each) for each in "bbccd"] == [True, True, True, True, False]
    connections.leave("a")
    assert connections.enter("d")


def test_the_addresses_of_one_subscriber_are_one() -> None:
    assert network("2001:db8:0:1::1") == network("2001:db8:0:1:ffff::2") != network("2001:db8:0:2::1")
    assert network("fe80::1%eth0") == network("fe80::2")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") != network("192.0.2.2")


def test_a_process_takes_as_many_connections_as_it_may_have_files_but_for_a_reserve() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[0] // 2, before[1]))
        most = Connections.of_process().most
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert before[0] // 2 < soft <= hard == before[1]
    assert most == min(soft, 65_536) - 64


async def test_requests_follow_each_other_and_bodies_do_not_count_as_heads() -> None:
    chunk = b"%x\r\n" % 100_000 + b"x" * 100_000 + b"\r\n"
    async with serving(Connections(9)) as port, connected(port) as client:
        await client.send(CHUNKED + chunk * 11 + b"0\r\n\r\n")
        assert (await client.until(b"]")).endswith(b"[/ 1100000]")
        await client.send(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % MIB + b"x" * MIB)
        assert (await client.until(b"]")).endswith(b"[/ 1048576]")
        await client.send(GET % 3)
        assert (await client.until(b"]")).endswith(b"[/3 0]")


async def test_pipelined_requests_are_answered_in_order_however_many_bytes_they_have_together() -> None:
    count = 4 * HEAD_BYTES // len(GET)
    async with serving(Connections(9)) as port, connected(port) as client:
        sending = asyncio.create_task(client.send(b"".join(GET % number for number in range(count))))
        answers = [await client.until(b"]") for _ in range(count)]
        await sending

    assert [answer[answer.index(b"[") :] for answer in answers] == [b"[/%d 0]" % number for number in range(count)]


async def test_what_is_no_http_is_refused_in_the_shape_of_all_errors() -> None:
    async with serving(Connections(9)) as port, connected(port) as client:
        await client.send(b"hello\r\n\r\n")
        answer = await client.rest()

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b'{"error":{"code":"invalid",' in answer
