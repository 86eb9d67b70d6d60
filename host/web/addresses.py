"""Addresses that send what is refused, again and again, are told to wait before anything is looked up for them."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from host.model.errors import RequestError
from host.web.errors import refusal
from host.web.path import mounted
from host.web.sending import send_answer
from host.web.suspects import Key, Suspects

ASKED = "innkeeper.asked"
"""In a request's scope: a guest was asked, so what is answered is the guest's word and no refusal of ours."""
FOUND = "innkeeper.found"
"""In a request's scope: the installation that it is for, once that was found."""
LONGEST = 64
"""Characters of what a proxy gives for an address."""
HEALTH = ("/healthz", "/readyz")
"""Answered to everybody, however often."""
PREFIX = 64
"""Bits of an IPv6 address that are one sender's: whoever has one, has all of them."""


class Addresses:
    """Counts refused requests by the sender's address; where they are too many, each of its requests is answered 429.

    The address is the connection's. Where that is a proxy's, uvicorn has put the one that X-Forwarded-For names in its place.
    """

    def __init__(self, app: ASGIApp, suspects: Suspects) -> None:
        self._app = app
        self._suspects = suspects

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = address_of(scope)
        if scope["type"] != "http" or address is None:
            return await self._app(scope, receive, send)
        if not _asks_for_health(scope):
            try:
                self._suspects.admit(address)
            except RequestError as error:
                return await send_answer(send, refusal(error), head=scope["method"] == "HEAD")

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and _refused(scope, message["status"]):
                self._suspects.count(address, _about(scope, message["status"]))
            await send(message)

        await self._app(scope, receive, watched)


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


def _about(scope: Scope, status: int) -> Key | None:
    """The installation that is known to be there by the answer. What is answered as if there were nothing is counted so too: else who
    asks could tell by what is answered afterwards."""
    return None if status == 404 else scope.get(FOUND)
