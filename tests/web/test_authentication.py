"""Bearer tokens: who may ask, and that a foreign organisation looks like none."""

import time
from pathlib import Path

import pytest

from stores import organizations, tokens
from tests.runtime.hosts import installed
from tests.web.site import Site, a_site, probe

TOKEN_ROUTE = "/v1/orgs/acme/plugins/probe/token"
API = "/v1/orgs/acme/conversations"


def now() -> int:
    return time.time_ns() // 1_000_000


def another_organization(site: Site) -> None:
    with site.runtime.database.transaction() as connection:
        organizations.create(connection, "other", now())


@pytest.mark.parametrize("target", [TOKEN_ROUTE, API, "/v1/orgs/acme/deliveries"])
async def test_a_token_of_the_organisation_and_one_of_all_are_let_in(tmp_path: Path, target: str) -> None:
    async with a_site(tmp_path) as site:
        own = await site.ask("GET", target, headers=[site.token("acme")])
        every = await site.ask("GET", target, headers=[site.token()])

    assert (own.status, every.status) == (200, 200)


@pytest.mark.parametrize("target", [TOKEN_ROUTE, API, "/v1/orgs/acme/deliveries"])
async def test_anything_but_one_valid_token_is_401_and_says_what_is_needed(tmp_path: Path, target: str) -> None:
    async with a_site(tmp_path) as site:
        name, value = site.token("acme")
        text = value.removeprefix("Bearer ")
        wrong = [
            [],
            [(name, "")],
            [(name, "Bearer")],
            [(name, "Bearer ")],
            [(name, text)],
            [(name, f"Basic {text}")],
            [(name, f"Bearer {text}x")],
            [(name, f"Bearer {text[:-1]}")],
            [(name, f"Bearer {text.upper()}")],
            [(name, value), (name, value)],
            [(name, "Bearer ink_é\xff")],
            [(name, f"Bearer {text}, Bearer {text}")],
            [("x-authorization", value)],
            [("cookie", f"token={text}")],
        ]
        replies = [await site.ask("GET", target, headers=headers) for headers in wrong]

    assert [(reply.status, reply.code, reply.header("www-authenticate")) for reply in replies] == [
        (401, "unauthenticated", ['Bearer realm="innkeeper"'])
    ] * len(wrong)


async def test_a_token_in_the_query_is_none(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", f"{API}?access_token={site.token()[1].removeprefix('Bearer ')}")

    assert reply.status == 401


async def test_the_scheme_s_name_may_be_written_in_any_case(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        name, value = site.token()
        reply = await site.ask("GET", API, headers=[(name, value.replace("Bearer", "bEARER"))])

    assert reply.status == 200


async def test_revoked_and_expired_tokens_are_none(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        revoked = site.token()
        with site.runtime.database.transaction() as connection:
            tokens.revoke(connection, tokens.all(connection)[0].id, now())
            expired = tokens.create(connection, "old", at=now() - 10, expires_at=now() - 1)
        replies = [await site.ask("GET", API, headers=[header]) for header in (revoked, ("authorization", f"Bearer {expired}"))]

    assert [reply.status for reply in replies] == [401, 401]


@pytest.mark.promise("isolation.org.token")
@pytest.mark.parametrize("path", ["plugins/probe/token", "conversations", "deliveries", "deliveries/x", "conversations/x/messages"])
async def test_an_organisation_of_somebody_else_looks_like_one_that_is_not_there(tmp_path: Path, path: str) -> None:
    await installed(tmp_path, probe(), organization="other")
    async with a_site(tmp_path) as site:
        token = site.token("other")
        foreign = await site.ask("GET", f"/v1/orgs/acme/{path}", headers=[token])
        missing = await site.ask("GET", f"/v1/orgs/nobody/{path}", headers=[token])

    assert (foreign.status, foreign.code) == (404, "not-found")
    assert foreign == missing


async def test_without_a_token_the_api_says_the_same_of_every_organisation(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        known = await site.ask("GET", API)
        unknown = await site.ask("GET", "/v1/orgs/nobody/conversations")

    assert known.status == 401
    assert known == unknown


async def test_a_token_of_all_sees_no_organisation_that_is_not_there(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", "/v1/orgs/nobody/conversations", headers=[site.token()])

    assert (reply.status, reply.code) == (404, "not-found")


async def test_a_role_that_is_not_enough_is_403_in_its_own_organisation_only(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        another_organization(site)
        guest = site.token("acme", role="guest")
        own = await site.ask("GET", API, headers=[guest])
        foreign = await site.ask("GET", "/v1/orgs/other/conversations", headers=[guest])

    assert (own.status, own.code) == (403, "forbidden")
    assert foreign.status == 404


async def test_a_reader_reads_and_does_not_act(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reader = site.token("acme", role="reader")
        reads = await site.ask("GET", API, headers=[reader])
        acts = await site.ask("POST", TOKEN_ROUTE, headers=[reader])

    assert reads.status == 200
    assert (acts.status, acts.code) == (403, "forbidden")


async def test_a_token_route_needs_its_token_before_its_body_is_read(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", TOKEN_ROUTE, chunks=[b"x" * 1024 * 1024] * 5)
        record = site.records()[0]

    assert (reply.status, reply.code) == (401, "unauthenticated")
    assert (record.outcome, record.status, record.name) == ("refused", 401, "token")
