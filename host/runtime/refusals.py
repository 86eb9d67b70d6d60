"""Records of refused requests: as many as an operator reads, not as many as a stranger sends."""

import time
from collections import defaultdict
from collections.abc import Sequence

import structlog

from host.model.delivery import LogLine
from host.model.errors import InnkeeperError, RequestError
from host.runtime.request import InvocationRequest
from stores import deliveries
from stores.writer import Writer

PER_MINUTE = 60
"""Records of refusals per installation, and lines in the host's log. Beyond it they are only counted."""

log = structlog.get_logger()


class Refusals:
    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._minute = 0
        self._counts: dict[tuple[str, str], int] = defaultdict(int)

    async def record(self, request: InvocationRequest, error: RequestError, lines: Sequence[LogLine] = ()) -> None:
        installation = request.installation
        organization, plugin = installation.organization, installation.plugin
        if not self._allows((organization, plugin)):
            return
        reason = "; ".join(line.message for line in lines) or error.message
        log.warning(
            "request.refused", organization=organization, plugin=plugin, delivery=request.delivery_id, code=error.code, reason=reason
        )
        try:
            delivery = request.delivery("refused", error.status, error, log=lines)
            await self._writer.commit(lambda connection: deliveries.record(connection, delivery))
        except InnkeeperError as failure:
            log.error(
                "delivery.not_recorded", organization=organization, plugin=plugin, delivery=request.delivery_id, reason=failure.message
            )

    def _allows(self, key: tuple[str, str]) -> bool:
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        self._counts[key] += 1
        return self._counts[key] <= PER_MINUTE
