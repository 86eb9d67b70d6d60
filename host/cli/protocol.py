"""HTTP connections of strangers: what uvicorn leaves open is closed here.

Its parser takes a head (the request's line and headers) of any size, at any pace, on any number of connections.
"""

import asyncio
import resource
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from host.model.errors import RequestError
from host.runtime.receipt import failure
from host.web.head import LARGEST

HEAD_S = 10.0
"""Seconds from the connection, and from each further request's first byte, to the end of its head."""
PART = 16 * 1024
"""Bytes that the parser gets at a time while it reads a head: by so much the largest may be exceeded."""
MOST_FILES, RESERVED_FILES = 65_536, 128
"""File descriptors: what the process asks for, and what it keeps for databases, components and compilers."""


def most_connections() -> int:
    """How many connections the process can hold, with as many file descriptors as it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(wanted, soft) - RESERVED_FILES


def limited(most: int, head_s: float = HEAD_S) -> "type[Protocol]":
    """The protocol for uvicorn. Beyond `most` connections a new one is closed at once; `head_s` is in seconds."""
    return type("LimitedProtocol", (Protocol,), {"most": most, "head_s": head_s})


class Protocol(HttpToolsProtocol):
    """One connection; see `limited`."""

    most = MOST_FILES
    head_s = HEAD_S

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._in_head = True
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
        else:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        while data and not self.transport.is_closing():
            if not self._in_head:
                return super().data_received(data)
            if self._head_bytes > LARGEST:
                return self._refuse()
            self._start_timer()
            part, data = data[:PART], data[PART:]
            super().data_received(part)
            if self._in_head:
                self._head_bytes += len(part)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        super().on_message_complete()

    def _refuse(self) -> None:
        """Answers 431, unless an answer to an earlier request is on its way, and closes."""
        if self.cycle is None or self.cycle.response_complete:
            answer = failure(None, 431, RequestError(431, "head.too-large", f"URL and headers may have {LARGEST} bytes"))
            headers = [*answer.headers, ("content-length", str(len(answer.body))), ("connection", "close")]
            lines = ["HTTP/1.1 431 Request Header Fields Too Large", *(f"{name}: {value}" for name, value in headers), "", ""]
            self.transport.write("\r\n".join(lines).encode() + answer.body)
        self.transport.close()

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_s, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Protocol(HttpToolsProtocol):
    """One connection. `limited` makes the class that a server gets."""

    open_connections: Connections
    head_seconds: float

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._stage: Literal[between, head, body] = "between"
        self._unread = 0
        """Bytes that the parser has taken since it last got anywhere: to the end of a head, or to a piece of a body."""
        self._got_on = False
        self._deadline: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self._client = network(self.client[0] if self.client else "")
        self._entered = self.open_connections.enter(self._client)
        if self._entered:
            self._begin_deadline()
        else:
            self._refuse(RequestError(503, "unavailable", "there are too many connections"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_deadline()
        if self._entered:
            self.open_connections.leave(self._client)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Gives the parser no more than what may still come before it gets anywhere."""
        if self._stage == "between":
            self._begin_deadline()
        while data and not self.transport.is_closing():
            room = HEAD_BYTES - self._unread
            if not room:
                return self._refuse(_too_large())
            piece, data = data[:room], data[room:]
            self._got_on = False
            super().data_received(piece)
            self._unread = 0 if self._got_on else self._unread + len(piece)

    def send_400_response(self, msg: str) -> None:
        """What uvicorn says of bytes that are no HTTP."""
        self._refuse(RequestError(400, CODES[400], msg))

    def on_message_begin(self) -> None:
        self._stage = "head"
        self._begin_deadline()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of a head, or of the trailers after a body."""
        if len(self.headers) >= MOST:
            self._refuse(_too_large())
            raise TooManyHeaders
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._stage = "body"
        self._got_on = True
        self._end_deadline()

    def on_body(self, body: bytes) -> None:
        self._got_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._stage = "between"
        self._got_on = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._stage == "body" and self.cycle.response_complete:
            self._begin_deadline()  # nobody waits for the rest of this body any more

    def _refuse(self, error: RequestError) -> None:
        """Answers, where that can't be taken for the answer to something else, and closes."""
        if self.transport.is_closing():
            return
        if self._may_answer():
            self.transport.write(_raw(error))
        self.transport.close()

    def _may_answer(self) -> bool:
        if self._stage == "body":
            return not self.cycle.response_started and not self.pipeline
        return not self._is_asked()

    def _is_asked(self) -> bool:
        """Whether a request is still to be answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _begin_deadline(self) -> None:
        if self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.head_seconds, self._too_late)

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        """What was asked before is answered first: meanwhile uvicorn may not even read."""
        self._deadline = None
        if self._is_asked():
            self._begin_deadline()
        else:
            self.transport.close()


def limited(connections: Connections, head_seconds: float = HEAD_SECONDS) -> type[Protocol]:
    """For `uvicorn.Config(http=...)`: the connections of one server."""
    return type("Protocol", (Protocol,), {"open_connections": connections, "head_seconds": head_seconds})


def network(address: str) -> str:
    """What counts as one client: an IPv4 address, or the 64 bits of an IPv6 address that a subscriber has (RFC 6177)."""
    if ":" not in address:
        return address
    whole = IPv6Address(address)
    return str(whole.ipv4_mapped or f"{int(whole) >> 64:x}::/64")


def _too_large() -> RequestError:
    return RequestError(431, "head.too-large", f"URL and headers may have {LARGEST} bytes, and {MOST} headers are allowed")


def _raw(error: RequestError) -> bytes:
    """An answer of the one shape, as bytes; the last of its connection."""
    response = to_response(refusal(error))
    lines = [name + b": " + value + b"\r\n" for name, value in response.raw_headers]
    return b"".join([STATUS_LINE[error.status], *lines, b"connection: close\r\n\r\n", bytes(response.body)])
