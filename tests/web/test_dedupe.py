"""Webhooks that come more than once, from the wire to the guest and back."""

import asyncio
import hmac
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.json import encode

from host.model.dedupe import Place, RecordedResponse
from host.model.limits import MIB
from host.runtime.runtime import Runtime
from host.web.app import create_app
from stores import dedupe_keys, installations
from stores.statement import Connection
from tests.guests_wat import REQUEST, Code, Handler, Memory, Report, Respond, manifest, plugin
from tests.runtime.hosts import a_host, before_the_commit, choose, installed, queued
from tests.web.site import SECRETS, SECRETS_DECLARED, VERIFY, Reply, Site, a_site

ROUTES = [
    {"name": "by-header", "path": "/header", "methods": ["GET", "POST"], "auth": VERIFY, "dedupe": {"header": "X-Event-Id"}},
    {"name": "by-body", "path": "/body", "auth": VERIFY, "dedupe": {"json": "/event/id"}},
    {"name": "none", "path": "/none", "auth": VERIFY},
]
URL = "/v1/orgs/acme/plugins/probe"
BODY = b'{"event": {"id": "evt_1"}}'


def deduping(handler: Handler | None = None, *routes: dict[str, Any], version: str = "1.0.0") -> bytes:
    return plugin(manifest(*(routes or ROUTES), secrets=SECRETS_DECLARED, version=version), handler or Report())


class WhereQuery(Handler):
    """Answers as `there` where the request has a query, and as `without` where it has none."""

    def __init__(self, there: Handler, without: Handler) -> None:
        self._there, self._without = there, without

    def build(self, memory: Memory) -> str:
        count = f"(i32.load offset={REQUEST['query'] + 4} (local.get $request))"
        return f"(if (result i32) {count} (then {self._there.build(memory)}) (else {self._without.build(memory)}))"


FAILURES = {"traps": Code("(unreachable)"), "answers 500": Respond(500, body=b"no"), "answers 400": Respond(400, body=b"no")}


async def post(
    site: Site, path: str = "/body", body: bytes = BODY, key: str | None = None, *, organization: str = "acme", method: str = "POST"
) -> Reply:
    """A request with the right signature."""
    headers = [("x-signature", f"sha256={hmac.digest(b's3cret', body, 'sha256').hex()}")]
    headers += [("x-event-id", key)] if key is not None else []
    return await site.ask(method, f"/v1/orgs/{organization}/plugins/probe{path}", headers=headers, body=body)


def replayed(reply: Reply) -> bool:
    return reply.header("idempotent-replayed") == ["true"]


def without_mark(reply: Reply) -> tuple[int, list[tuple[str, str]], bytes]:
    return reply.status, [header for header in reply.headers if header[0] != "idempotent-replayed"], reply.body


def keys(runtime: Runtime) -> list[tuple[str, str, str]]:
    return runtime.reads.execute('SELECT organization, route, "key" FROM dedupe_keys ORDER BY 1, 2, 3').fetchall()


@pytest.mark.promise("dedupe.once")
async def test_a_hundred_equal_webhooks_at_once_run_the_guest_once_and_get_its_answer_byte_for_byte(tmp_path: Path) -> None:
    async with a_site(tmp_path, deduping()) as site:
        replies = await asyncio.gather(*[post(site) for _ in range(100)])
        later = await post(site)
        (record,) = site.records()

    first, *others = sorted([*replies, later], key=replayed)
    assert not replayed(first)
    assert all(replayed(other) for other in others)
    assert {encode(without_mark(reply)) for reply in [first, *others]} == {encode(without_mark(first))}
    assert first.told.delivery_id == record.id
    assert record.runs == 1


