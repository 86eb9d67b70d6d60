"""Whether the host is there."""

import structlog
from starlette.requests import Request
from starlette.responses import Response

from host.model.errors import RequestError
from host.web.api import document, runtime_of
from stores import epoch

log = structlog.get_logger()


async def healthz(request: Request) -> Response:
    """200 when the database answers, else 503."""
    try:
        epoch.read(runtime_of(request).reads)
    except Exception as error:  # boundary: whatever the database fails with, the answer is that it does
        log.error("health.failed", reason=str(error))
        raise RequestError(503, "unavailable", "the database does not answer") from error
    return document({"status": "ok"})
