"""Paths: decoded once, segment by segment, and nothing hidden in a segment."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.web.site import Site, a_site

BASE = "/v1/orgs/acme/plugins/probe"


async def test_percent_encoding_makes_no_other_path(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        plain = await site.ask("GET", f"{BASE}/open")
        encoded = await site.ask("GET", "/v1/orgs/%61cme/plugins/%70robe/%6fpen")

    assert plain.told.path == encoded.told.path == "/open"
    assert encoded.told.url == "http://testserver/v1/orgs/%61cme/plugins/%70robe/%6fpen"


async def test_a_path_in_another_script_arrives_decoded(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        declared = await site.ask("GET", f"{BASE}/caf%c3%a9")
        captured = await site.ask("GET", f"{BASE}/items/%E6%97%A5%E6%9C%AC%20%F0%9F%A6%8A")

    assert (declared.told.route, declared.told.path) == ("odd", "/café")
    assert captured.told.parameters == [("id", "日本 🦊")]
    assert captured.told.path == "/items/日本 🦊"


async def test_an_encoded_percent_sign_is_decoded_once(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", f"{BASE}/items/%252e%252e")

    assert reply.told.parameters == [("id", "%2e%2e")]


@pytest.mark.parametrize(
    "segment",
    [
        "..",
        ".",
        "%2e%2e",
        "%2E.",
        "a%2fb",
        "a%2Fb",
        "a%5cb",
        "a\\b",
        "%00",
        "a%0d%0ab",
        "a%7f",
        "%",
        "%4",
        "%zz",
        "%u0041",
        "%ff",
        "%c3%28",
        "%ed%a0%80",
        "\xe9",
    ],
)
async def test_a_segment_that_hides_something_is_refused(tmp_path: Path, segment: str) -> None:
    async with a_site(tmp_path) as site:
        inside = await site.ask("GET", f"{BASE}/items/{segment}")
        before = await site.ask("GET", f"/v1/orgs/acme/plugins/{segment}/open")
        records = site.records()

    assert (inside.status, inside.code) in ((400, "path.invalid"), (404, "not-found"))
    assert before.status in (400, 404)
    assert records == []


@pytest.mark.parametrize(
    "target",
    [
        "/v1/orgs/acme%2Fplugins%2Fprobe%2Fopen",
        "/v1/orgs%2Facme/plugins/probe/open",
        "/v1%2Fplugins/probe/open?organizationId=acme",
        "/v1/orgs/acme/plugins/probe%2Fopen",
        "/v1/orgs/x/../acme/plugins/probe/open",
    ],
)
async def test_an_encoded_slash_never_separates(tmp_path: Path, target: str) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", target)

    assert (reply.status, reply.code) in ((400, "path.invalid"), (404, "not-found"))


async def test_the_application_can_be_mounted_below_another_path(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        mounted = Site(site.runtime, Starlette(routes=[Mount("/some/where", app=site.app)]))
        reply = await mounted.ask("GET", f"/some/where{BASE}/items/7")
        api = await mounted.ask("GET", "/some/where/v1/orgs/acme/deliveries", headers=[site.token()])

    assert reply.told.parameters == [("id", "7")]
    assert reply.told.url == f"http://testserver/some/where{BASE}/items/7"
    assert api.status == 200


async def test_behind_a_proxy_that_takes_a_prefix_away_the_url_is_the_sender_s(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", f"/prefix{BASE}/open", root_path="/prefix")

    assert (reply.told.path, reply.told.url) == ("/open", f"http://testserver/prefix{BASE}/open")
