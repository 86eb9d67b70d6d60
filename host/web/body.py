"""A request's body, read no further than it may be."""

import asyncio
from collections.abc import Callable

from msgspec import MsgspecError, Raw
from msgspec.json import Decoder
from starlette.types import Receive

from host.model.errors import RequestError

SECONDS = 30.0
"""How long a sender may take for a body."""
_json = Decoder(Raw)


class ClientGone(Exception):
    """The sender went away before the request was complete. There is nobody to answer."""


def unlimited(size: int) -> None:
    """For bodies that nobody counts together with others."""


async def read_body(
    receive: Receive, lengths: list[str], room: int, seconds: float = SECONDS, take: Callable[[int], None] = unlimited
) -> bytes:
    """The body. `lengths` are the values of the header Content-Length, `room` the bytes that it may take on the boundary.

    `take` is told the size of each part before it is kept. Raises `RequestError`: 413 where there are more, by the header before anything
    is read, else as soon as they come; 408 where they don't come in time; what `take` raises. Raises `ClientGone`.
    """
    if any(_exceeds(length, room) for length in lengths):
        raise _too_large(room)
    try:
        async with asyncio.timeout(seconds):
            body = await _read(receive, room, take)
    except TimeoutError:
        raise RequestError(408, "body.timeout", f"the body did not come within {seconds:g} seconds") from None
    if len(body) * 4 > room * 3 and not _fits(body, room):
        raise _too_large(room)
    return body


def check_json(body: bytes) -> None:
    """Raises `RequestError` where it is not JSON text (RFC 8259) in UTF-8."""
    try:
        body.decode()
        _json.decode(body)
    except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(400, "body.malformed", f"the body is not JSON: {error}") from None


async def _read(receive: Receive, room: int, take: Callable[[int], None]) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > room:
            raise _too_large(room)
        take(len(chunk))
        if not message.get("more_body", False):
            return b"".join([*chunks, chunk]) if chunks else chunk
        chunks.append(chunk)


def _exceeds(length: str, room: int) -> bool:
    return length.isascii() and length.isdigit() and (len(length.lstrip("0")) > 15 or int(length) > room)


def _fits(body: bytes, room: int) -> bool:
    """What is not UTF-8 crosses the boundary as base64, a third larger."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return (len(body) + 2) // 3 * 4 <= room
    return True


def _too_large(room: int) -> RequestError:
    return RequestError(413, "body.too-large", f"the body may have {room} bytes (three quarters of that where it is not UTF-8)")
