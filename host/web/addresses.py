"""Addresses that send what is refused, again and again, are told to wait before anything is looked up for them."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from host.model.errors import RequestError
from host.runtime.rates import MOST_WINDOWS, Rate
from host.web.errors import refusal
from host.web.path import mounted
from host.web.sending import send_answer

ASKED = "innkeeper.asked"
"""In a request's scope: a guest was asked, so what is answered is the guest's word and no refusal of ours."""
LONGEST = 64
"""Characters of what a proxy gives for an address."""
HEALTH = ("/healthz", "/readyz")
"""Answered to everybody, however often."""
PREFIX = 64
"""Bits of an IPv6 address that are one sender's: whoever has one, has all of them."""

log = structlog.get_logger()


class Addresses:
    """Counts refused requests by the sender's address; beyond `per_minute` each of its requests is answered 429.

    The address is the connection's. Where that is a proxy's, uvicorn has put the one that X-Forwarded-For names in its place.
    """

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self._app = app
        self._per_minute = per_minute
        self._refusals = Rate()
        self._told = Rate()
        self._suspects: set[str] = set()
        """Addresses of which something was refused: whoever is none of them is not even looked up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = address_of(scope)
        if scope["type"] != "http" or address is None:
            return await self._app(scope, receive, send)
        if address in self._suspects and not _asks_for_health(scope) and (wait := self._refusals.wait(self._per_minute, address)):
            return await send_answer(send, refusal(_too_many(wait)), head=scope["method"] == "HEAD")

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and _refused(scope, message["status"]):
                self._count(address)
            await send(message)

        await self._app(scope, receive, watched)

    def _count(self, address: str) -> None:
        if len(self._suspects) >= MOST_WINDOWS:
            self._suspects.clear()  # its next refusal brings each back, with all that was counted
        self._suspects.add(address)
        self._refusals.count(self._per_minute, address)
        if self._refusals.wait(self._per_minute, address) and not self._told.count(1, address):
            log.warning("address.refused", address=address, per_minute=self._per_minute)


def address_of(scope: Scope) -> str | None:
    """What stands for the sender; None where the server does not know (a Unix socket)."""
    client = scope.get("client")
    return _key(str(client[0])[:LONGEST]) if client else None


@lru_cache(maxsize=4096)
def _key(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if not isinstance(address, IPv6Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ip_network((int(address), PREFIX), strict=False))


def _asks_for_health(scope: Scope) -> bool:
    """Who watches over the host may have the address of a proxy that strangers come by: it must not restart a host that is well."""
    return mounted(scope)[1] in HEALTH


def _refused(scope: Scope, status: int) -> bool:
    """Not 429: a provider sends for many organisations from one address, and one that sends too much must not silence it for all."""
    return 400 <= status < 500 and status != 429 and ASKED not in scope


def _too_many(wait: int) -> RequestError:
    return RequestError(
        429, "address.refused", "too many requests from this address were refused: it is not listened to for a while", retry_after_s=wait
    )
