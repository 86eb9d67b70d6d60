"""The end of a host: what is under way finishes, or is dropped and recorded; nothing is stored by half."""

import asyncio
from pathlib import Path

import pytest

from host.runtime.ending import Ending, ShuttingDown
from tests.guests_wat import Code, Respond, manifest, plugin
from tests.runtime.hosts import a_host, installed, records, send, under_way
from tests.waiting_guest import waiting

ROUTE = {"name": "ping", "path": "/ping", "auth": {"type": "public"}}
DESCRIBED = manifest(ROUTE)


@pytest.mark.parametrize("component", [waiting(DESCRIBED), plugin(DESCRIBED, Code("(loop $l (br $l)) (unreachable)"))])
@pytest.mark.promise("ending.recorded")
async def test_what_is_dropped_is_answered_and_recorded_with_its_own_code(tmp_path: Path, component: bytes) -> None:
    await installed(tmp_path, component)
    async with a_host(tmp_path) as runtime:
        request = asyncio.create_task(send(runtime, "probe", "ping"))
        await under_way(runtime)
        runtime.ending.drop()
        answer = await asyncio.wait_for(request, 20)
        [record] = records(runtime)

    assert (answer.status, ("retry-after", "1") in answer.headers, b'"shutdown"' in answer.body) == (503, True, True)
    assert (record.outcome, record.status, record.error_code, record.id) == ("failed", 503, "shutdown", answer.delivery_id)


async def test_a_host_that_is_closed_records_what_was_under_way_before_its_database_goes(tmp_path: Path) -> None:
    await installed(tmp_path, waiting(DESCRIBED))
    async with a_host(tmp_path) as runtime:
        requests = [asyncio.create_task(send(runtime, "probe", "ping")) for _ in range(3)]
        await under_way(runtime, 3)
    async with a_host(tmp_path) as runtime:
        found = records(runtime)

    assert [(await request).status for request in requests] == [503] * 3
    assert [(record.outcome, record.error_code) for record in found] == [("failed", "shutdown")] * 3


async def test_what_waits_in_line_is_dropped_too_and_what_comes_afterwards_never_runs(tmp_path: Path) -> None:
    await installed(tmp_path, plugin(DESCRIBED, Respond()))
    async with a_host(tmp_path) as runtime:
        runtime.ending.drop()
        answer = await send(runtime, "probe", "ping")
        [record] = records(runtime)

    assert answer.status == 503
    assert (record.error_code, record.fuel) == ("shutdown", 0)


async def test_what_ends_within_the_time_of_grace_is_as_ever(tmp_path: Path) -> None:
    await installed(tmp_path, waiting(DESCRIBED, milliseconds=50))
    async with a_host(tmp_path) as runtime:
        request = asyncio.create_task(send(runtime, "probe", "ping"))
        await under_way(runtime)
        runtime.ending.begin()
        answer = await request
        [record] = records(runtime)

    assert (answer.status, answer.body, record.outcome) == (200, b"done", "succeeded")


async def test_a_commit_that_has_begun_is_not_dropped() -> None:
    ending, outcome = Ending(), []
    begun = asyncio.Event()

    async def work() -> None:
        with ending.underway():
            async with ending.droppable():
                await asyncio.sleep(0)
            begun.set()
            await asyncio.sleep(0.01)  # stands for the commit
            outcome.append("committed")

    task = asyncio.create_task(work())
    await begun.wait()
    await ending.finish()

    assert (outcome, task.done(), task.cancelled()) == (["committed"], True, False)


async def test_a_time_out_of_ones_own_is_none_of_the_hosts_end() -> None:
    ending = Ending()
    with pytest.raises(TimeoutError):
        async with ending.droppable():
            raise TimeoutError


async def test_what_is_nested_is_dropped_once() -> None:
    ending = Ending()
    waiting = asyncio.Event()

    async def work() -> str:
        try:
            async with ending.droppable(), ending.droppable():
                waiting.set()
                await asyncio.Event().wait()
        except ShuttingDown:
            await asyncio.sleep(0)  # no cancellation is left over
            return "dropped"
        return "done"

    task = asyncio.create_task(work())
    await waiting.wait()
    ending.drop()
    ending.drop()

    assert await task == "dropped"


async def test_its_state_can_be_seen() -> None:
    ending = Ending()
    states = [repr(ending)]
    ending.begin()
    states.append(repr(ending))
    ending.drop()
    with ending.underway():
        states.append(repr(ending))

    assert states == ["<Ending [not yet, 0 under way]>", "<Ending [begun, 0 under way]>", "<Ending [dropping, 1 under way]>"]
