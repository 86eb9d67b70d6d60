"""Who runs, who waits and who is answered, without any guest: what runs is a function here, and its commit a real one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from host.model.dedupe import Claim, Place
from host.model.errors import Failed, KeyTaken, RequestError
from host.model.installation import Installation, Secrets
from host.model.limits import effective
from host.model.manifest import Manifest, decode
from host.runtime import dedupe
from host.runtime.dedupe import Dedupe, DedupeError
from host.runtime.receipt import Answer, Receipt, failure
from host.runtime.response import CheckedResponse
from stores import dedupe_keys, organizations, schema
from stores.database import Database
from stores.transaction import transaction
from stores.writer import Writer
from tests.guests_wat import manifest
from tests.runtime.hosts import receipt

AUTH = {"type": "verify", "secret": "key", "header": "x-signature"}
MINUTE = 60_000


def described(**rule: Any) -> Manifest:
    routes = [{"name": name, "path": f"/{name}", "auth": AUTH, **rule} for name in ("hook", "other")]
    return decode(manifest(*routes, secrets=[{"name": "key", "purpose": "verify"}]))


DEDUPED = described(dedupe={"header": "x-id", "expires_s": 60})


def installation(organization: str = "oak", described: Manifest = DEDUPED, **limits: int) -> Installation:
    return Installation(
        organization=organization, plugin="probe", digest="", manifest=described, settings="{}", grants=frozenset(), secrets=Secrets({}),
        limits=effective(limits),
    )  # fmt: skip


def request(
    key: str = "k", body: bytes = b"body", organization: str = "oak", route: str = "hook", at: int = 10**12, **limits: int
) -> Receipt:
    made = receipt(installation(organization, **limits), route, body)
    return replace(made, received_at=at, claim=Claim(key, body))


class Guests:
    """Answers requests after `go` is set; `runs` are the delivery ids of those that got so far. What is in `failing` fails."""

    def __init__(self, database: Database) -> None:
        self.reads, self.writes = database.read_connection(), database.connect()
        self.dedupe = Dedupe(self.reads, self.respond)
        self.go = asyncio.Event()
        self.runs: list[str] = []
        self.failing: set[str] = set()

    def close(self) -> None:
        self.reads.close()
        self.writes.close()

    async def respond(self, receipt: Receipt) -> Answer:
        self.runs.append(receipt.delivery_id)
        await self.go.wait()
        await asyncio.sleep(0)
        if receipt.delivery_id in self.failing:
            return failure(receipt.delivery_id, 502, Failed())
        response = CheckedResponse(200, [("x-run", receipt.delivery_id)], receipt.body)
        with transaction(self.writes):
            receipt.commit(self.writes, response)
        return Answer(receipt.delivery_id, 200, response.headers, response.body)

    async def answer(self, receipt: Receipt) -> Answer:
        assert receipt.claim is not None
        return await self.dedupe.answer(receipt, receipt.claim)

    async def send(self, *receipts: Receipt) -> list["asyncio.Task[Answer]"]:
        """Each on its way, as far as it gets by itself."""
        tasks = [asyncio.create_task(self.answer(receipt)) for receipt in receipts]
        for _ in range(5):
            await asyncio.sleep(0)
        return tasks


@contextmanager
def a_database(folder: Path) -> Iterator[Database]:
    database = Database(folder / "innkeeper.db")
    connection = database.connect()
    schema.upgrade(connection)
    for organization in ("oak", "elm"):
        organizations.create(connection, organization, 1)
    yield database
    connection.close()


@asynccontextmanager
async def some_guests(folder: Path) -> AsyncIterator[Guests]:
    with a_database(folder) as database:
        guests = Guests(database)
        yield guests
        assert repr(guests.dedupe) == "<Dedupe [0 keys under way, 0 requests waiting]>"
        guests.close()


async def error_of(task: "asyncio.Task[Answer]") -> tuple[int, str]:
    with pytest.raises(DedupeError) as failed:
        await task
    return failed.value.status, failed.value.code


@pytest.mark.promise("dedupe.once")
async def test_all_who_wait_get_the_response_of_the_one_that_ran(tmp_path: Path) -> None:
    async with some_guests(tmp_path) as guests:
        first, *others = await guests.send(*[request() for _ in range(100)])
        assert repr(guests.dedupe) == "<Dedupe [1 keys under way, 99 requests waiting]>"
        guests.go.set()
        answer = await first
        replayed = await asyncio.gather(*others)
        later = await guests.answer(request())

        assert len(guests.runs) == 1
        assert not answer.replayed
        assert {repr(replace(each, replayed=False)) for each in [*replayed, later]} == {repr(answer)}
        assert all(each.replayed for each in [*replayed, later])


@pytest.mark.promise("dedupe.once")
async def test_when_the_first_fails_the_next_in_line_runs_and_the_others_get_its_response(tmp_path: Path) -> None:
    requests = [request() for _ in range(5)]
    async with some_guests(tmp_path) as guests:
        guests.failing = {each.delivery_id for each in requests[:2]}
        tasks = await guests.send(*requests)
        guests.go.set()
        answers = await asyncio.gather(*tasks)

        assert [answer.status for answer in answers] == [502, 502, 200, 200, 200]
        assert guests.runs == [each.delivery_id for each in requests[:3]]
        assert [answer.delivery_id for answer in answers[2:]] == [requests[2].delivery_id] * 3


async def test_when_the_first_is_cancelled_the_next_in_line_runs(tmp_path: Path) -> None:
    requests = [request() for _ in range(3)]
    async with some_guests(tmp_path) as guests:
        first, second, third = await guests.send(*requests)
        first.cancel()
        await asyncio.wait([first])
        guests.go.set()

        assert (await second).delivery_id == (await third).delivery_id == requests[1].delivery_id
        assert guests.runs == [each.delivery_id for each in requests[:2]]


async def test_who_is_cancelled_just_as_their_turn_comes_passes_it_on(tmp_path: Path) -> None:
    requests = [request() for _ in range(4)]
    async with some_guests(tmp_path) as guests:
        guests.failing = {requests[0].delivery_id}
        first, second, third, fourth = await guests.send(*requests)
        first.add_done_callback(lambda _: second.cancel())
        third.cancel()
        guests.go.set()
        await asyncio.wait([first, second, third, fourth])

        assert second.cancelled()
        assert third.cancelled()
        assert fourth.result().delivery_id == requests[3].delivery_id
        assert guests.runs == [requests[0].delivery_id, requests[3].delivery_id]


async def test_requests_that_are_cancelled_at_any_moment_leave_the_line_in_order(tmp_path: Path) -> None:
    async with some_guests(tmp_path) as guests:
        guests.go.set()
        for turns in range(30):
            requests = [request(f"k{turns}") for _ in range(6)]
            guests.failing = {each.delivery_id for each in requests[:3]}
            tasks = [asyncio.create_task(guests.answer(each)) for each in requests]
            for _ in range(turns):
                await asyncio.sleep(0)
            for task in tasks[:5]:
                task.cancel()
            await asyncio.wait(tasks)
            assert tasks[5].result().status == 200


@pytest.mark.promise("dedupe.once")
async def test_another_body_under_a_known_key_is_409_and_runs_nothing(tmp_path: Path) -> None:
    async with some_guests(tmp_path) as guests:
        guests.go.set()
        await guests.answer(request())
        (conflicting,) = await guests.send(request(body=b"other"))

        assert await error_of(conflicting) == (409, "dedupe.conflict")
        assert len(guests.runs) == 1
        assert (await guests.answer(request())).replayed


async def test_another_body_that_waited_is_409_once_the_first_has_committed_and_runs_where_it_failed(tmp_path: Path) -> None:
    good, bad = request("good"), request("bad")
    async with some_guests(tmp_path) as guests:
        guests.failing = {bad.delivery_id}
        _, conflicting = await guests.send(good, request("good", b"other"))
        _, running, late = await guests.send(bad, request("bad", b"other"), request("bad"))
        assert not conflicting.done()
        guests.go.set()

        assert await error_of(conflicting) == (409, "dedupe.conflict")
        assert (await running).body == b"other"
        assert await error_of(late) == (409, "dedupe.conflict")


async def test_who_waits_is_told_to_come_again_at_their_own_deadline(tmp_path: Path) -> None:
    async with some_guests(tmp_path) as guests:
        (first,) = await guests.send(request())
        (waiting,) = await guests.send(request(deadline_ms=20))

        assert await error_of(waiting) == (503, "dedupe.waiting")
        guests.go.set()
        assert (await first).status == 200
        assert len(guests.runs) == 1


async def test_a_deadline_that_is_over_already_is_told_so_at_once(tmp_path: Path) -> None:
    late = request(deadline_ms=1_000)
    async with some_guests(tmp_path) as guests:
        await guests.send(request())
        (waiting,) = await guests.send(replace(late, received_ns=late.received_ns - 2 * 10**9))

        assert await error_of(waiting) == (503, "dedupe.waiting")
        guests.go.set()
        assert (await guests.answer(request())).replayed


async def test_no_more_requests_of_an_installation_wait_than_the_limit_queue_says(tmp_path: Path) -> None:
    async with some_guests(tmp_path) as guests:
        tasks = await guests.send(*[request(key, queue=3) for key in ("a", "b", "a", "a", "b")])
        (refused,) = await guests.send(request("a", queue=3))
        assert await error_of(refused) == (429, "limit.queue")
        more = await guests.send(request("c", queue=3), *[request("a", organization="elm", queue=3) for _ in range(2)])
        guests.go.set()

        assert [answer.status for answer in await asyncio.gather(*tasks, *more)] == [200] * 8
        assert (await guests.answer(request("a"))).replayed


@pytest.mark.promise("dedupe.once")
@pytest.mark.parametrize(
    "elsewhere", [{"organization": "elm"}, {"route": "other"}, {"key": "K"}, {"key": "k "}, {"key": "sha256:" + "0" * 64}], ids=str
)
async def test_the_same_key_elsewhere_is_another_key(tmp_path: Path, elsewhere: dict[str, Any]) -> None:
    async with some_guests(tmp_path) as guests:
        (first, other) = await guests.send(request(), request(**elsewhere))
        assert len(guests.runs) == 2
        guests.go.set()

        assert (await first).delivery_id != (await other).delivery_id
        assert (await guests.answer(request(**elsewhere))).delivery_id == (await other).delivery_id


async def test_an_expired_key_is_as_if_it_had_never_been(tmp_path: Path) -> None:
    async with some_guests(tmp_path) as guests:
        guests.go.set()
        first = await guests.answer(request(at=10**12))
        assert (await guests.answer(request(at=10**12 + MINUTE - 1))).delivery_id == first.delivery_id
        second = await guests.answer(request(body=b"other", at=10**12 + MINUTE))
        assert second.delivery_id != first.delivery_id
        assert not second.replayed
        assert (await guests.answer(request(body=b"other", at=10**12 + 2 * MINUTE - 1))).delivery_id == second.delivery_id


async def test_eight_days_are_the_default(tmp_path: Path) -> None:
    by_default = installation(described=described(dedupe={"header": "x-id"}))
    async with some_guests(tmp_path) as guests:
        guests.go.set()
        await guests.answer(replace(request(at=0), installation=by_default, route=by_default.manifest.routes[0]))

        assert guests.reads.execute("SELECT expires_at FROM dedupe_keys").fetchall() == [(8 * 24 * 60 * MINUTE,)]


async def test_a_route_that_lost_its_rule_claims_nothing_any_more(tmp_path: Path) -> None:
    async with some_guests(tmp_path) as guests:
        guests.go.set()
        await guests.answer(request("old"))
        upgraded = installation(described=described())
        receipt = request("new").current(lambda organization, plugin: upgraded)
        assert receipt.claim is None
        await guests.respond(replace(receipt, claim=Claim("new", b"body")))

        assert guests.reads.execute('SELECT "key" FROM dedupe_keys').fetchall() == [("old",)]


async def test_a_key_survives_an_upgrade_that_keeps_the_rule(tmp_path: Path) -> None:
    upgraded = installation(described=structs.replace(DEDUPED, version="2.0.0"))
    async with some_guests(tmp_path) as guests:
        guests.go.set()
        first = await guests.answer(request())
        again = request().current(lambda organization, plugin: upgraded)
        assert again.installation is upgraded

        assert (await guests.answer(again)).delivery_id == first.delivery_id


async def test_a_key_that_another_process_took_meanwhile_answers_with_its_response(tmp_path: Path) -> None:
    async with some_guests(tmp_path) as here:
        there = Guests(Database(tmp_path / "innkeeper.db"))
        here_first, here_waiting, here_other = await here.send(request(), request(), request(body=b"other"))
        there.go.set()
        winner = await there.answer(request())
        here.go.set()

        assert (await here_first).delivery_id == (await here_waiting).delivery_id == winner.delivery_id
        assert (await here_first).replayed
        assert await error_of(here_other) == (409, "dedupe.conflict")
        there.close()


async def test_a_key_that_is_taken_and_gone_again_is_run_again(tmp_path: Path) -> None:
    async with some_guests(tmp_path) as guests:
        taken = iter([True, True])

        async def respond(receipt: Receipt) -> Answer:
            if next(taken, False):
                raise KeyTaken
            return await guests.respond(receipt)

        guests.go.set()
        answer = await Dedupe(guests.reads, respond).answer(request(), Claim("k", b"body"))
        assert (answer.status, answer.replayed) == (200, False)


async def test_what_a_run_raises_is_its_callers_alone_and_the_next_one_runs(tmp_path: Path) -> None:
    async with some_guests(tmp_path) as guests:
        errors: Iterator[Exception] = iter([RequestError(404, "not-found", "gone"), ValueError("a defect")])

        async def respond(receipt: Receipt) -> Answer:
            await asyncio.sleep(0)
            if error := next(errors, None):
                raise error
            return await guests.respond(receipt)

        line = Dedupe(guests.reads, respond)
        guests.go.set()
        answers = await asyncio.gather(*[line.answer(request(), Claim("k", b"body")) for _ in range(4)], return_exceptions=True)

        assert [type(answer) for answer in answers] == [RequestError, ValueError, Answer, Answer]
        assert repr(line) == "<Dedupe [0 keys under way, 0 requests waiting]>"


async def test_purging_deletes_all_that_has_expired_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedupe, "PURGED_AT_ONCE", 3)
    async with some_guests(tmp_path) as guests:
        guests.go.set()
        for number in range(20):
            await guests.answer(request(str(number), at=1 if number % 2 else MINUTE))
        async with Writer(Database(tmp_path / "innkeeper.db")) as writer:
            await dedupe.purge(writer, MINUTE + 1)

        assert {key for (key,) in guests.reads.execute('SELECT "key" FROM dedupe_keys')} == {str(number) for number in range(0, 20, 2)}


requests = st.tuples(
    st.sampled_from(["oak", "elm"]), st.sampled_from(["hook", "other"]), st.sampled_from(["a", "b", "A"]),
    st.sampled_from([b"1", b"2"]), st.booleans(),
)  # fmt: skip
batches = st.lists(st.tuples(st.integers(0, 70_000), st.lists(requests, max_size=8)), max_size=8)
Known = dict[Place, tuple[bytes, str, int]]


def expected(known: Known, receipt: Receipt, fails: bool) -> tuple[int, str | None]:
    """The status, and the delivery id of the answer, when requests come one after the other."""
    assert receipt.claim is not None
    place = receipt.place(receipt.claim)
    body, delivery_id, expires_at = known.get(place, (b"", "", 0))
    if expires_at > receipt.received_at:
        return (200, delivery_id) if body == receipt.body else (409, None)
    if fails:
        return 502, receipt.delivery_id
    known[place] = (receipt.body, receipt.delivery_id, receipt.received_at + MINUTE)
    return 200, receipt.delivery_id


@pytest.fixture(scope="module")
def guests_of_one_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Guests]]:
    with a_database(tmp_path_factory.mktemp("model")) as database:

        def make() -> Guests:
            guests = Guests(database)
            guests.writes.execute("DELETE FROM dedupe_keys")
            return guests

        yield make


@pytest.mark.promise("dedupe.once")
@settings(max_examples=150, deadline=None)
@given(batches)
def test_requests_at_once_are_answered_as_one_after_the_other_would_be_by_a_dictionary(
    guests_of_one_database: Callable[[], Guests], batches: list[tuple[int, list[tuple[str, str, str, bytes, bool]]]]
) -> None:
    async def compare() -> None:
        guests, known, at = guests_of_one_database(), {}, 10**12
        guests.go.set()
        for later, batch in batches:
            at += later
            receipts = [request(key, body, organization, route, at) for organization, route, key, body, _ in batch]
            guests.failing = {receipt.delivery_id for receipt, (*_, fails) in zip(receipts, batch, strict=True) if fails}
            wanted = [expected(known, receipt, receipt.delivery_id in guests.failing) for receipt in receipts]
            answers = await asyncio.gather(*[guests.answer(receipt) for receipt in receipts], return_exceptions=True)
            assert [_told(answer) for answer in answers] == wanted
        live = {place: delivery_id for place, (_, delivery_id, expires_at) in known.items() if expires_at > at}
        for place, delivery_id in live.items():
            found = dedupe_keys.find(guests.reads, place, at)
            assert found is not None
            assert found.delivery_id == delivery_id
        guests.close()

    asyncio.run(compare())


def _told(answer: Answer | BaseException) -> tuple[int, str | None]:
    if isinstance(answer, DedupeError):
        return answer.status, None
    assert isinstance(answer, Answer), answer
    return answer.status, answer.delivery_id