@pytest.mark.promise("dedupe.once")
async def test_a_replayed_answer_goes_out_as_hardened_as_the_first(tmp_path: Path) -> None:
    headers = [("Set-Cookie", b"a=b"), ("X-Kind", b"one"), ("X-Kind", b"tw\xc3\xb6"), ("Idempotent-Replayed", b"false")]
    async with a_site(tmp_path, deduping(Respond(201, headers, b"made"))) as site:
        first, second = await post(site), await post(site)

    assert (second.status, second.body) == (201, b"made")
    assert (first.header("idempotent-replayed"), second.header("idempotent-replayed")) == ([], ["true"])
    assert second.header("x-kind") == ["one", "tw\xf6"]
    assert second.header("set-cookie") == []
    assert second.header("x-content-type-options") == ["nosniff"]
    assert without_mark(first) == without_mark(second)


async def test_a_head_request_gets_the_head_of_what_was_answered(tmp_path: Path) -> None:
    async with a_site(tmp_path, deduping(Respond(body=b"a page"))) as site:
        first = await post(site, "/header", b"", "k", method="GET")
        head = await post(site, "/header", b"", "k", method="HEAD")

    assert (first.body, head.body) == (b"a page", b"")
    assert head.header("content-length") == ["6"]
    assert replayed(head)


async def test_an_answer_without_a_body_and_one_of_every_byte_come_back_the_same(tmp_path: Path) -> None:
    async with a_site(tmp_path, deduping(Respond(204))) as site:
        first, second = await post(site), await post(site)

    assert replayed(second)
    assert without_mark(first) == without_mark(second) == (204, first.headers, b"")


@pytest.mark.promise("dedupe.once")
@pytest.mark.parametrize("failure", FAILURES)
async def test_a_failure_leaves_the_key_to_the_next_one(tmp_path: Path, failure: str) -> None:
    async with a_site(tmp_path, deduping(WhereQuery(FAILURES[failure], Report()))) as site:
        failed = [await post(site, "/body?fail=1") for _ in range(2)]
        assert keys(site.runtime) == []
        first, second = await post(site), await post(site, "/body?fail=1")

    assert all(reply.status >= 400 and not replayed(reply) for reply in failed)
    assert (replayed(first), replayed(second)) == (False, True)
    assert first.told.delivery_id == second.told.delivery_id


@pytest.mark.promise("dedupe.once")
async def test_of_many_at_once_whose_first_fails_the_second_runs_and_answers_the_rest(tmp_path: Path) -> None:
    async with a_site(tmp_path, deduping(WhereQuery(Code("(unreachable)"), Report()))) as site:
        replies = await asyncio.gather(*[post(site, path) for path in ("/body?fail=1", "/body", "/body?fail=1", "/body")])
        outcomes = [record.outcome for record in site.records()]

    assert [reply.status for reply in replies] == [502, 200, 200, 200]
    assert [replayed(reply) for reply in replies] == [False, False, True, True]
    assert outcomes == ["failed", "succeeded"]


async def test_a_commit_that_the_database_refuses_leaves_the_key_to_the_next_one(tmp_path: Path) -> None:
    async with a_site(tmp_path, deduping()) as site:
        with site.runtime.database.transaction() as connection:
            connection.execute(
                "CREATE TRIGGER broken BEFORE INSERT ON dedupe_keys WHEN (SELECT count(*) FROM deliveries) = 0 "
                "BEGIN SELECT json('not json'); END"
            )
        replies = await asyncio.gather(*[post(site) for _ in range(3)])

    assert [reply.status for reply in replies] == [503, 200, 200]
    assert [replayed(reply) for reply in replies] == [False, False, True]


