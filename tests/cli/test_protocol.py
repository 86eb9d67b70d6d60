"""Connections of strangers, against a real server: heads without end, heads without haste, connections without number."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from host.cli.protocol import limited
from host.web.head import LARGEST

MANY = 1024


LARGE = 32 * 1024 * 1024
"""Bytes of an answer: more than the kernel keeps for a connection."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the number of bytes of the body; below /early, before it comes; below /headers, with the headers' names; below /large
    with a large answer."""
    if scope["path"] == "/large":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % LARGE)]})
        return await send({"type": "http.response.body", "body": bytes(LARGE)})
    size, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    answer = b",".join(name for name, _ in scope["headers"]) if scope["path"] == "/headers" else str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})


class Port(int):
    """Where a server listens. `open` are its connections."""

    open: set[object]


@asynccontextmanager
async def a_server(most: int = MANY, head_s: float = 60, taken_s: float = 60) -> AsyncIterator[Port]:
    """Its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(application, http=limited(most, head_s, taken_s), ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0)
    port = Port(listener.getsockname()[1])
    port.open = server.server_state.connections
    yield port
    server.should_exit = True
    await serving


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def all_of(reader: asyncio.StreamReader) -> bytes:
    """What comes until the connection is closed, gently or not."""
    received = b""
    try:
        while part := await reader.read(65_536):
            received += part
    except ConnectionError:
        pass
    return received


async def sent_until_closed(port: int, start: bytes, endless: bytes) -> tuple[int, bytes]:
    """How much of something endless was taken before the connection was closed, and the answer."""
    async with connected(port) as (reader, writer):
        answer = asyncio.create_task(all_of(reader))
        writer.write(start)
        sent = 0
        try:
            while not answer.done() and sent < 1024 * LARGEST:
                writer.write(endless)
                sent += len(endless)
                await writer.drain()
        except ConnectionError:
            pass
        return sent, await answer


@pytest.mark.promise("front.connections")
@pytest.mark.parametrize(("start", "endless"), [(b"GET / HTTP/1.1\r\nhost: a\r\n", b"a: b\r\n" * 2_000), (b"GET /", b"a" * 20_000)])
async def test_a_head_without_end_is_refused_after_a_bounded_part(start: bytes, endless: bytes) -> None:
    async with a_server() as port:
        sent, answer = await sent_until_closed(port, start, endless)
    assert sent < 1024 * LARGEST
    assert not answer or answer.startswith(b"HTTP/1.1 431 ")  # a reset may overtake the answer


@pytest.mark.promise("front.connections")
async def test_trailers_without_end_are_cut_off() -> None:
    async with a_server() as port:
        start = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: "
        sent, _ = await sent_until_closed(port, start, b"b" * 20_000)
    assert sent < 1024 * LARGEST


@pytest.mark.promise("front.connections")
async def test_a_body_that_nobody_waits_for_any_more_does_not_hold_the_connection() -> None:
    async with a_server(head_s=0.05) as port, connected(port) as (reader, writer):
        writer.write(b"POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.write(b"x")
        assert await all_of(reader) == b"0"


async def test_a_head_that_is_a_little_too_large_is_answered() -> None:
    async with a_server() as port, connected(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (LARGEST // 4))
        answer = await all_of(reader)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"head.too-large"' in answer


@pytest.mark.promise("front.connections")
@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nhost: a\r\n"])
async def test_a_head_that_does_not_come_to_its_end_in_time_is_closed_without_an_answer(start: bytes) -> None:
    async with a_server(head_s=0.05) as port, connected(port) as (reader, writer):
        writer.write(start)
        assert await all_of(reader) == b""


@pytest.mark.promise("front.connections")
async def test_beyond_the_most_connections_a_new_one_is_closed_until_an_old_one_goes() -> None:
    last = b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n"
    async with a_server(most=2) as port, connected(port) as (reader, writer), connected(port):
        async with connected(port) as (refused, _):
            assert await all_of(refused) == b""
        writer.write(last)
        assert (await all_of(reader)).startswith(b"HTTP/1.1 200 ")
        async with connected(port) as (reader, writer):
            writer.write(last)
            assert (await all_of(reader)).startswith(b"HTTP/1.1 200 ")


async def test_requests_one_after_the_other_pipelined_and_with_large_bodies_are_answered() -> None:
    body = b"x" * 1_000_000
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:300_000], body[300_000:])) + b"0\r\n\r\n"
    async with a_server() as port, connected(port) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + chunked)
        writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n" + body)
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" * 2 + b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        answer = await all_of(reader)
    assert answer.count(b"HTTP/1.1 200 ") == 5
    assert answer.count(b"\r\n\r\n1000000") == 2


@pytest.mark.promise("front.connections")
@pytest.mark.parametrize("last", [b"", b"connection: close\r\n"])
async def test_an_answer_that_its_client_does_not_read_is_not_kept_for_it(last: bytes) -> None:
    async with a_server(taken_s=0.05) as port:
        with socket.create_connection(("127.0.0.1", int(port))) as connection:
            connection.sendall(b"GET /large HTTP/1.1\r\nhost: a\r\n" + last + b"\r\n")
            while not port.open:  # noqa: ASYNC110  # uvicorn has no event for it
                await asyncio.sleep(0)
            while port.open:  # noqa: ASYNC110
                await asyncio.sleep(0)
            received = sum(len(part) for part in iter(lambda: connection.recv(1 << 20), b""))
    assert received < LARGE


async def test_an_answer_that_is_read_in_parts_arrives_whole() -> None:
    async with a_server(taken_s=2) as port, connected(port) as (reader, writer):
        writer.write(b"GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        assert (await all_of(reader)).endswith(bytes(LARGE))


@pytest.mark.promise("front.trailers")
async def test_a_trailer_is_no_header_whether_it_comes_with_the_head_or_behind_it() -> None:
    head = b"POST /headers HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    rest = b"2\r\nhi\r\n0\r\nX-Signature: smuggled\r\n\r\n"
    async with a_server() as port:
        for parts in ([head + rest], [head, rest]):
            async with connected(port) as (reader, writer):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
                answer = await all_of(reader)
            assert answer.endswith(b"\r\n\r\nhost,transfer-encoding,connection")
