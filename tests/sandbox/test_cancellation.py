"""Cancellation at any moment: nothing stays behind."""

import asyncio
import gc
import os
import threading
from collections.abc import Awaitable, Callable
from ctypes import CDLL
from typing import Any

import pytest

from host.model.limits import MIB
from host.sandbox import callbacks
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.engine import THREADS, engine
from host.sandbox.instance import Instance

Tools = Callable[[dict[str, Any]], Awaitable[Component]]
NewCall = Callable[..., Call]
Run = Callable[..., Awaitable[Any]]


def maps() -> int:
    with open("/proc/self/maps") as file:
        return sum(1 for _ in file)


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def start_every_thread() -> None:
    """An executor starts its threads one by one, as they are needed."""
    all_of_them = threading.Barrier(THREADS)
    for thread in [engine().threads.submit(all_of_them.wait) for _ in range(THREADS)]:
        thread.result()


@pytest.mark.promise("isolation.calls.nothing-left")
async def test_cancellation_at_any_moment_leaves_nothing_behind(tools: Tools, new_call: NewCall, run: Run) -> None:
    """Inline, waiting, on a thread, during the start: cancelled after every number of turns of the loop."""

    async def slow(context: Any, key: str) -> str:
        for _ in range(3):
            await asyncio.sleep(0)
        return key

    component = await tools({"get": slow})

    async def work(kind: str) -> None:
        instance = await Instance.start(component, new_call())
        try:
            await run(instance, *({"ask": ("ask", ["x"]), "spin": ("spin", []), "count": ("count", [2_000_000])}[kind]), new_call())
        finally:
            instance.close()

    async def round_(turns: int) -> None:
        for kind in ("ask", "spin", "count"):
            task = asyncio.create_task(work(kind))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])

    live, tasks = callbacks.live(), len(asyncio.all_tasks())
    start_every_thread()
    for turns in range(12):
        await round_(turns)
    gc.collect()
    before = threading.active_count(), maps(), resident()
    for turns in [*range(12)] * 3:
        await round_(turns)
    gc.collect()
    assert callbacks.live() == live
    assert len(asyncio.all_tasks()) == tasks
    assert threading.active_count() == before[0]
    assert maps() <= before[1] + 20
    assert resident() <= before[2] + 8 * MIB


async def test_results_that_nobody_waits_for_are_freed(tools: Tools, new_call: NewCall, run: Run) -> None:
    """The guest returns seven megabytes on a thread while its caller is cancelled.

    Kept, thirty of them would be 210 MiB. What malloc keeps for itself differs by load, so it is asked to give that back first.
    """
    component = await tools({})

    async def cancelled_calls(count: int) -> int:
        for _ in range(count):
            instance = await Instance.start(component, new_call())
            component.calls_elsewhere = 1
            task = asyncio.create_task(run(instance, "return", [7 * MIB], new_call()))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        gc.collect()
        CDLL(None).malloc_trim(0)
        return resident()

    start_every_thread()
    before = await cancelled_calls(10)
    assert await cancelled_calls(30) <= before + 50 * MIB


async def test_a_call_on_a_thread_whose_coroutine_is_closed_ends_before_its_store(tools: Tools, new_call: NewCall, run: Run) -> None:
    """As when an event loop goes away with calls in it: what is not awaited to its end must not be freed under the thread."""
    component = await tools({})
    live = callbacks.live()
    for _ in range(20):
        instance = await Instance.start(component, new_call())
        component.calls_elsewhere = 1
        coroutine = run(instance, "spin", [], new_call())
        coroutine.send(None)
        coroutine.close()
        assert instance.closed
    assert callbacks.live() == live


async def test_a_log_that_fails_closes_the_instance_and_leaks_nothing(tools: Tools, new_call: NewCall, run: Run) -> None:
    def broken(level: str, message: str) -> None:
        raise ValueError("the log is full")

    instance = await Instance.start(await tools({}), new_call())
    instance.wasi.outputs[1].write(b"unfinished", broken)
    with pytest.raises(ValueError, match="full"):
        await run(instance, "echo", ["x"], new_call(log=broken))
    assert instance.closed
