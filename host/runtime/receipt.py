"""A webhook as it came in, and what answers it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from msgspec import structs
from msgspec.json import encode

from host.model.dedupe import Claim, Place, RecordedResponse
from host.model.errors import InnkeeperError, RequestError
from host.model.installation import Installation
from host.model.manifest import PUBLIC, Public, Route, Verify
from host.model.payload import to_payload
from host.model.webhook import Header, Request
from host.runtime.exports import HANDLE_WEBHOOK, value_of
from host.runtime.request import LONGEST, InvocationRequest
from host.runtime.response import CheckedResponse, checked
from stores import dedupe_keys
from stores.statement import Connection


@dataclass(frozen=True, kw_only=True)
class Receipt(InvocationRequest):
    """A request to one of a plugin's routes. Header names are lower case; `url` is as the sender saw it.

    `claim` is for a request alone whose signature the host has checked: its response is kept, and answers the same request later.
    """

    kind: ClassVar[str] = "webhook"
    export: ClassVar[tuple[str, str]] = HANDLE_WEBHOOK
    route: Route
    method: str
    url: str
    path: str
    parameters: list[tuple[str, str]]
    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    body: bytes
    verified: bool
    claim: Claim | None = None

    @property
    def name(self) -> str:
        return self.route.name

    @property
    def from_anybody(self) -> bool:
        return isinstance(self.route.auth, Public)

    @property
    def endpoint(self) -> tuple[str, str]:
        return self.method, self.path

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({PUBLIC}) if isinstance(self.route.auth, Public) else frozenset()

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

    def arguments(self) -> list[Any]:
        return [self.route.name, self.request()]

    def value(self, result: Any) -> CheckedResponse:
        return checked(value_of(result))

    def succeeded(self, value: CheckedResponse) -> bool:
        return value.status < 400

    def status(self, value: CheckedResponse) -> int:
        return value.status

    def current(self, lookup: Callable[[str, str], Installation | None]) -> "Receipt":
        """Raises `RequestError` also where what was checked of the request is not what would be checked now: then it has to come again."""
        now = lookup(self.installation.organization, self.installation.plugin)
        if now is self.installation:
            return self
        route = now.manifest.route(self.route.name) if now else None
        if now is None or route is None or not route.granted(now.grants):
            raise RequestError(404, "not-found", "there is nothing here")
        if not self._checked_as(now, route):
            raise RequestError(503, "unavailable", "the route changed while the request was on its way: send it again")
        return replace(self, installation=now, route=route, claim=self.claim if route.dedupe == self.route.dedupe else None)

    def _checked_as(self, now: Installation, route: Route) -> bool:
        """Whether the checks that it passed are those of the route as it is declared now, under the secret that is set now."""
        auth = route.auth
        if isinstance(auth, Verify) and now.secrets.get(auth.secret) != self.installation.secrets.get(auth.secret):
            return False
        return structs.replace(route, dedupe=self.route.dedupe, description=self.route.description) == self.route

    def commit(self, connection: Connection, value: CheckedResponse) -> None:
        if self.claim is None or self.route.dedupe is None:
            return
        response = RecordedResponse(self.claim.body_sha256, self.delivery_id, value.status, value.headers, value.body)
        expires_at = self.received_at + self.route.dedupe.expires_s * 1000
        dedupe_keys.claim(connection, self.place(self.claim), response, self.received_at, expires_at)

    def place(self, claim: Claim) -> Place:
        return Place(self.installation.organization, self.installation.plugin, self.route.name, claim.key)


@dataclass(frozen=True)
class Answer:
    """What goes out. `replayed`: it answered the same request before."""

    delivery_id: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    replayed: bool = False


def failure(delivery_id: str | None, status: int, error: InnkeeperError) -> Answer:
    """An error in the one shape that all have: `{"error": {"code", "message", "delivery_id"}}`. 429 and 503 say when to come again."""
    body = {
        "error": {"code": error.code, "message": error.message_for_senders[:LONGEST]}
        | ({"delivery_id": delivery_id} if delivery_id else {})
    }
    again = [("retry-after", str(max(1, math.ceil(error.retry_after_s))))] if status in (429, 503) else []
    return Answer(delivery_id or "", status, [("content-type", "application/json"), *again], encode(body))
