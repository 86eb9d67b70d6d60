"""Where a guest runs: on the event loop while it is quick, then on a worker thread; and that the loop goes on in any case."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from host.model.errors import DeadlineExceeded
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import Instance
from host.sandbox.wasi import WRITE_ALLOWANCE

Tools = Callable[[dict[str, Any]], Awaitable[Component]]
Load = Callable[..., Awaitable[Component]]
Guest = Callable[..., str]
NewCall = Callable[..., Call]
Run = Callable[..., Awaitable[Any]]


async def turns_until(work: "asyncio.Task[Any]") -> int:
    """How many turns the event loop takes while something goes on."""
    turns = 0
    while not work.done():
        await asyncio.sleep(0)
        turns += 1
    return turns


async def test_a_quick_call_runs_on_the_event_loops_own_thread(tools: Tools, new_call: NewCall, run: Run) -> None:
    seen: list[int] = []
    instance = await Instance.start(await tools({"tell": lambda context, k: seen.append(threading.get_ident())}), new_call())
    await run(instance, "tell", [""], new_call())
    assert seen == [threading.get_ident()]
    instance.close()


async def test_a_call_that_keeps_computing_leaves_the_loop_to_others(tools: Tools, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await tools({}), new_call())
    work = asyncio.create_task(run(instance, "spin", [], new_call(fuel=10**15, deadline_ms=300)))
    assert await turns_until(work) > 50
    with pytest.raises(DeadlineExceeded):
        await work


async def test_host_functions_that_wait_start_on_the_loop_whatever_thread_polls(tools: Tools, new_call: NewCall, run: Run) -> None:
    seen: set[int] = set()

    async def get(context: Any, key: str) -> str:
        seen.add(threading.get_ident())
        return key

    component = await tools({"get": get})
    instance = await Instance.start(component, new_call())
    component.calls_elsewhere = 1
    assert await run(instance, "ask", ["x"], new_call()) == "x"
    assert seen == {threading.get_ident()}
    instance.close()


async def test_host_functions_that_do_not_wait_run_on_the_thread_that_polls(tools: Tools, new_call: NewCall, run: Run) -> None:
    seen: list[str] = []
    component = await tools({"tell": lambda context, k: seen.append(threading.current_thread().name)})
    instance = await Instance.start(component, new_call())
    component.calls_elsewhere = 1
    await run(instance, "tell", [""], new_call())
    assert seen[0].startswith("innkeeper-guest")
    instance.close()


ASKING = """(func (export "ask-forever") (loop $again (call $now) (br $again)))
  (func (export "compute-and-ask-forever") (local i32) (loop $again
    (local.set 0 (i32.const 1000000))
    (loop $compute (br_if $compute (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (call $now)
    (br $again)))"""


@pytest.mark.parametrize("name", ["ask-forever", "compute-and-ask-forever"])
async def test_asking_functions_that_answer_at_once_forever_does_not_hold_the_loop(
    load: Load, guest: Guest, new_call: NewCall, run: Run, name: str
) -> None:
    """Such a guest never waits, and never computes for a whole slice: without a limit on inline time no deadline would ring."""

    async def now(context: Any) -> None:
        return None

    imports = '(import "innkeeper:plugin/store@0.1.0" (instance $store (export "now" (func))))'
    names = ["ask-forever", "compute-and-ask-forever"]
    exports = "".join(f'(func (export "{n}") (canon lift (core func $i "{n}")))' for n in names)
    wat = guest(ASKING, exports, imports, {"now": '(canon lower (func $store "now")) => '})
    instance = await Instance.start(await load(wat, {"store": {"now": now}}), new_call())
    work = asyncio.create_task(run(instance, name, [], new_call(fuel=10**15, host_calls=10**9, deadline_ms=300)))
    assert await turns_until(work) > 30
    with pytest.raises(DeadlineExceeded):
        await work


async def test_what_host_functions_take_of_the_loop_counts_too(tools: Tools, new_call: NewCall, run: Run) -> None:
    async def tell(context: Any, key: str) -> None:
        end = time.thread_time() + 0.002
        while time.thread_time() < end:
            pass

    instance = await Instance.start(await tools({"tell": tell}), new_call())
    work = asyncio.create_task(run(instance, "tell-often", [50], new_call()))
    assert await turns_until(work) > 30
    instance.close()


async def test_after_a_call_that_blocked_the_loop_the_next_ones_start_elsewhere(
    load: Load, wasi_guest: str, new_call: NewCall, run: Run
) -> None:
    """As much as one write may hold, as a list of bytes: wasmtime converts it in one go, which nothing can interrupt."""
    component = await load(wasi_guest)
    instance = await Instance.start(component, new_call())
    for _ in range(5):
        await run(instance, "write-at-once", [WRITE_ALLOWANCE], new_call())
    assert component.calls_elsewhere > 0
    work = asyncio.create_task(run(instance, "write-at-once", [WRITE_ALLOWANCE], new_call()))
    assert await turns_until(work) > 1
    instance.close()


async def test_many_computing_guests_share_the_threads_fairly(tools: Tools, new_call: NewCall, run: Run) -> None:
    """Two that never end hold both threads, and a third one still gets its turns."""
    component = await tools({})
    hogs = [
        asyncio.create_task(run(await Instance.start(component, new_call()), "spin", [], new_call(fuel=10**15, deadline_ms=20_000)))
        for _ in range(4)
    ]
    instance = await Instance.start(component, new_call())
    component.calls_elsewhere = 1
    assert await run(instance, "count", [20_000_000], new_call()) == 20_000_000
    assert not any(hog.done() for hog in hogs)
    for hog in hogs:
        hog.cancel()
    await asyncio.wait(hogs)
    instance.close()


async def test_a_cancelled_call_on_a_thread_ends_at_the_next_tick(tools: Tools, new_call: NewCall, run: Run) -> None:
    component = await tools({})
    for _ in range(30):
        instance = await Instance.start(component, new_call())
        component.calls_elsewhere = 1
        work = asyncio.create_task(run(instance, "spin", [], new_call(fuel=10**15, deadline_ms=60_000)))
        await asyncio.sleep(0)
        work.cancel()
        work.cancel()
        await asyncio.wait([work])
        assert work.cancelled()
        assert instance.closed


async def test_what_a_guest_takes_while_another_one_computes_is_counted_with_both(tools: Tools, new_call: NewCall, run: Run) -> None:
    pages, taken = 960, 960 * 64 * 1024
    component = await tools({})
    spinner, grower = [await Instance.start(component, new_call()) for _ in range(2)]
    component.calls_elsewhere = 2
    spinning = asyncio.create_task(run(spinner, "spin", [], new_call(fuel=10**15)))
    while "busy" not in repr(spinner):  # noqa: ASYNC110  # it tells nobody
        await asyncio.sleep(0)

    await run(grower, "grow", [pages], new_call())

    assert grower.weight >= taken // 3
    assert grower.memory < taken // 3, "who took it is not certain, so the figure of its calls leaves it out"
    spinning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await spinning
    grower.close()
