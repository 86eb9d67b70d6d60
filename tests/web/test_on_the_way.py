"""What changes while a request's body is on its way: it ran none of the checks that hold now."""

import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from host.runtime.runtime import Runtime
from stores import installations, secrets
from tests.guests_wat import Report, manifest, plugin
from tests.runtime.hosts import ORGANIZATION, installed
from tests.web.site import ROUTES, SECRETS_DECLARED, VERIFY, Reply, Site, a_site, exchange, probe

SIGNED = (b"x-signature", b"sha256=" + hmac.digest(b"s3cret", b"{}", "sha256").hex().encode())


async def version(runtime: Runtime, **route: Any) -> None:
    """The next version of `probe`, whose route `open` is another one."""
    routes = [{**each, **route} if each["name"] == "open" else each for each in ROUTES]
    component = plugin(manifest(*routes, secrets=SECRETS_DECLARED, version="2.0.0"), Report())
    await installed(runtime.data.path, component)


async def verified_now(runtime: Runtime) -> None:
    await version(runtime, auth=VERIFY)


async def json_now(runtime: Runtime) -> None:
    await version(runtime, body="json")


async def described_otherwise(runtime: Runtime) -> None:
    await version(runtime, description="What anybody may ask")


async def not_public_any_more(runtime: Runtime) -> None:
    with runtime.database.transaction() as connection:
        installations.set_grants(connection, ORGANIZATION, "probe", [], 2)


async def another_secret(runtime: Runtime) -> None:
    await set_secret(runtime, "app_secret")


async def another_one_for_challenges(runtime: Runtime) -> None:
    await set_secret(runtime, "verify_token")


async def set_secret(runtime: Runtime, name: str) -> None:
    with runtime.database.transaction() as connection:
        secrets.set(connection, runtime.sealer, ORGANIZATION, "probe", name, "another", 2)


async def ask_meanwhile(site: Site, route: str, change: Callable[[Runtime], Awaitable[None]]) -> Reply:
    """Posts `{}` to the route, and makes the change once everything but the body has come."""
    path = f"/v1/orgs/acme/plugins/probe/{route}"
    scope = {
        "type": "http", "http_version": "1.1", "scheme": "http", "method": "POST", "path": path, "raw_path": path.encode(),
        "root_path": "", "query_string": b"", "headers": [(b"host", b"testserver"), SIGNED],
    }  # fmt: skip

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def late() -> Any:
            await change(site.runtime)
            return await receive()

        await site.app(scope, late, send)

    return await exchange(app, scope, [b"{}"])


@pytest.mark.parametrize(
    ("route", "change", "answer"),
    [
        ("open", verified_now, (503, "unavailable")),
        ("open", json_now, (503, "unavailable")),
        ("open", not_public_any_more, (404, "not-found")),
        ("any", another_secret, (503, "unavailable")),
    ],
)
@pytest.mark.promise("routes.checked-as-they-are")
async def test_a_request_that_was_checked_for_another_route_reaches_no_guest(
    tmp_path: Path, route: str, change: Callable[[Runtime], Awaitable[None]], answer: tuple[int, str]
) -> None:
    async with a_site(tmp_path, probe()) as site:
        reply = await ask_meanwhile(site, route, change)
        assert (reply.status, reply.code) == answer
        assert [(each.outcome, each.status, each.runs) for each in site.records()] == [("refused", answer[0], 0)]


@pytest.mark.parametrize(("route", "change"), [("open", described_otherwise), ("any", another_one_for_challenges), ("any", verified_now)])
async def test_a_change_of_something_else_holds_no_request_up(
    tmp_path: Path, route: str, change: Callable[[Runtime], Awaitable[None]]
) -> None:
    async with a_site(tmp_path, probe()) as site:
        assert (await ask_meanwhile(site, route, change)).status == 200
