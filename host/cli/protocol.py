"""HTTP connections of strangers: what uvicorn leaves open is closed here.

Its parser takes a head (the request's line and headers) of any size, at any pace, on any number of connections; and what a client does
not read of its answer waits in memory for as long as the client likes.
"""

import asyncio
import resource
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from host.model.errors import RequestError
from host.model.identifier import new_id
from host.runtime.receipt import failure
from host.web.head import LARGEST

HEAD_S = 10.0
"""Seconds from the connection, and from each further request's first byte, to the end of its head."""
TAKEN_S, TAKEN = 30.0, 64 * 1024
"""A client that has not taken its answer takes so many bytes of it, or all that is left, in so many seconds."""
PART = 16 * 1024
"""Bytes that the parser gets at a time: by so much the largest may be exceeded."""
MOST_FILES, RESERVED_FILES = 65_536, 128
"""File descriptors: what the process asks for, and what it keeps for databases, components and compilers."""


def most_connections() -> int:
    """How many connections the process can hold, with as many file descriptors as it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(wanted, soft) - RESERVED_FILES


def limited(most: int, head_s: float = HEAD_S, taken_s: float = TAKEN_S) -> "type[Protocol]":
    """The protocol for uvicorn. Beyond `most` connections a new one is closed at once; `head_s` and `taken_s` are in seconds."""
    return type("LimitedProtocol", (Protocol,), {"most": most, "head_s": head_s, "taken_s": taken_s})


class Protocol(HttpToolsProtocol):
    """One connection; see `limited`."""

    most = MOST_FILES
    head_s = HEAD_S
    taken_s = TAKEN_S

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._in_head = True
        self._taken = 0
        self._advanced = False
        self._timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
        else:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._watch_answer(0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts what the parser has taken without getting anywhere: a head, what stands beside chunks, trailers."""
        while data and not self.transport.is_closing():
            if self._in_head:
                self._start_timer()
            if self._taken > LARGEST:
                return self._refuse(RequestError(431, "head.too-large", f"URL and headers may have {LARGEST} bytes"))
            part, data = data[:PART], data[PART:]
            self._advanced = False
            super().data_received(part)
            self._taken = 0 if self._advanced else self._taken + len(part)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of the head alone: trailers (RFC 9110, 6.5) are no headers, and pass by proxies that look at those."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._advanced = True
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._advanced = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head = True
        self._advanced = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._in_head:
            self._start_timer()  # nobody waits for the rest of this body any more
        self._watch_answer(self.transport.get_write_buffer_size())

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_answer(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._watch_answer(0)

    def _watch_answer(self, size: int) -> None:
        """From now on, with so many bytes that the client has to take; with none no more."""
        if self._answer_timer is not None:
            self._answer_timer.cancel()
        self._answer_timer = self.loop.call_later(self.taken_s, self._check_answer, size) if size else None

    def _check_answer(self, before: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left and before - left < TAKEN:
            self.transport.abort()
        else:
            self._watch_answer(left)

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP is answered like any other error, unless an answer to an earlier request is on its way."""
        self._refuse(RequestError(400, "invalid", "this is not HTTP/1.1"))

    def _refuse(self, error: RequestError) -> None:
        """Answers, unless an answer to an earlier request is on its way, and closes."""
        if self.cycle is None or self.cycle.response_complete:
            answer = failure(None, error.status, error)
            headers = [*answer.headers, ("content-length", str(len(answer.body))), ("x-request-id", new_id()), ("connection", "close")]
            lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}", *(f"{name}: {value}" for name, value in headers), "", ""]
            self.transport.write("\r\n".join(lines).encode() + answer.body)
        self.transport.close()

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_s, self._expire)

    def _expire(self) -> None:
        """What was asked before is answered first."""
        self._timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._start_timer()
        else:
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
