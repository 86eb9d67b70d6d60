"""Every request: its id, the log line that it leaves, and what becomes of it when the host ends before it is complete."""

import re
import time
from collections.abc import Iterable
from urllib.parse import quote

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from host.model.identifier import new_id
from host.runtime.runtime import Runtime
from host.runtime.subject import Subject, following
from host.web.path import raw_path

HEADER = b"x-request-id"
SANE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
"""An id of somebody else's that is taken over: one token, which can do no harm in a log or a header."""
VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
LONGEST = 1024
"""Characters of a path in the log."""

log = structlog.get_logger()


class Requests:
    """Middleware around everything. Within, each log line has the request's id; each answer has it as X-Request-Id."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self._app = app
        self._ending = runtime.ending
        self._access_log = runtime.options.access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_id = _id_of(scope["headers"])
        started, status = time.perf_counter_ns(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                others = [header for header in message["headers"] if header[0] != HEADER]  # a plugin's own would hide ours
                message = {**message, "headers": [*others, (HEADER, request_id.encode())]}
            await send(message)

        async def received() -> Message:
            async with self._ending.droppable():  # whoever reads a body answers its `ShuttingDown`
                return await receive()

        with following() as subject, bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, received, sent)
            finally:
                if self._access_log:
                    _log(scope, status, started, subject)


def _id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The sender's own, where it gave exactly one that is a sane token; else a new one."""
    given = [value for name, value in headers if name == HEADER]
    return given[0].decode() if len(given) == 1 and SANE.fullmatch(given[0]) else new_id()


def _log(scope: Scope, status: int, started: int, subject: Subject) -> None:
    """One line. Never the query: tokens are in there. A status of 0: nobody waited for the answer."""
    path = quote(raw_path(scope).encode("latin-1"), safe=VISIBLE)[:LONGEST]
    milliseconds = round((time.perf_counter_ns() - started) / 1e6, 1)
    log.info("request", method=scope["method"], path=path, status=status, duration_ms=milliseconds, **subject)
