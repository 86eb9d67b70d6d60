"""A webhook as it came in, and what answers it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.json import encode

from host.model.delivery import Delivery, LogLine
from host.model.errors import InnkeeperError
from host.model.identifier import new_id
from host.model.installation import Installation
from host.model.limits import Usage
from host.model.manifest import Route
from host.model.payload import to_payload
from host.model.webhook import Header, Request

LONGEST = 4096
"""Characters of a path or an error's message that are recorded: both come from strangers, and records are many."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """One request to an organisation's plugin, checked and complete. `received_ns` is on the performance counter, for durations.

    Header names are lower case; `url` is as the sender saw it.
    """

    installation: Installation
    route: Route
    method: str
    url: str
    path: str
    parameters: list[tuple[str, str]]
    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    body: bytes
    verified: bool
    delivery_id: str = field(default_factory=new_id)
    received_at: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    received_ns: int = field(default_factory=time.perf_counter_ns)

    def request(self) -> Request:
        """As WIT's `webhooks.request`."""
        return Request(
            method=self.method,
            url=self.url,
            path=self.path,
            parameters=[Header(*pair) for pair in self.parameters],
            query=[Header(*pair) for pair in self.query],
            headers=[Header(*pair) for pair in self.headers],
            body=to_payload(self.body),
            delivery_id=self.delivery_id,
            attempt=1,
            received_at=self.received_at,
            verified=self.verified,
        )

    def delivery(
        self,
        outcome: str,
        status: int,
        error: InnkeeperError | None,
        *,
        cold: bool = False,
        runs: int = 0,
        usage: Usage | None = None,
        effects: int = 0,
        log: Sequence[LogLine] = (),
        dropped_log_lines: int = 0,
    ) -> Delivery:
        """The record of what became of it by now. Without figures: no guest ran."""
        usage = usage or Usage()
        return Delivery(
            id=self.delivery_id,
            organization=self.installation.organization,
            plugin=self.installation.plugin,
            plugin_version=self.installation.manifest.version,
            route=self.route.name,
            method=self.method,
            path=self.path[:LONGEST],
            outcome=outcome,
            status=status,
            error_code=error.code if error else None,
            error_message=error.message[:LONGEST] if error else None,
            received_at=self.received_at,
            duration_us=(time.perf_counter_ns() - self.received_ns) // 1000,
            cold=cold,
            runs=runs,
            fuel=usage.fuel,
            memory=usage.memory,
            host_calls=usage.host_calls,
            effects=effects,
            log=list(log),
            dropped_log_lines=dropped_log_lines,
        )


@dataclass(frozen=True)
class Answer:
    """What goes out."""

    delivery_id: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes


def failure(delivery_id: str | None, status: int, error: InnkeeperError) -> Answer:
    """An error in the one shape that all have: `{"error": {"code", "message", "delivery_id"}}`. A 503 says when to come again."""
    body = {
        "error": {"code": error.code, "message": error.message_for_senders[:LONGEST]}
        | ({"delivery_id": delivery_id} if delivery_id else {})
    }
    again = [("retry-after", "1")] if status in (429, 503) else []
    return Answer(delivery_id or "", status, [("content-type", "application/json"), *again], encode(body))
