"""Which declared route answers."""

from pathlib import Path

import pytest

from tests.guests_wat import Report, Respond, manifest, plugin
from tests.runtime.hosts import installed
from tests.web.site import a_site, probe

BASE = "/v1/orgs/acme/plugins/probe"


async def test_the_plugin_s_root_has_two_spellings(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        without = await site.ask("GET", BASE)
        with_slash = await site.ask("GET", f"{BASE}/")
        by_query = await site.ask("GET", "/v1/plugins/probe?organizationId=acme")

    assert [reply.told.route for reply in (without, with_slash, by_query)] == ["root", "root", "root"]
    assert [reply.told.path for reply in (without, with_slash, by_query)] == ["/", "/", "/"]


async def test_names_in_a_path_capture_one_segment_each(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        one = await site.ask("GET", f"{BASE}/items/17")
        two = await site.ask("GET", f"{BASE}/items/17/parts/b")

    assert (one.told.route, one.told.parameters) == ("item", [("id", "17")])
    assert (two.told.route, two.told.parameters) == ("part", [("id", "17"), ("part", "b")])


async def test_a_text_goes_before_a_name_in_whatever_order_they_are_declared(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", f"{BASE}/items/new")

    assert (reply.told.route, reply.told.parameters) == ("new", [])


@pytest.mark.parametrize(
    "path", ["/open/", "//open", "/items/", "/items//parts/b", "/items/1/", "/items/1/parts", "/Open", "/opened", "//"]
)
async def test_another_path_is_not_found(tmp_path: Path, path: str) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", BASE + path)

    assert (reply.status, reply.code) == (404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/open", "GET, HEAD, OPTIONS, POST"),
        ("GET", "/any", "OPTIONS, POST"),
        ("HEAD", "/any", "OPTIONS, POST"),
        ("POST", "/webhook/", None),
        ("DELETE", "/webhook", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/items/new", "DELETE, GET, HEAD, OPTIONS"),
        ("TRACE", "/open", "GET, HEAD, OPTIONS, POST"),
        ("get", "/open", "GET, HEAD, OPTIONS, POST"),
        ("options", "/open", "GET, HEAD, OPTIONS, POST"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(tmp_path: Path, method: str, path: str, allowed: str | None) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask(method, BASE + path)

    assert (reply.status, reply.header("allow")) == ((405, [allowed]) if allowed else (404, []))


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/open", "GET, HEAD, OPTIONS, POST"),
        ("/any", "OPTIONS, POST"),
        ("/webhook", "GET, HEAD, OPTIONS, POST"),
        ("/items/new", "DELETE, GET, HEAD, OPTIONS"),
        ("/no/such/route", None),
    ],
)
async def test_options_are_answered_by_the_host(tmp_path: Path, path: str, allowed: str | None) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask(
            "OPTIONS", BASE + path, headers=[("access-control-request-method", "POST"), ("origin", "https://evil.example")]
        )
        records = site.records()

    assert (reply.status, reply.header("allow")) == ((204, [allowed]) if allowed else (404, []))
    assert not allowed or (reply.body == b"" and reply.header("content-length") == [])
    assert not any(name.startswith("access-control-") for name, _ in reply.headers)
    assert records == []


async def test_options_that_are_declared_reach_the_guest(tmp_path: Path) -> None:
    component = plugin(manifest({"name": "asked", "path": "/asked", "auth": {"type": "public"}, "methods": ["OPTIONS"]}), Report())
    async with a_site(tmp_path, component, secrets={}) as site:
        reply = await site.ask("OPTIONS", f"{BASE}/asked")
        wrong = await site.ask("GET", f"{BASE}/asked")

    assert (reply.told.route, reply.told.method) == ("asked", "OPTIONS")
    assert (wrong.status, wrong.header("allow")) == (405, ["OPTIONS"])


async def test_head_runs_as_get_and_has_its_length_but_no_body(tmp_path: Path) -> None:
    async with a_site(tmp_path, probe(Respond(headers=[("etag", b'"1"')], body=b"as long as this"))) as site:
        got = await site.ask("GET", f"{BASE}/open")
        reply = await site.ask("HEAD", f"{BASE}/open")
        record = site.records()[-1]

    assert got.header("content-length") == ["15"]
    assert (reply.status, reply.headers, reply.body) == (got.status, got.headers, b"")
    assert (record.method, record.name, record.outcome) == ("GET", "open", "succeeded")


async def test_head_of_a_challenge_has_the_length_of_its_answer(tmp_path: Path) -> None:
    target = f"{BASE}/webhook?hub.mode=subscribe&hub.verify_token=let%20me%20in&hub.challenge=12345"
    async with a_site(tmp_path) as site:
        got = await site.ask("GET", target)
        reply = await site.ask("HEAD", target)

    assert (got.status, got.body) == (200, b"12345")
    assert (reply.status, reply.headers, reply.body) == (200, got.headers, b"")


async def test_head_that_is_declared_arrives_as_head(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        await site.ask("HEAD", f"{BASE}/caf%C3%A9")
        record = site.records()[0]

    assert (record.method, record.name) == ("HEAD", "odd")


async def test_a_path_may_have_a_route_for_each_method(tmp_path: Path) -> None:
    token = {"type": "token"}
    component = plugin(
        manifest(
            {"name": "read", "path": "/thing", "auth": token, "methods": ["GET"]},
            {"name": "write", "path": "/thing", "auth": token, "methods": ["PUT"]},
            {"name": "other", "path": "/{name}", "auth": token, "methods": ["DELETE"]},
        ),
        Report(),
    )
    async with a_site(tmp_path, component, secrets={}) as site:
        token_header = site.token()
        routes = [(await site.ask(method, f"{BASE}/thing", headers=[token_header])).told.route for method in ("GET", "PUT", "DELETE")]
        wrong = await site.ask("POST", f"{BASE}/thing", headers=[token_header])

    assert routes == ["read", "write", "other"]
    assert (wrong.status, wrong.header("allow")) == (405, ["DELETE, GET, HEAD, OPTIONS, PUT"])


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/open"), ("PUT", "/open"), ("GET", "/items/3"), ("HEAD", "/open"), ("OPTIONS", "/open"), ("OPTIONS", "/items/3")],
)
async def test_a_public_route_without_its_grant_is_not_there(tmp_path: Path, method: str, path: str) -> None:
    async with a_site(tmp_path, grant_all=False) as site:
        reply = await site.ask(method, BASE + path)
        unknown = await site.ask(method, f"{BASE}/no/such/route")
        elsewhere = await site.ask(method, "/v1/orgs/nobody/plugins/nothing/open")

    assert reply.status == 404
    assert reply == unknown == elsewhere
    assert (reply.body == b"") == (method == "HEAD")


async def test_the_plugin_s_log_says_which_grant_a_public_route_needs(tmp_path: Path) -> None:
    async with a_site(tmp_path, grant_all=False) as site:
        await site.ask("GET", f"{BASE}/open")
        record = site.records()[0]

    assert (record.outcome, record.status, record.error_code) == ("refused", 404, "denied")
    assert "innkeeper grant probe routes.public --org acme" in record.log[0].message


async def test_a_new_version_s_routes_take_over_at_the_next_request(tmp_path: Path) -> None:
    second = plugin(manifest({"name": "second", "path": "/second", "auth": {"type": "public"}, "methods": ["GET"]}), Report())
    async with a_site(tmp_path) as site:
        before = await site.ask("GET", f"{BASE}/second")
        await installed(tmp_path, second)
        after = await site.ask("GET", f"{BASE}/second")
        old = await site.ask("GET", f"{BASE}/open")

    assert (before.status, after.told.route, old.status) == (404, "second", 404)
