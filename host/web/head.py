"""A request to a plugin as far as it is known before its body: method, path, query and headers."""

from dataclasses import dataclass
from itertools import chain
from urllib.parse import parse_qsl

from starlette.types import Scope

from host.model.dedupe import Claim
from host.model.errors import RequestError
from host.model.installation import Installation
from host.model.manifest import Token
from host.runtime.receipt import Receipt
from host.web.origin import HOST, Origin
from host.web.path import mounted, segments
from host.web.routes import Match
from stores.tokens import PREFIX

Pairs = list[tuple[str, str]]

LARGEST = 64 * 1024
"""Bytes of URL and headers together."""
MOST = 200
"""Headers, and query parameters."""

WITHHELD = frozenset(
    {
        "cookie",
        "x-organization-id",
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that no guest sees: the console's cookies, which browsers send to every page of its origin; what is meant for the host; and
those of the connection (RFC 9110, 7.6.1)."""

FIXED, PER_PAIR = 2048, 128
"""Bytes that the arguments of `webhooks.handle` take on the boundary besides texts: in all, and per header or parameter."""


@dataclass(frozen=True)
class Head:
    """`organization` is the one that the path names, `subdomain` the one that the host does, `below` are the segments below the plugin's
    root. `url` is as the sender saw it. Header names are lower case."""

    method: str
    organization: str | None
    subdomain: str | None
    plugin: str
    below: list[str]
    url: str
    query: Pairs
    headers: Pairs

    @classmethod
    def of(cls, scope: Scope, origin: Origin) -> "Head":
        """Raises `RequestError`: 400 where it can't be read, 431 where it is too large."""
        query_string: bytes = scope["query_string"]
        raw_headers: list[tuple[bytes, bytes]] = scope["headers"]
        root, path = mounted(scope)
        size = len(root) + len(path) + len(query_string) + sum([len(name) + len(value) for name, value in raw_headers])
        if size > LARGEST or len(raw_headers) > MOST:
            raise RequestError(431, "head.too-large", f"URL and headers may have {LARGEST} bytes, and {MOST} headers are allowed")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw_headers]
        organization, plugin, below = _target(segments(scope))
        host = _host(headers)
        url = origin.url(scope["scheme"], host, root, path, query_string.decode("latin-1"))
        return cls(scope["method"], organization, origin.organization(host), plugin, below, url, _query(query_string), headers)

    def values(self, name: str) -> list[str]:
        """Of the header with that name, lower case: none, one, or several."""
        return [value for key, value in self.headers if key == name]

    @property
    def path(self) -> str:
        """Below the plugin's root, decoded. No segment has a slash in it."""
        return "/" + "/".join(self.below)

    def receipt(
        self, installation: Installation, match: Match, body: bytes = b"", verified: bool = False, claim: Claim | None = None
    ) -> Receipt:
        return Receipt(
            installation=installation,
            route=match.route,
            method=match.method,
            url=self.url,
            path=self.path,
            parameters=match.parameters,
            query=self.query,
            headers=[header for header in self.headers if not _withheld(header, match)],
            body=body,
            verified=verified,
            claim=claim,
        )

    def room(self, installation: Installation) -> int:
        """Bytes that are left for the body of what the arguments of a call may have."""
        text = "".join([self.url, *chain.from_iterable(self.headers), *chain.from_iterable(self.query), *self.below, *self.below])
        size = len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
        pairs = len(self.headers) + len(self.query) + len(self.below)
        return max(0, installation.limits.input_bytes - FIXED - PER_PAIR * pairs - size)


def _target(parts: list[str]) -> tuple[str | None, str, list[str]]:
    """Organisation, plugin and the rest of /v1/plugins/{plugin}/... or /v1/orgs/{org}/plugins/{plugin}/..."""
    organization, rest = (parts[2], parts[4:]) if parts[1] == "orgs" else (None, parts[2:])
    return organization, rest[0] if rest else "", rest[1:] or [""]


def _host(headers: Pairs) -> str:
    hosts = [value for name, value in headers if name == "host"]
    if len(hosts) > 1:
        raise RequestError(400, "invalid", "the header Host comes more than once")
    if hosts and not HOST.fullmatch(hosts[0]):
        raise RequestError(400, "invalid", "the header Host is no host name, and no address, with a port or without")
    return hosts[0] if hosts else ""


def _query(query_string: bytes) -> Pairs:
    """What is not percent-encoded UTF-8 has the replacement character in place of it; `url` has it as it came."""
    if not query_string:
        return []
    try:
        return parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST)
    except ValueError:
        raise RequestError(400, "invalid", f"the query has more than {MOST} parameters") from None


def _withheld(header: tuple[str, str], match: Match) -> bool:
    """Also a token of ours, wherever it is sent to: with it a plugin could act as the operator who sent it."""
    name, value = header
    if name == "authorization":
        return isinstance(match.route.auth, Token) or value.rpartition(" ")[2].startswith(PREFIX)
    return name in WITHHELD