@pytest.mark.promise("dedupe.once")
async def test_the_same_key_with_another_body_is_409_before_and_after_the_commit(tmp_path: Path) -> None:
    async with a_site(tmp_path, deduping()) as site:
        async with before_the_commit(site.runtime, lambda connection: None):
            first, before = asyncio.create_task(post(site)), asyncio.create_task(post(site, body=BODY + b" "))
            await queued(site.runtime)
        after = await post(site, body=BODY + b"\n")
        good = await first
        refused = [record for record in site.records() if record.outcome == "refused"]

    assert good.told.body == BODY.decode()
    assert [(reply.status, reply.code) for reply in (await before, after)] == [(409, "dedupe.conflict")] * 2
    assert [(record.status, record.runs, record.error_code) for record in refused] == [(409, 0, "dedupe.conflict")] * 2
    assert after.json["error"]["delivery_id"] == refused[1].id


async def test_who_waits_until_the_deadline_gets_503_and_when_to_come_again(tmp_path: Path) -> None:
    endless = deduping(WhereQuery(Code("(loop $again (br $again)) (unreachable)"), Report()))
    async with a_site(tmp_path, endless) as site:
        with site.runtime.database.transaction() as connection:
            choose(connection, "probe", limits={"fuel": 10**15, "deadline_ms": 600_000})
        first = asyncio.create_task(post(site, "/body?fail=1"))
        while "1 keys under way" not in repr(site.runtime):  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0)
        with site.runtime.database.transaction() as connection:
            choose(connection, "probe", limits={"deadline_ms": 30})
        waiting = await post(site)
        with site.runtime.database.transaction() as connection:
            choose(connection, "probe", limits={})
        first.cancel()
        await asyncio.wait([first])
        assert not replayed(await post(site))

    assert (waiting.status, waiting.code) == (503, "dedupe.waiting")
    assert waiting.header("retry-after") == ["1"]


@pytest.mark.promise("dedupe.verified-only")
async def test_a_wrong_signature_gets_the_same_answer_whether_the_key_is_known_or_not(tmp_path: Path) -> None:
    wrong = [("x-signature", f"sha256={'0' * 64}")]
    async with a_site(tmp_path, deduping()) as site:
        await post(site)
        replies = [
            await site.ask("POST", f"{URL}/body", headers=headers, body=body)
            for headers in (wrong, [])
            for body in (BODY, BODY + b" ", b'{"event": {"id": "unknown"}}')
        ]
        assert len(keys(site.runtime)) == 1

    assert {reply.status for reply in replies} == {401}
    assert len({encode([reply.headers, {**reply.json["error"], "delivery_id": ""}]) for reply in replies}) == 1


@pytest.mark.promise("dedupe.verified-only")
async def test_who_can_not_sign_neither_takes_a_key_nor_stands_in_its_line(tmp_path: Path) -> None:
    async with a_site(tmp_path, deduping()) as site:
        await asyncio.gather(*[site.ask("POST", f"{URL}/header", headers=[("x-event-id", "k")], body=b"theirs") for _ in range(5)])
        assert keys(site.runtime) == []
        assert not replayed(await post(site, "/header", b"ours", "k"))


@pytest.mark.parametrize("key", [None, "", "x" * 513])
async def test_requests_without_a_key_run_each_time(tmp_path: Path, key: str | None) -> None:
    async with a_site(tmp_path, deduping()) as site:
        replies = [await post(site, "/header", b"same", key) for _ in range(2)]
        assert keys(site.runtime) == []

    assert len({reply.told.delivery_id for reply in replies}) == 2


async def test_a_body_without_a_key_and_a_route_without_a_rule_run_each_time(tmp_path: Path) -> None:
    async with a_site(tmp_path, deduping()) as site:
        replies = [await post(site, path, body) for path, body in (("/body", b"\xff\x00"), ("/none", BODY)) for _ in range(2)]
        assert keys(site.runtime) == []

    assert len({reply.told.delivery_id for reply in replies}) == 4


