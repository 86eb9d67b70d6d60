"""Every limit of a call, its own error, what is just within it, and fuel's figures."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from host.model.errors import DeadlineExceeded, GuestError, LimitExceeded, OutOfFuel
from host.model.limits import MIB
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import FUEL_PER_HOST_CALL, Instance

Tools = Callable[[dict[str, Any]], Awaitable[Component]]
NewCall = Callable[..., Call]
Run = Callable[..., Awaitable[Any]]


async def get(context: Any, key: str) -> str:
    await asyncio.sleep(0)
    return f"<{key}>"


async def assert_fails(tools: Tools, new_call: NewCall, run: Run, name: str, arguments: list[Any], **limits: int) -> GuestError:
    """The error of a call that is to fail; the instance is closed, and a neighbour unharmed."""
    component = await tools({"get": get})
    neighbour = await Instance.start(component, new_call())
    instance = await Instance.start(component, new_call(**{k: v for k, v in limits.items() if k in ("memory", "table_elements")}))
    with pytest.raises(GuestError) as failed:
        await run(instance, name, arguments, new_call(**limits))
    assert instance.closed
    with pytest.raises(RuntimeError, match="can't be called now"):
        await run(instance, "echo", ["x"], new_call())
    assert await run(neighbour, "echo", ["x"], new_call()) == "x"
    neighbour.close()
    return failed.value


@pytest.mark.promise("limits.typed-errors")
@pytest.mark.parametrize(
    ("name", "arguments", "limits", "code"),
    [
        ("spin", [], {"fuel": 1_000_000}, "fuel"),
        ("count", [10**9], {"fuel": 1_000_000}, "fuel"),
        ("spin", [], {"fuel": 10**15, "deadline_ms": 60}, "deadline"),
        ("recurse", [], {}, "limit.stack"),
        ("grow", [100], {"memory": MIB}, "limit.memory"),
        ("grow", [60_000], {}, "limit.memory"),
        ("grow-table", [101], {"table_elements": 100}, "limit.table-elements"),
        ("grow-table", [2**31], {}, "limit.table-elements"),
        ("tell-often", [11], {"host_calls": 10}, "limit.host-calls"),
        ("return", [101], {"output_bytes": 100}, "limit.output-bytes"),
        ("return", [50 * MIB], {}, "limit.output-bytes"),
        ("tell", ["x" * 101], {"output_bytes": 100}, "limit.output-bytes"),
        ("ask", ["x" * 99], {"answer_bytes": 100}, "limit.answer-bytes"),
        ("trap", [], {}, "trap"),
    ],
)
async def test_a_limit_ends_the_call_with_its_own_error(
    tools: Tools, new_call: NewCall, run: Run, name: str, arguments: list[Any], limits: dict[str, int], code: str
) -> None:
    assert (await assert_fails(tools, new_call, run, name, arguments, **limits)).code == code


@pytest.mark.parametrize(
    ("name", "arguments", "limits"),
    [
        ("count", [100_000], {"fuel": 1_000_000}),
        ("grow", [12], {"memory": MIB}),
        ("grow", [0], {"memory": 4 * 65536}),
        ("grow-table", [99], {"table_elements": 100}),
        ("tell-often", [10], {"host_calls": 10}),
        ("return", [100], {"output_bytes": 100}),
        ("echo", ["x" * 100], {"input_bytes": 100}),
        ("ask", ["x" * 98], {"answer_bytes": 100}),
        ("return", [7 * MIB], {}),
    ],
)
async def test_what_is_just_within_a_limit_succeeds(
    tools: Tools, new_call: NewCall, run: Run, name: str, arguments: list[Any], limits: dict[str, int]
) -> None:
    component = await tools({})
    instance = await Instance.start(component, new_call(**{k: v for k, v in limits.items() if k in ("memory", "table_elements")}))
    assert await run(instance, name, arguments, new_call(**limits)) != -1
    assert not instance.closed
    instance.close()


async def test_arguments_over_the_limit_are_refused_before_the_guest_runs(tools: Tools, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await tools({}), new_call())
    with pytest.raises(LimitExceeded) as refused:
        await run(instance, "echo", ["x" * 101], new_call(input_bytes=100))
    assert refused.value.code == "limit.input-bytes"
    assert await run(instance, "calls", [], new_call()) == 1
    instance.close()


@pytest.mark.promise("limits.deadline")
async def test_a_deadline_ends_a_call_that_waits(tools: Tools, new_call: NewCall, run: Run) -> None:
    ended = asyncio.Event()

    async def never(context: Any, key: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return key

    instance = await Instance.start(await tools({"get": never}), new_call())
    with pytest.raises(DeadlineExceeded):
        await run(instance, "ask", [""], new_call(deadline_ms=30))
    assert ended.is_set()
    assert instance.closed


async def test_a_deadline_counts_from_the_moment_that_the_call_names(tools: Tools, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await tools({"get": get}), new_call())
    late = new_call(deadline_ms=60_000)
    late.deadline_at = asyncio.get_running_loop().time() - 1
    with pytest.raises(DeadlineExceeded):
        await run(instance, "ask", [""], late)


@pytest.mark.promise("limits.deadline")
async def test_a_call_that_starts_after_its_deadline_fails_even_if_it_never_waits(tools: Tools, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await tools({}), new_call())
    late = new_call()
    late.deadline_at = asyncio.get_running_loop().time() - 1
    with pytest.raises(DeadlineExceeded):
        await run(instance, "yes", [], late)
    assert instance.closed


@pytest.mark.promise("limits.deadline")
async def test_a_host_function_that_never_lets_the_loop_turn_does_not_hide_the_deadline(tools: Tools, new_call: NewCall, run: Run) -> None:
    async def busy(context: Any, key: str) -> str:
        while asyncio.get_running_loop().time() <= late.deadline_at:
            pass
        return key

    instance = await Instance.start(await tools({"get": busy}), new_call())
    late = new_call()
    late.deadline_at = asyncio.get_running_loop().time() + 0.005
    with pytest.raises(DeadlineExceeded):
        await run(instance, "ask", ["x"], late)


@pytest.mark.promise("limits.deadline")
async def test_a_host_function_that_swallows_the_deadline_does_not_prolong_the_call(tools: Tools, new_call: NewCall, run: Run) -> None:
    async def stubborn(context: Any, key: str) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "later"
        return "never"

    for name in ("ask", "ask-and-spin"):
        instance = await Instance.start(await tools({"get": stubborn}), new_call())
        with pytest.raises(DeadlineExceeded):
            await run(instance, name, [""], new_call(deadline_ms=30))
        assert instance.closed


async def test_a_host_function_that_turns_a_cancellation_into_its_own_error_does_not_hide_it(
    tools: Tools, new_call: NewCall, run: Run
) -> None:
    inside = asyncio.Event()

    async def confused(context: Any, key: str) -> str:
        inside.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("somebody disturbed me") from None
        return key

    instance = await Instance.start(await tools({"get": confused}), new_call())
    task = asyncio.create_task(run(instance, "ask", [""], new_call()))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert instance.closed


async def test_fuel_is_the_same_for_the_same_work(tools: Tools, new_call: NewCall, run: Run) -> None:
    component = await tools({"get": get})
    figures = set()
    for _ in range(20):
        instance = await Instance.start(component, new_call())
        used = new_call()
        await run(instance, "count", [300_000], used)
        figures.add(used.usage.fuel)
        instance.close()
    assert len(figures) == 1
    assert 300_000 < figures.pop() < 10 * 300_000


async def test_a_host_call_costs_fuel_by_itself_and_by_the_byte(tools: Tools, new_call: NewCall, run: Run) -> None:
    component = await tools({"get": lambda context, k: "y" * 500})
    instance = await Instance.start(component, new_call())
    figures = []
    for name, text in [("tell", ""), ("tell", "x" * 300), ("ask", "")]:
        used = new_call()
        await run(instance, name, [text], used)
        figures.append(used.usage.fuel)
    nothing, bytes_out, bytes_in = figures
    assert FUEL_PER_HOST_CALL < nothing < FUEL_PER_HOST_CALL + 100
    assert 300 <= bytes_out - nothing <= 350
    assert 500 <= bytes_in - nothing <= 600
    instance.close()


async def test_host_calls_alone_use_up_the_fuel(tools: Tools, new_call: NewCall, run: Run) -> None:
    asked = 0

    def tell(context: Any, key: str) -> None:
        nonlocal asked
        asked += 1

    instance = await Instance.start(await tools({"tell": tell}), new_call())
    with pytest.raises(OutOfFuel):
        await run(instance, "tell-often", [1_000_000], new_call(fuel=20 * FUEL_PER_HOST_CALL, host_calls=10**9))
    assert 10 < asked < 25
