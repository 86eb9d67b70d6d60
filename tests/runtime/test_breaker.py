"""The breaker: what fails again and again is called no more, and nobody else is concerned."""

from pathlib import Path

import pytest
from msgspec.json import decode

from host.model.errors import (
    DeadlineExceeded,
    Failed,
    InnkeeperError,
    LimitExceeded,
    LostToOthers,
    OutOfFuel,
    Rejected,
    RequestError,
    Trap,
)
from host.model.installation import Installation, Secrets
from host.model.limits import Limits
from host.model.manifest import Manifest, Public, Route, Token
from host.model.options import HostOptions
from host.runtime.breaker import Breakers, open_breaker
from host.runtime.enable import disable, enable
from host.runtime.lifecycle import LifecycleCall
from host.runtime.response import CheckedResponse
from host.runtime.run import Run
from host.runtime.runtime import Runtime
from stores import conditions
from tests.guests_wat import Fail, Handler, Memory, Respond
from tests.runtime.hosts import ORGANIZATION, a_host, installed, receipt, records, send
from tests.runtime.living import keeping, living, status


class OnDemand(Handler):
    """Traps where the body begins with an x, else answers."""

    def build(self, memory: Memory) -> str:
        answer = Respond(body=b"pong").build(memory)
        body = "(i32.load8_u (i32.load offset=60 (local.get $request)))"
        return f"(if (result i32) (i32.eq {body} (i32.const 120)) (then (unreachable)) (else {answer}))"


def installation(organization: str = "acme", digest: str = "d") -> Installation:
    routes = [Route(name="r", path="/", auth=Token()), Route(name="anybody", path="/anybody", auth=Public())]
    manifest = Manifest(name="p", version="1.0.0", description="x", routes=routes)
    return Installation(
        organization=organization, plugin="p", digest=digest, manifest=manifest, settings="{}", grants=frozenset(), secrets=Secrets({}),
        limits=Limits(),
    )  # fmt: skip


def run(error: InnkeeperError | None = None, response: int = 200, organization: str = "acme", digest: str = "d", route: str = "r") -> Run:
    made = Run(receipt(installation(organization, digest), route), error=error)
    made.value = None if error else CheckedResponse(response, [], b"")
    return made


