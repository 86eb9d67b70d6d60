"""The endpoint of plugins: from a request of the outside world to a guest, and its answer back.

A sender that goes away while the guest runs changes nothing: the run goes on to its commit. It will come again, and finds what it sent.
"""

import time
from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from host.model import remedies
from host.model.errors import RequestError
from host.model.installation import Installation
from host.model.manifest import PUBLIC, Challenge, Token, Verify
from host.runtime.derived import Derived
from host.runtime.receipt import Answer, Receipt
from host.runtime.runtime import Runtime
from host.runtime.subject import note
from host.web.addresses import ASKED, FOUND, address_of
from host.web.authentication import ACTING, authenticated, authorize
from host.web.bodies import Bodies
from host.web.body import ClientGone, check_json, read_body
from host.web.challenge import answer_challenge
from host.web.contents import WITHOUT_BODY, check_content_type
from host.web.dedupe import claim_of
from host.web.errors import MethodNotAllowed, NotFound, Refusal, refusal
from host.web.hardening import passed
from host.web.head import Head
from host.web.organization import organization_of
from host.web.origin import Origin
from host.web.routes import Match, RouteTable
from host.web.sending import send_answer
from host.web.suspects import Suspects
from host.web.verification import verify
from stores.organizations import SLUG


class Webhooks:
    """An ASGI application for the paths of plugins."""

    def __init__(self, runtime: Runtime, suspects: Suspects) -> None:
        self._runtime = runtime
        self._suspects = suspects
        self._origin = Origin(runtime.options.public_url, runtime.options.base_domain)
        self._tables = Derived(runtime.configuration, RouteTable)
        self._bodies = Bodies(runtime.options.body_bytes_in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = address_of(scope)
        try:
            with self._bodies.holding(address) as take:
                answer = await self._answer(scope, address, receive, take)
        except MethodNotAllowed as error:
            answer = Answer("", 204, [*error.headers], b"") if scope["method"] == "OPTIONS" else refusal(error)
        except RequestError as error:
            answer = refusal(error)
        except ClientGone:
            return
        await send_answer(send, answer, head=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, address: str | None, receive: Receive, take: Callable[[int], None]) -> Answer:
        head = Head.of(scope, self._origin)
        installation = self._installation(organization_of(head), head.plugin)
        note(organization=installation.organization, plugin=installation.plugin)
        self._admit(scope, address, installation)
        match = self._tables.of(installation).match(head.method, head.below)
        if match is None:
            raise NotFound
        try:
            if not match.granted:
                raise _not_granted(installation, match)
            if match.challenge:
                return answer_challenge(_declared(match.route.challenge), installation, head.query)
            receipt = await self._receipt(head, installation, match, self._bodies.room(address), receive, take)
            self._runtime.rates.admit(installation)
        except RequestError as error:
            return await self._refuse(error, head.receipt(installation, match))
        scope[ASKED] = True
        return passed(await self._runtime.handle(receipt))

    def _admit(self, scope: Scope, address: str | None, installation: Installation) -> None:
        """Raises `RequestError` with 429 where too many of this sender's requests to this installation were refused."""
        found = scope[FOUND] = (installation.organization, installation.plugin)
        if address is not None:
            self._suspects.admit_to(address, found)

    async def _receipt(
        self, head: Head, installation: Installation, match: Match, most: int, receive: Receive, take: Callable[[int], None]
    ) -> Receipt:
        """The request, checked and complete. Its body has `most` bytes at most, whatever its plugin may take."""
        auth = match.route.auth
        if isinstance(auth, Token):
            authorize(authenticated(self._runtime, head.values("authorization")), installation.organization, ACTING)
        check_content_type(match.route, match.method, head.values("content-type"))
        body = await read_body(receive, head.values("content-length"), min(head.room(installation), most), take=take)
        if isinstance(auth, Verify):
            verify(auth, installation, head, body, time.time_ns() // 1_000_000)
        if match.route.body == "json" and (body or match.method not in WITHOUT_BODY):
            check_json(body)
        verified = isinstance(auth, Verify)
        claim = claim_of(match.route.dedupe, head.headers, body) if verified and match.route.dedupe else None
        return head.receipt(installation, match, body, verified=verified, claim=claim)

    async def _refuse(self, error: RequestError, receipt: Receipt) -> Answer:
        await self._runtime.refuse(receipt, error, error.line if isinstance(error, Refusal) else None)
        # What is answered as if there were nothing here must not carry an id.
        return refusal(error, None if error.status == 404 else receipt.delivery_id)

    def _installation(self, organization: str, plugin: str) -> Installation:
        """Names that can't be any are not looked up. Raises `NotFound`."""
        installation = self._runtime.installation(organization, plugin) if SLUG.fullmatch(organization) and SLUG.fullmatch(plugin) else None
        if installation is None:
            raise NotFound
        return installation


def _declared(challenge: Challenge | None) -> Challenge:
    assert challenge is not None, "only a route that declares one matches as one"
    return challenge


def _not_granted(installation: Installation, match: Match) -> Refusal:
    plugin, organization = installation.plugin, installation.organization
    return Refusal(
        404,
        "denied",
        f"the route {match.route.name} is public, and {plugin} has no grant {PUBLIC!r} in organisation {organization!r}",
        line=f"the route {match.route.name} is public and needs a grant: {remedies.grant(plugin, PUBLIC, organization)}",
        hidden=True,
    )
