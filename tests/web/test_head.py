"""What of a request's head a guest gets to see, and how large it may be."""

from pathlib import Path

import pytest

from tests.web.site import a_site

BASE = "/v1/orgs/acme/plugins/probe"


async def test_url_query_and_headers_arrive_as_they_were_sent(tmp_path: Path) -> None:
    target = f"{BASE}/open?b=2&a=1&b=%203+x&empty=&flag&%C3%A4=%F0%9F%A6%8A"
    async with a_site(tmp_path) as site:
        told = (await site.ask("POST", target, headers=[("X-One", "1"), ("X-Two", "2"), ("X-One", "again")])).told

    assert told.url == f"http://testserver{target}"
    assert told.query == [("b", "2"), ("a", "1"), ("b", " 3 x"), ("empty", ""), ("flag", ""), ("ä", "🦊")]
    assert told.headers == [("host", "testserver"), ("x-one", "1"), ("x-two", "2"), ("x-one", "again")]
    assert (told.method, told.path, told.parameters) == ("POST", "/open", [])


async def test_the_delivery_s_id_is_that_of_its_record(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        told = (await site.ask("GET", f"{BASE}/open")).told
        records = site.records()

    assert [record.id for record in records] == [told.delivery_id]


async def test_a_broken_query_arrives_as_it_is(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        told = (await site.ask("GET", f"{BASE}/open?a=%zz&b=%ff&c=%&=&&;d=1")).told

    assert told.url.endswith("?a=%zz&b=%ff&c=%&=&&;d=1")
    assert told.query == [("a", "%zz"), ("b", "\ufffd"), ("c", "%"), ("", ""), (";d", "1")]


async def test_a_header_that_is_not_ascii_arrives_character_by_byte(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        told = (await site.ask("GET", f"{BASE}/open", headers=[("x-name", "Zoë \xff")])).told

    assert told.header("x-name") == ["Zoë \xff"]


async def test_the_console_s_cookies_and_what_is_the_host_s_never_reach_a_guest(tmp_path: Path) -> None:
    withheld = [
        ("cookie", "session=1"),
        ("Cookie", "b=2"),
        ("x-organization-id", "acme"),
        ("connection", "keep-alive, x-other"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "Basic eA=="),
        ("keep-alive", "5"),
        ("trailer", "x"),
    ]
    async with a_site(tmp_path) as site:
        told = (await site.ask("GET", f"{BASE}/open", headers=[*withheld, ("x-other", "stays")])).told

    assert told.headers == [("host", "testserver"), ("x-other", "stays")]


async def test_a_sender_s_credentials_reach_the_guest_but_a_token_of_ours_never_does(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        ours = site.token()
        on_token_route = (await site.ask("GET", f"{BASE}/token", headers=[ours])).told
        on_open_route = (await site.ask("GET", f"{BASE}/open", headers=[ours])).told
        theirs = (await site.ask("GET", f"{BASE}/open", headers=[("authorization", "Bearer think_of_it")])).told

    assert on_token_route.header("authorization") == []
    assert on_open_route.header("authorization") == []
    assert theirs.header("authorization") == ["Bearer think_of_it"]


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (f"{BASE}/open", [("x-large", "x" * 70_000)]),
        (f"{BASE}/open", [("x-many", "")] * 201),
        (f"{BASE}/open?{'x' * 70_000}", []),
        (f"{BASE}/{'x' * 70_000}", []),
        ("/v1/orgs/nobody/plugins/nothing/open", [("x-large", "x" * 70_000)]),
    ],
)
async def test_a_giant_head_is_refused_whatever_it_asks_for(tmp_path: Path, target: str, headers: list[tuple[str, str]]) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", target, headers=headers)
        records = site.records()

    assert (reply.status, reply.code) == (431, "head.too-large")
    assert records == []


async def test_too_many_query_parameters_are_refused(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", f"{BASE}/open?{'&' * 20_000}a")
        many = await site.ask("GET", f"{BASE}/open?{'a=1&' * 201}")

    assert [(reply.status, reply.code), (many.status, many.code)] == [(400, "invalid"), (400, "invalid")]


async def test_two_hosts_are_refused(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", f"{BASE}/open", headers=[("host", "evil.example")])

    assert (reply.status, reply.code) == (400, "invalid")
