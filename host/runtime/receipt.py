"""A webhook as it came in, and what answers it."""

import time
from dataclasses import dataclass, field

from msgspec.json import encode

from host.model.errors import InnkeeperError
from host.model.identifier import new_id
from host.model.installation import Installation
from host.model.manifest import Route
from host.model.payload import to_payload
from host.model.webhook import Header, Request


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


@dataclass(frozen=True)
class Answer:
    """What goes out."""

    delivery_id: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes


def failure(delivery_id: str | None, status: int, error: InnkeeperError) -> Answer:
    """An error in the one shape that all have: `{"error": {"code", "message", "delivery_id"}}`. A 503 says when to come again."""
    body = {"error": {"code": error.code, "message": error.message_for_senders} | ({"delivery_id": delivery_id} if delivery_id else {})}
    again = [("retry-after", "1")] if status in (429, 503) else []
    return Answer(delivery_id or "", status, [("content-type", "application/json"), *again], encode(body))
