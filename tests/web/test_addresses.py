"""Addresses that send what is refused are not listened to for a while; others, and those whose requests are good, are."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from host.model.options import HostOptions
from host.runtime.data import DataDirectory
from host.runtime.rates import MOST_WINDOWS
from host.runtime.runtime import Runtime
from host.web.addresses import Addresses, address_of
from host.web.app import create_app
from host.web.errors import NotFound, refusal
from host.web.sending import send_answer
from host.web.suspects import Suspects
from tests.building import artefacts
from tests.guests_wat import Respond, manifest, plugin
from tests.runtime.hosts import choose, installed
from tests.web.site import SECRETS, Reply, Site, exchange, probe

SOMEBODY, ELSE = "203.0.113.7", "203.0.113.8"
OPEN, ANY = "/v1/orgs/acme/plugins/probe/open", "/v1/orgs/acme/plugins/probe/any"
TOKEN, GLOBEX = "/v1/orgs/acme/plugins/probe/token", OPEN.replace("acme", "globex")
OPTIONS = HostOptions(refusals_per_minute_per_address=3)


async def ask(site: Site, address: str | None, target: str, method: str = "POST", body: bytes = b"{}") -> Reply:
    scope = {
        "type": "http", "http_version": "1.1", "asgi": {"version": "3.0"}, "scheme": "http", "server": ("testserver", 80),
        "client": address and (address, 1234), "method": method, "path": target, "raw_path": target.encode(), "root_path": "",
        "query_string": b"", "headers": [(b"host", b"testserver")],
    }  # fmt: skip
    return await exchange(site.app, scope, [body])


def opened(folder: Path) -> AbstractAsyncContextManager[Runtime]:
    return Runtime.opened(DataDirectory(folder), artefacts(), OPTIONS)


@pytest.mark.promise("front.addresses")
@pytest.mark.parametrize(
    "target",
    ["/v1/orgs/acme/plugins/none/x", "/v1/orgs/acme/plugins/probe/none", "/nothing", "/v1/orgs/acme/deliveries", "/v1/plugins/probe/open"],
)
async def test_an_address_whose_requests_are_refused_is_told_to_wait_before_anything_is_looked_up(tmp_path: Path, target: str) -> None:
    await installed(tmp_path, probe(), secrets=SECRETS)
    async with opened(tmp_path) as runtime:
        site = Site(runtime, create_app(runtime))
        method = "GET" if "deliveries" in target else "POST"
        assert {(await ask(site, SOMEBODY, target, method)).status for _ in range(3)} < {400, 401, 404}
        recorded = len(site.records())
        told = await ask(site, SOMEBODY, OPEN)
        assert (told.status, told.code) == (429, "address.refused")
        assert 1 <= int(told.header("retry-after")[0]) <= 120
        assert len(site.records()) == recorded
        assert (await ask(site, ELSE, OPEN)).status == 200


@pytest.mark.promise("front.addresses")
@pytest.mark.parametrize(("target", "method", "status"), [(ANY, "POST", 401), (OPEN, "DELETE", 405), (TOKEN, "POST", 401)])
async def test_what_is_refused_at_one_installation_silences_its_sender_there_and_nowhere_else(
    tmp_path: Path, target: str, method: str, status: int
) -> None:
    for organization in ("acme", "globex"):
        await installed(tmp_path, probe(), secrets=SECRETS, organization=organization)
    async with opened(tmp_path) as runtime:
        site = Site(runtime, create_app(runtime))
        assert [(await ask(site, SOMEBODY, target, method)).status for _ in range(3)] == [status] * 3
        recorded = len(site.records())
        told = await ask(site, SOMEBODY, OPEN)
        assert (told.status, told.code) == (429, "address.refused")
        assert 1 <= int(told.header("retry-after")[0]) <= 120
        assert len(site.records()) == recorded
        assert [(await ask(site, SOMEBODY, GLOBEX)).status for _ in range(10)] == [200] * 10
        assert (await ask(site, ELSE, OPEN)).status == 200


@pytest.mark.promise("front.addresses")
async def test_a_body_that_is_too_large_is_not_looked_at_any_more_at_an_installation_that_has_refused_its_sender(tmp_path: Path) -> None:
    await installed(tmp_path, probe(), secrets=SECRETS)
    async with opened(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "probe", limits={"input_bytes": 4096})
        site = Site(runtime, create_app(runtime))
        statuses = [(await ask(site, SOMEBODY, OPEN, body=b"x" * 5000)).status for _ in range(5)]
        assert statuses == [413] * 3 + [429] * 2


@pytest.mark.promise("front.addresses")
async def test_ten_times_as_much_refused_at_many_installations_silences_an_address_everywhere(tmp_path: Path) -> None:
    names = ["acme", *(f"org-{number}" for number in range(10))]
    for organization in names:
        await installed(tmp_path, probe(), secrets=SECRETS, organization=organization)
    async with opened(tmp_path) as runtime:
        site = Site(runtime, create_app(runtime))
        for organization in names[1:]:
            assert (await ask(site, SOMEBODY, OPEN)).status == 200
            assert [(await ask(site, SOMEBODY, ANY.replace("acme", organization))).status for _ in range(3)] == [401] * 3
        assert (await ask(site, SOMEBODY, OPEN)).status == 429
        assert [(await ask(site, SOMEBODY, path, "GET")).status for path in ("/healthz", "/readyz")] == [200, 200]
        assert (await ask(site, ELSE, OPEN)).status == 200


async def test_who_asks_for_the_hosts_health_is_answered_all_the_same(tmp_path: Path) -> None:
    await installed(tmp_path, probe(), secrets=SECRETS)
    async with opened(tmp_path) as runtime:
        site = Site(runtime, create_app(runtime))
        for _ in range(4):
            await ask(site, SOMEBODY, "/nothing")
        assert (await ask(site, SOMEBODY, OPEN)).status == 429
        assert [(await ask(site, SOMEBODY, path, "GET")).status for path in ("/healthz", "/readyz")] == [200, 200]


async def test_what_a_plugin_answers_is_nobodys_refusal(tmp_path: Path) -> None:
    route = {"name": "open", "path": "/open", "auth": {"type": "public"}}
    await installed(tmp_path, plugin(manifest(route), Respond(status=404)))
    async with opened(tmp_path) as runtime:
        site = Site(runtime, create_app(runtime))
        assert [(await ask(site, SOMEBODY, OPEN)).status for _ in range(10)] == [404] * 10


async def test_a_provider_that_sends_too_much_for_one_organisation_is_not_silenced_for_all(tmp_path: Path) -> None:
    for organization in ("acme", "globex"):
        await installed(tmp_path, probe(), secrets=SECRETS, organization=organization)
    async with opened(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "probe", limits={"calls_per_minute": 1})
        site = Site(runtime, create_app(runtime))
        assert [(await ask(site, SOMEBODY, OPEN)).status for _ in range(10)] == [200] + [429] * 9
        assert (await ask(site, SOMEBODY, GLOBEX)).status == 200


async def test_of_a_sender_whose_address_is_not_known_nothing_is_counted(tmp_path: Path) -> None:
    await installed(tmp_path, probe(), secrets=SECRETS)
    async with opened(tmp_path) as runtime:
        site = Site(runtime, create_app(runtime))
        assert [(await ask(site, None, "/nothing")).status for _ in range(10)] == [404] * 10


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:0db8:0:0:1::", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.7", SOMEBODY, True),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        (SOMEBODY, ELSE, False),
        ("unknown", "unknown", True),
        ("x" * 64 + "a", "x" * 64 + "b", True),
    ],
)
def test_a_sender_is_an_address_or_a_network_of_64_bits(one: str, other: str, same: bool) -> None:
    assert (address_of({"client": (one, 1)}) == address_of({"client": (other, 2)})) is same


async def test_however_many_addresses_are_refused_what_is_kept_of_them_is_bounded_and_forgets_nobody_who_goes_on(tmp_path: Path) -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await send_answer(send, refusal(NotFound()))

    suspects = Suspects(per_minute=3)
    addresses = Addresses(refuse, suspects)

    async def status(address: str) -> int:
        return (await exchange(addresses, {"type": "http", "path": "/", "method": "GET", "client": (address, 1)}, [])).status

    assert [await status(SOMEBODY) for _ in range(4)] == [404, 404, 404, 429]
    for number in range(MOST_WINDOWS):
        suspects.count(f"stranger {number}", None)
        suspects.count(f"stranger {number}", ("acme", f"plugin-{number}"))
    assert len(suspects._addresses) <= MOST_WINDOWS
    assert repr(suspects).endswith("at installations <Rate <Windows [50000 of 50000]>>>")
    assert [await status(ELSE) for _ in range(4)] == [404, 404, 404, 429]
