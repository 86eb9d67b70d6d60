"""Answers on their way out."""

from starlette.responses import Response
from starlette.types import Send

from host.runtime.receipt import Answer
from host.web.hardening import PROTECTION

BODILESS = (204, 304)
"""Statuses without a body, and so without a length (RFC 9110, 8.6)."""


async def send_answer(send: Send, answer: Answer, *, head: bool = False) -> None:
    """Sends an answer; to a HEAD request without its body."""
    await send({"type": "http.response.start", "status": answer.status, "headers": _headers(answer)})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})


def to_response(answer: Answer, *, head: bool = False) -> Response:
    """An answer as Starlette's, for where it sends; to a HEAD request without its body."""
    response = Response(b"" if head else answer.body, answer.status)
    response.raw_headers = _headers(answer)
    return response


def _headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers += PROTECTION
    if answer.status not in BODILESS:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    return headers
