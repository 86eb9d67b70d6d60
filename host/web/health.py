"""Whether the host is there, and whether it takes requests."""

import structlog
from starlette.requests import Request
from starlette.responses import Response

from host.model.errors import RequestError
from host.runtime.runtime import Runtime
from host.web.api import document, runtime_of
from stores import epoch

log = structlog.get_logger()


async def healthz(request: Request) -> Response:
    """200 when the database answers, else 503."""
    _ask_database(runtime_of(request))
    return document({"status": "ok"})


async def readyz(request: Request) -> Response:
    """200 when requests should be sent here: started, with its database, and not ending. Else 503."""
    runtime = runtime_of(request)
    if runtime.ending.begun:
        raise RequestError(503, "unavailable", "the host is ending")
    if runtime.starting:
        raise RequestError(503, "unavailable", "the host is starting")
    _ask_database(runtime)
    return document({"status": "ready"})


def _ask_database(runtime: Runtime) -> None:
    try:
        epoch.read(runtime.reads)
    except Exception as error:  # boundary: whatever the database fails with, the answer is that it does
        log.error("health.failed", reason=str(error))
        raise RequestError(503, "unavailable", "the database does not answer") from error
