"""Organisations by the host's name, and URLs as senders see them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount

from host.model.options import HostOptions
from host.web.origin import Origin
from tests.web.site import Site, a_site

BASE_DOMAIN = HostOptions(base_domain="hooks.example.com")
OPEN = "/v1/plugins/probe/open"
OF_ACME = "/v1/orgs/acme/plugins/probe/open"


@pytest.mark.parametrize(
    "host",
    [
        "acme.hooks.example.com",
        "acme.hooks.example.com:8443",
        "acme.hooks.example.com:",
        "acme.hooks.example.com.",
        "acme.hooks.example.com.:443",
        "ACME.Hooks.EXAMPLE.com",
    ],
)
async def test_a_subdomain_of_the_base_domain_names_the_organisation(tmp_path: Path, host: str) -> None:
    async with a_site(tmp_path, options=BASE_DOMAIN) as site:
        told = (await site.ask("GET", f"{OPEN}?a=1", host=host)).told

        assert (told.route, told.url) == ("open", f"http://{host}{OPEN}?a=1")


@pytest.mark.parametrize(
    "host",
    [
        "hooks.example.com",
        "hooks.example.com.",
        "a.acme.hooks.example.com",
        "acme.a.hooks.example.com",
        ".hooks.example.com",
        "..hooks.example.com",
        "acme..hooks.example.com",
        "acmehooks.example.com",
        "acme.example.com",
        "acme.hooks.example.com.evil.example",
        "acme.hooks.example.com..",
        "[::1]:8080",
        "127.0.0.1",
        ":80",
        "",
    ],
)
async def test_every_other_host_names_none(tmp_path: Path, host: str) -> None:
    async with a_site(tmp_path, options=BASE_DOMAIN) as site:
        nameless = await site.ask("GET", OPEN, host=host)
        named = await site.ask("GET", OF_ACME, host=host)

    assert (nameless.status, nameless.code) == (400, "organization.missing")
    assert named.told.route == "open"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:acme.hooks.example.com",
        "acme@acme.hooks.example.com",
        "acme.hooks.example.com:80:90",
        "acme.hooks.example.com:port",
        "acme.hooks.example.com/",
        "acme.hooks.example.com/v1/orgs/acme",
        "acme.hooks.example.com%2Fv1",
        "acme.hooks.example.com?",
        "acme.hooks.example.com#",
        "acme.hooks.example.com, acme.hooks.example.com",
        "acme hooks.example.com",
        "[acme.hooks.example.com]",
        "acme.hooks.example.com\r\nx: y",
        "acme.hooks.example.com\n",
        "acme.hooks.example.com:\xb2",
        "::1",
        "\xe9.hooks.example.com",
    ],
)
async def test_a_host_that_is_none_is_refused(tmp_path: Path, host: str) -> None:
    async with a_site(tmp_path, options=BASE_DOMAIN) as site:
        replies = [await site.ask("GET", target, host=host) for target in (OPEN, OF_ACME, "/v1/orgs/nobody/plugins/nothing/open")]

    assert [(reply.status, reply.code) for reply in replies] == [(400, "invalid")] * 3


async def test_the_public_url_s_own_host_may_be_below_the_base_domain(tmp_path: Path) -> None:
    options = HostOptions(public_url="https://Innkeeper.example.com", base_domain="example.com")
    async with a_site(tmp_path, options=options) as site:
        told = (await site.ask("GET", f"{OPEN}?organizationId=acme", host="innkeeper.example.com:443")).told
        nameless = await site.ask("GET", OPEN, host="innkeeper.example.com")

    assert told.url == f"https://Innkeeper.example.com{OPEN}?organizationId=acme"
    assert nameless.code == "organization.missing"


@pytest.mark.promise("front.one-404")
@pytest.mark.parametrize(
    "host", ["nobody.hooks.example.com", "no_body.hooks.example.com", "-.hooks.example.com", "x" * 64 + ".hooks.example.com"]
)
async def test_an_organisation_that_is_not_there_is_the_one_404(tmp_path: Path, host: str) -> None:
    async with a_site(tmp_path, options=BASE_DOMAIN) as site:
        reply = await site.ask("GET", OPEN, host=host)
        elsewhere = await site.ask("GET", "/v1/orgs/acme/plugins/nothing/open")

        assert reply.status == 404
        assert reply == elsewhere


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (f"{OPEN}?organizationId=other", []),
        (OPEN, [("x-organization-id", "other")]),
        ("/v1/orgs/other/plugins/probe/open", []),
        ("/v1/orgs/other/plugins/nothing/open", []),
        (f"{OPEN}?organizationId=ACME", []),
        (f"{OPEN}?organizationId=", []),
    ],
)
async def test_a_host_that_disagrees_with_another_way_is_refused(tmp_path: Path, target: str, headers: list[tuple[str, str]]) -> None:
    async with a_site(tmp_path, options=BASE_DOMAIN) as site:
        reply = await site.ask("GET", target, headers=headers, host="acme.hooks.example.com")
        unknown = await site.ask("GET", target.replace("ACME", "x"), headers=headers, host="nobody.hooks.example.com")

        assert (reply.status, reply.code) == (400, "organization.ambiguous")
        assert reply == unknown
        assert site.records() == []


async def test_all_four_ways_may_say_the_same(tmp_path: Path) -> None:
    async with a_site(tmp_path, options=BASE_DOMAIN) as site:
        target = "/v1/orgs/acme/plugins/probe/open?organizationId=acme"
        reply = await site.ask("GET", target, headers=[("x-organization-id", "acme")], host="acme.hooks.example.com")

        assert reply.told.route == "open"


async def test_two_hosts_name_no_organisation(tmp_path: Path) -> None:
    async with a_site(tmp_path, options=BASE_DOMAIN) as site:
        reply = await site.ask("GET", OPEN, headers=[("host", "acme.hooks.example.com")], host="acme.hooks.example.com")
        forwarded = await site.ask(
            "GET", OPEN, headers=[("x-forwarded-host", "acme.hooks.example.com"), ("forwarded", "host=acme.hooks.example.com")]
        )

        assert (reply.status, reply.code) == (400, "invalid")
        assert (forwarded.status, forwarded.code) == (400, "organization.missing")


async def test_without_a_base_domain_a_host_says_nothing(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", OPEN, host="acme.hooks.example.com")

    assert reply.code == "organization.missing"


async def test_subdomains_work_where_the_application_is_mounted_too(tmp_path: Path) -> None:
    async with a_site(tmp_path, options=BASE_DOMAIN) as site:
        mounted = Site(site.runtime, Starlette(routes=[Mount("/some/where", app=site.app)]))
        told = (await mounted.ask("GET", f"/some/where{OPEN}", host="acme.hooks.example.com")).told
        behind = (await site.ask("GET", f"/prefix{OPEN}", root_path="/prefix", host="acme.hooks.example.com:8080")).told

        assert (told.route, told.url) == ("open", f"http://acme.hooks.example.com/some/where{OPEN}")
        assert behind.url == f"http://acme.hooks.example.com:8080/prefix{OPEN}"


@pytest.mark.parametrize(
    ("public_url", "seen"),
    [
        ("https://example.com", "https://example.com"),
        ("https://example.com:8443/in/here", "https://example.com:8443/in/here"),
        ("http://[::1]:80", "http://[::1]:80"),
        (None, "http://testserver"),
    ],
)
async def test_a_public_url_is_what_the_sender_saw(tmp_path: Path, public_url: str | None, seen: str) -> None:
    async with a_site(tmp_path, options=HostOptions(public_url=public_url)) as site:
        told = (await site.ask("GET", f"{OF_ACME}?b=%20&a=1")).told
        encoded = (await site.ask("GET", "/v1/orgs/acme/plugins/%70robe/%6fpen")).told
        prefixed = (await site.ask("GET", f"/prefix{OF_ACME}", root_path="/prefix")).told

    assert told.url == f"{seen}{OF_ACME}?b=%20&a=1"
    assert encoded.url == f"{seen}/v1/orgs/acme/plugins/%70robe/%6fpen"
    # A public URL names the application's root itself, wherever it is mounted.
    assert prefixed.url == (f"{seen}{OF_ACME}" if public_url else f"{seen}/prefix{OF_ACME}")


async def test_an_organisation_s_own_host_stays_in_the_url(tmp_path: Path) -> None:
    async with a_site(tmp_path, options=HostOptions(public_url="https://example.com/in", base_domain="example.com")) as site:
        own = (await site.ask("GET", OPEN, host="acme.example.com")).told
        shared = (await site.ask("GET", OF_ACME, host="internal:8080")).told

    assert own.url == f"https://acme.example.com/in{OPEN}"
    assert shared.url == f"https://example.com/in{OF_ACME}"


@given(st.text())
def test_no_host_names_an_organisation_that_is_not_its_first_label(host: str) -> None:
    for text in (host, f"{host}.example.com", f"acme.example.com{host}"):
        named = Origin(base_domain="example.com").organization(text)

        assert named is None or text.lower().startswith(f"{named}.example.com")