class Clock:
    """Seconds, as the test says."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_failures_in_a_row_within_the_window_open_it() -> None:
    clock = Clock()
    breakers = Breakers(3, 60, clock)
    assert [breakers.saw(run(Trap())) for _ in range(2)] == [None, None]
    assert breakers.saw(run(Failed("no"))) == "breaker: 3 failures in a row within 60 s; the last: no (failed)"
    assert breakers.saw(run(Trap())) is None


def test_a_success_and_a_rejection_say_that_the_plugin_works() -> None:
    for good in (run(), run(Rejected("no")), run(response=404)):
        breakers = Breakers(2, 60, Clock())
        assert [breakers.saw(each) for each in (run(Trap()), good, run(Trap()))] == [None] * 3


def test_failures_that_are_old_do_not_count() -> None:
    clock = Clock()
    breakers = Breakers(3, 60, clock)
    for clock.now in (0.0, 50.0, 100.0, 150.0, 200.0):
        assert breakers.saw(run(Trap())) is None
    clock.now = 201.0
    assert breakers.saw(run(Trap())) is not None


@pytest.mark.parametrize("error", [Trap(), Failed(), OutOfFuel(), DeadlineExceeded(), LimitExceeded("memory", "x")])
def test_what_is_the_plugins_fault_counts(error: InnkeeperError) -> None:
    assert Breakers(1, 60, Clock()).saw(run(error)) is not None


@pytest.mark.parametrize(
    "error", [LostToOthers(), LimitExceeded("input-bytes", "x"), RequestError(503, "host.full", "x"), InnkeeperError(), Rejected()]
)
def test_what_is_not_the_plugins_fault_does_not_count(error: InnkeeperError) -> None:
    assert Breakers(1, 60, Clock()).saw(run(error)) is None


def test_another_organisation_and_another_version_have_a_record_of_their_own() -> None:
    breakers = Breakers(2, 60, Clock())
    assert breakers.saw(run(Trap())) is None
    assert breakers.saw(run(Trap(), organization="other")) is None
    assert breakers.saw(run(Trap(), digest="e")) is None
    assert breakers.saw(run(Trap(), organization="other")) is not None


@pytest.mark.promise("breaker.strangers")
def test_what_strangers_send_counts_neither_for_nor_against() -> None:
    breakers = Breakers(2, 60, Clock())
    assert [breakers.saw(run(Trap(), route="anybody")) for _ in range(5)] == [None] * 5
    assert breakers.saw(run(Trap())) is None
    assert breakers.saw(run(route="anybody")) is None
    assert breakers.saw(run(Trap())) is not None


def test_none_opens_where_the_operator_wants_none_and_stages_of_life_do_not_count() -> None:
    assert [Breakers(0, 60, Clock()).saw(run(Trap())) for _ in range(5)] == [None] * 5
    stage = Run(LifecycleCall(installation=installation(), function="stop"), error=Trap())
    assert Breakers(1, 60, Clock()).saw(stage) is None


def test_it_remembers_no_more_than_fails() -> None:
    breakers = Breakers(5, 60, Clock())
    for number in range(100):
        breakers.saw(run(Trap(), organization=f"o{number}"))
        breakers.saw(run(organization=f"o{number}"))
    assert repr(breakers) == "<Breakers [0 installations that fail]>"


def is_open(runtime: Runtime, organization: str = ORGANIZATION) -> bool:
    found = runtime.installation(organization, "probe")
    assert found is not None
    return found.breaker_open


async def broken(runtime: Runtime, times: int = 2) -> None:
    for _ in range(times):
        assert (await send(runtime, "probe", "ping", b"x")).status == 502


@pytest.mark.promise("breaker.neighbours")
async def test_an_installation_that_fails_again_and_again_is_called_no_more_and_its_neighbour_is(tmp_path: Path) -> None:
    for organization in (ORGANIZATION, "other"):
        await installed(tmp_path, living({}, OnDemand()), organization=organization)
    async with a_host(tmp_path, HostOptions(breaker_failures=2)) as runtime:
        await broken(runtime)
        assert is_open(runtime)
        assert status(runtime) == ("error", status(runtime)[1])
        assert "2 failures in a row within 60 s" in str(status(runtime)[1])
        answer = await send(runtime, "probe", "ping")
        assert (answer.status, decode(answer.body)["error"]["code"]) == (503, "breaker.open")
        assert ("retry-after", "60") in answer.headers
        assert [each.outcome for each in records(runtime)].count("refused") == 1
        assert (await send(runtime, "probe", "ping", organization="other")).body == b"pong"
        assert status(runtime, "other") == ("running", None)


async def test_an_operator_closes_it(tmp_path: Path) -> None:
    await installed(tmp_path, living({"start": keeping("started"), "stop": keeping("stopped")}, OnDemand()))
    async with a_host(tmp_path, HostOptions(breaker_failures=2)) as runtime:
        await broken(runtime)
        done = await enable(runtime, ORGANIZATION, "probe")
        assert (done.changed, done.status, done.reason) == (True, "running", None)
        assert (await send(runtime, "probe", "ping")).body == b"pong"
        await broken(runtime)
        assert is_open(runtime)
        await disable(runtime, ORGANIZATION, "probe")
        assert [each.name for each in records(runtime) if each.kind == "lifecycle"][-1] == "stop"


async def test_a_new_version_closes_it_and_one_that_does_not_start_leaves_it_open(tmp_path: Path) -> None:
    await installed(tmp_path, living({}, OnDemand()))
    async with a_host(tmp_path, HostOptions(breaker_failures=2)) as runtime:
        await broken(runtime)
        with pytest.raises(InnkeeperError, match="not installed"):
            await installed(tmp_path, living({"start": Fail("no")}, OnDemand(), version="2.0.0"))
        assert is_open(runtime)
        await installed(tmp_path, living({}, OnDemand(), version="2.0.1"))
        assert not is_open(runtime)
        assert status(runtime) == ("running", None)
        assert (await send(runtime, "probe", "ping")).body == b"pong"


async def test_failures_of_a_version_that_is_gone_open_nothing(tmp_path: Path) -> None:
    await installed(tmp_path, living({}, OnDemand()))
    async with a_host(tmp_path, HostOptions(breaker_failures=1)) as runtime:
        old = runtime.installation(ORGANIZATION, "probe")
        assert old is not None
        await installed(tmp_path, living({}, OnDemand(), version="2.0.0"))
        await runtime.writer.commit(lambda connection: open_breaker(connection, old, "late"))
        assert not is_open(runtime)
        condition = conditions.get(runtime.reads, ORGANIZATION, "probe")
        assert condition is not None
        assert (condition.status, condition.breaker_opened_at) == ("running", None)
