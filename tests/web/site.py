"""The HTTP side over a real runtime, asked in the loop: requests are given as a server would hand them over, byte for byte."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from msgspec.json import decode
from starlette.types import ASGIApp

from host.model.delivery import Delivery
from host.model.options import HostOptions
from host.runtime.runtime import Runtime
from host.web.app import create_app
from stores import deliveries, tokens
from tests.guests_wat import Handler, Report, Told, manifest, plugin
from tests.runtime.hosts import ORGANIZATION, a_host, installed

SECRETS = {"app_secret": "s3cret", "verify_token": "let me in"}
VERIFY = {"type": "verify", "secret": "app_secret", "header": "X-Signature", "prefix": "sha256="}
CHALLENGE = {
    "secret": "verify_token",
    "token_parameter": "hub.verify_token",
    "challenge_parameter": "hub.challenge",
    "expect": {"hub.mode": "subscribe"},
}
ROUTES = [
    {"name": "webhook", "path": "/webhook", "auth": VERIFY, "body": "json", "challenge": CHALLENGE},
    {"name": "any", "path": "/any", "auth": VERIFY},
    {"name": "base64", "path": "/base64", "auth": {**VERIFY, "hash": "sha1", "encoding": "base64", "prefix": ""}},
    {"name": "token", "path": "/token", "auth": {"type": "token"}, "methods": ["GET", "POST"]},
    {"name": "root", "path": "/", "auth": {"type": "public"}, "methods": ["GET"]},
    {"name": "open", "path": "/open", "auth": {"type": "public"}, "methods": ["GET", "POST"]},
    {"name": "json", "path": "/json", "auth": {"type": "public"}, "methods": ["GET", "POST"], "body": "json"},
    {"name": "item", "path": "/items/{id}", "auth": {"type": "public"}, "methods": ["GET"]},
    {"name": "new", "path": "/items/new", "auth": {"type": "public"}, "methods": ["GET", "DELETE"]},
    {"name": "part", "path": "/items/{id}/parts/{part}", "auth": {"type": "public"}, "methods": ["GET"]},
    {"name": "odd", "path": "/caf%C3%A9", "auth": {"type": "public"}, "methods": ["GET", "HEAD"]},
]
SECRETS_DECLARED = [{"name": name, "purpose": "verify"} for name in SECRETS]


def probe(handler: Handler | None = None) -> bytes:
    """The plugin that most tests ask: a route of every kind, and a handler that tells what it was given."""
    return plugin(manifest(*ROUTES, secrets=SECRETS_DECLARED), handler or Report())


@dataclass(frozen=True)
class Reply:
    """What came back. Header names as they were sent, but for X-Request-Id: `request_id` is what it said, if it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    request_id: str = field(default="", compare=False)

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def json(self) -> Any:
        return decode(self.body)

    @property
    def code(self) -> str:
        """The stable code of an error, once it is certain that it has the one shape of all errors."""
        assert self.header("content-type") == ["application/json"]
        assert set(self.json) == {"error"}
        assert set(self.json["error"]) in ({"code", "message"}, {"code", "message", "delivery_id"})
        return str(self.json["error"]["code"])

    @property
    def told(self) -> Told:
        """What the guest says that it got."""
        assert self.status == 200, self.body
        return Told(self.body)


@dataclass(frozen=True)
class Site:
    runtime: Runtime
    app: ASGIApp

    async def ask(
        self,
        method: str,
        target: str | bytes,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        chunks: Iterable[bytes] | None = None,
        root_path: str = "",
        host: str = "testserver",
    ) -> Reply:
        """One request. `target` is path and query as on the wire."""
        path, _, query = (target if isinstance(target, bytes) else target.encode("latin-1")).partition(b"?")
        given = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        scope = {
            "type": "http", "http_version": "1.1", "asgi": {"version": "3.0"}, "scheme": "http", "server": ("testserver", 80),
            "method": method, "path": unquote(path.decode("latin-1")), "raw_path": path, "root_path": root_path, "query_string": query,
            "headers": [(b"host", host.encode("latin-1")), *given],
        }  # fmt: skip
        reply = await exchange(self.app, scope, [body] if chunks is None else chunks)
        [request_id] = reply.header("x-request-id")
        return replace(reply, headers=[header for header in reply.headers if header[0] != "x-request-id"], request_id=request_id)

    def token(self, organization: str | None = None, role: str = "operator") -> tuple[str, str]:
        """The header Authorization with a new token."""
        with self.runtime.database.transaction() as connection:
            text = tokens.create(connection, "for a test", organization=organization, role=role, at=time.time_ns() // 1_000_000)
        return "authorization", f"Bearer {text}"

    def records(self, organization: str = ORGANIZATION) -> list[Delivery]:
        """The deliveries of an organisation, oldest first."""
        return deliveries.page(self.runtime.reads, organization, None, None, 200).items[::-1]


@asynccontextmanager
async def a_site(
    folder: Path, component: bytes | None = None, *, options: HostOptions | None = None, **order: object
) -> AsyncIterator[Site]:
    """A site with one plugin, by default `probe`, installed in `acme` with its secrets and all grants."""
    await installed(folder, component or probe(), **{"secrets": SECRETS, **order})
    async with a_host(folder, options) as runtime:
        yield Site(runtime, create_app(runtime))


async def exchange(app: ASGIApp, scope: dict[str, Any], chunks: Iterable[bytes]) -> Reply:
    """Hands a request over as a server does, and takes the answer."""
    rest = [*chunks] or [b""]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not rest:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": rest.pop(0), "more_body": bool(rest)}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *parts = sent
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    return Reply(start["status"], headers, b"".join(part.get("body", b"") for part in parts))