@pytest.mark.promise("isolation.org.rows")
async def test_another_organisation_and_another_route_have_keys_of_their_own(tmp_path: Path) -> None:
    component = deduping()
    await installed(tmp_path, component, organization="elm", secrets=SECRETS)
    async with a_site(tmp_path, component) as site:
        replies = [
            await post(site, path, BODY, '"evt_1"', organization=organization)
            for organization in ("acme", "elm")
            for path in ("/body", "/header")
        ]
        assert keys(site.runtime) == [
            (organization, route, '"evt_1"') for organization in ("acme", "elm") for route in ("by-body", "by-header")
        ]

    assert not any(replayed(reply) for reply in replies)
    assert len({reply.told.delivery_id for reply in replies}) == 4


async def test_a_key_of_two_megabytes_in_the_body_dedupes_by_its_digest(tmp_path: Path) -> None:
    bodies = [b'{"event": {"id": "' + b"x" * (2 * MIB) + end + b'"}}' for end in (b"a", b"b")]
    async with a_site(tmp_path, deduping(Respond(body=b"ok"))) as site:
        replies = [await post(site, body=body) for body in (*bodies, *bodies)]
        assert [len(key) for _, _, key in keys(site.runtime)] == [71, 71]

    assert [replayed(reply) for reply in replies] == [False, False, True, True]


async def test_keys_survive_an_upgrade_and_a_new_start_and_count_for_nothing_once_the_rule_is_gone(tmp_path: Path) -> None:
    async with a_site(tmp_path, deduping()) as site:
        first = await post(site)
        await installed(tmp_path, deduping(version="2.0.0"), secrets=SECRETS)
        assert replayed(await post(site))
    async with a_site(tmp_path, deduping(None, {**ROUTES[1], "dedupe": {"json": "/event/id", "expires_s": 60}}, version="3.0.0")) as site:
        again = await post(site)
        assert without_mark(again) == without_mark(first)
        await installed(tmp_path, deduping(None, {"name": "by-body", "path": "/body", "auth": VERIFY}, version="4.0.0"))
        assert not replayed(await post(site))
        assert len(keys(site.runtime)) == 1


async def test_a_plugin_that_is_disabled_does_not_answer_from_its_keys(tmp_path: Path) -> None:
    async with a_site(tmp_path, deduping()) as site:
        await post(site)
        with site.runtime.database.transaction() as connection:
            choose(connection, "probe", enabled=False)
        assert (await post(site)).status == 404
        with site.runtime.database.transaction() as connection:
            choose(connection, "probe", enabled=True)
        assert replayed(await post(site))
        with site.runtime.database.transaction() as connection:
            installations.remove(connection, "acme", "probe")
        assert (await post(site)).status == 404


@pytest.mark.promise("dedupe.once")
async def test_two_hosts_on_one_database_commit_one_of_two_equal_webhooks(tmp_path: Path) -> None:
    bodies = [b'{"event": {"id": %d}}' % number for number in range(40)]
    async with a_site(tmp_path, deduping()) as here, a_host(tmp_path) as runtime:
        there = Site(runtime, create_app(runtime))
        pairs = await asyncio.gather(*[asyncio.gather(post(here, body=body), post(there, body=body)) for body in bodies])
        assert [record.outcome for record in here.records()] == ["succeeded"] * len(bodies)

    assert all(without_mark(one) == without_mark(other) for one, other in pairs)
    assert all(replayed(one) != replayed(other) for one, other in pairs)


async def test_a_key_that_is_taken_in_the_moment_before_the_commit_answers_with_its_response(tmp_path: Path) -> None:
    theirs = RecordedResponse(sha256(BODY).digest(), "theirs", 200, [("x-who", "they")], b"theirs")

    def take(connection: Connection) -> None:
        dedupe_keys.claim(connection, Place("acme", "probe", "by-body", '"evt_1"'), theirs, 1, 10**15)

    async with a_site(tmp_path, deduping()) as site:
        async with before_the_commit(site.runtime, take):
            task = asyncio.create_task(post(site))
            await queued(site.runtime)
        reply = await task
        assert site.records() == []

    assert (reply.body, reply.header("x-who"), replayed(reply)) == (b"theirs", ["they"], True)
