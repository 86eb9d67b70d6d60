"""Errors as answers: the one JSON shape for all of them, and nothing of the inside in any."""

import traceback

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import get_contextvars

from host.model.errors import RequestError
from host.model.identifier import new_id
from host.runtime.receipt import Answer, failure
from host.web.sending import send_answer, to_response

log = structlog.get_logger()

CODES = {400: "invalid", 404: "not-found", 405: "method.not-allowed"}


class Refusal(RequestError):
    """A request that no guest gets to see. `headers` go out with the answer, `line` goes to the plugin's log.

    One that is `hidden` is recorded as what it is, and answered as if there were nothing here.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        line: str | None = None,
        hidden: bool = False,
    ) -> None:
        super().__init__(status, code, message)
        self.headers = headers
        self.line = line
        self.hidden = hidden


class NotFound(Refusal):
    """The same for what is unknown, not installed, disabled, or somebody else's."""

    def __init__(self) -> None:
        super().__init__(404, "not-found", "there is nothing here")


class MethodNotAllowed(Refusal):
    """The path is declared, but not with this method. `allowed` goes out as the header Allow."""

    def __init__(self, allowed: list[str]) -> None:
        methods = ", ".join(allowed)
        super().__init__(405, CODES[405], f"this path takes {methods}", headers=(("allow", methods),))


def refusal(error: RequestError, delivery_id: str | None = None) -> Answer:
    """The answer to a refused request. One that is hidden is the same as any other 404, to the byte."""
    if isinstance(error, Refusal) and error.hidden:
        return refusal(NotFound())
    answer = failure(delivery_id, error.status, error)
    answer.headers.extend(error.headers if isinstance(error, Refusal) else ())
    return answer


async def on_request_error(request: Request, error: Exception) -> Response:
    """Starlette's handler of `RequestError`."""
    assert isinstance(error, RequestError)
    return to_response(refusal(error), head=request.method == "HEAD")


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Starlette's handler of its own errors: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)
    return to_response(refusal(_as_ours(error)), head=request.method == "HEAD")


def _as_ours(error: HTTPException) -> RequestError:
    if error.status_code == 404:
        return NotFound()
    if error.status_code == 405:
        return MethodNotAllowed(sorted((error.headers or {}).get("Allow", "").split(", ")))
    return RequestError(error.status_code, CODES.get(error.status_code, "http"), error.detail)


class UnexpectedErrors:
    """What nobody foresaw is a 500 with a request id; the host's log has the rest under that id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:  # boundary: one request's defect is not the server's, and its details are for the log alone
            if started or scope["type"] != "http":
                raise
            await send_answer(send, _unexpected(scope), head=scope["method"] == "HEAD")


def _unexpected(scope: Scope) -> Answer:
    request_id = get_contextvars().get("request_id") or new_id()
    # The traceback as text: a renderer of exceptions may show local variables, and secrets are among them.
    log.error("request.failed", request_id=request_id, method=scope["method"], path=scope["path"], traceback=traceback.format_exc())
    message = f"the host failed; its log says how under the request id {request_id}"
    return refusal(Refusal(500, "internal", message, headers=(("x-request-id", request_id),)))
