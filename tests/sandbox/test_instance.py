"""Calls of guests: what they give, one after the other and many at once."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from host.model.errors import HostFunctionError
from host.sandbox import callbacks
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import Instance

Tools = Callable[[dict[str, Any]], Awaitable[Component]]
NewCall = Callable[..., Call]
Run = Callable[..., Awaitable[Any]]


async def get(context: Any, key: str) -> str:
    await asyncio.sleep(0)
    return f"<{key}>"


def get_now(context: Any, key: str) -> str:
    return f"<{key}>"


async def test_a_call_gives_what_the_guest_returns(tools: Tools, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await tools({}), new_call())
    assert await run(instance, "echo", ["héllo\0😀"], new_call()) == "héllo\0😀"
    assert await run(instance, "echo", [""], new_call()) == ""
    assert [await run(instance, "calls", [], new_call()) for _ in range(3)] == [1, 2, 3]
    instance.close()


@pytest.mark.parametrize("function", [get, get_now])
async def test_a_host_function_is_asked_and_answers(tools: Tools, new_call: NewCall, run: Run, function: Any) -> None:
    instance = await Instance.start(await tools({"get": function}), new_call())
    asked = new_call()
    assert await run(instance, "ask", ["ké"], asked) == "<ké>"
    assert asked.usage.host_calls == 1
    instance.close()


async def test_a_host_function_gets_the_context_of_its_call(tools: Tools, new_call: NewCall, run: Run) -> None:
    def who(context: Any, key: str) -> str:
        return str(context)

    instance = await Instance.start(await tools({"get": who}), new_call())
    assert [await run(instance, "ask", [""], new_call(context=n)) for n in range(3)] == ["0", "1", "2"]
    instance.close()


async def test_a_guest_waits_while_another_is_answered(tools: Tools, new_call: NewCall, run: Run) -> None:
    answer = asyncio.Event()

    async def slow(context: Any, key: str) -> str:
        await answer.wait()
        return key

    component = await tools({"get": slow})
    waiting, other = [await Instance.start(component, new_call()) for _ in range(2)]
    task = asyncio.create_task(run(waiting, "ask", ["slow"], new_call()))
    for _ in range(20):
        assert await run(other, "echo", ["quick"], new_call()) == "quick"
    assert not task.done()
    answer.set()
    assert await task == "slow"
    waiting.close()
    other.close()


async def test_a_thousand_guests_wait_at_once_without_a_thread_each(tools: Tools, new_call: NewCall, run: Run) -> None:
    everybody, answer, inside = asyncio.Event(), asyncio.Event(), 0

    async def slow(context: Any, key: str) -> str:
        nonlocal inside
        inside += 1
        if inside == 1000:
            everybody.set()
        await answer.wait()
        return key + "!"

    component = await tools({"get": slow})
    threads, live = threading.active_count(), callbacks.live()
    instances = [await Instance.start(component, new_call()) for _ in range(1000)]
    calls = [asyncio.create_task(run(instance, "ask", [str(i)], new_call())) for i, instance in enumerate(instances)]
    async with asyncio.timeout(30):
        await everybody.wait()
    assert callbacks.live() - live == 1000
    assert threading.active_count() <= threads + 2
    answer.set()
    assert await asyncio.gather(*calls) == [f"{i}!" for i in range(1000)]
    for instance in instances:
        instance.close()
    assert callbacks.live() == live


async def test_a_guest_that_is_in_a_call_takes_no_other_and_is_not_closed(tools: Tools, new_call: NewCall, run: Run) -> None:
    answer = asyncio.Event()

    async def slow(context: Any, key: str) -> str:
        await answer.wait()
        return key

    instance = await Instance.start(await tools({"get": slow}), new_call())
    task = asyncio.create_task(run(instance, "ask", ["x"], new_call()))
    await asyncio.sleep(0)
    assert "busy" in repr(instance)
    with pytest.raises(RuntimeError, match="can't be called now"):
        await run(instance, "echo", ["x"], new_call())
    with pytest.raises(RuntimeError, match="is in a call"):
        instance.close()
    answer.set()
    assert await task == "x"
    instance.close()


async def test_a_host_function_that_calls_its_own_guest_fails_alone(tools: Tools, new_call: NewCall, run: Run) -> None:
    instances: list[Instance] = []

    async def again(context: Any, key: str) -> Any:
        return await run(instances[0], "echo", ["x"], new_call())

    instances.append(await Instance.start(await tools({"get": again}), new_call()))
    with pytest.raises(HostFunctionError, match="can't be called now"):
        await run(instances[0], "ask", [""], new_call())


async def test_a_host_function_may_call_another_guest(tools: Tools, new_call: NewCall, run: Run) -> None:
    other = await Instance.start(await tools({}), new_call())

    async def nested(context: Any, key: str) -> Any:
        return await run(other, "echo", [key], new_call())

    instance = await Instance.start(await tools({"get": nested}), new_call())
    assert await run(instance, "ask", ["through two"], new_call()) == "through two"
    instance.close()
    other.close()


async def test_closing_twice_is_no_error_and_says_closed(tools: Tools, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await tools({}), new_call())
    assert "idle, 0 calls" in repr(instance)
    await run(instance, "calls", [], new_call())
    assert "idle, 1 calls" in repr(instance)
    instance.close()
    instance.close()
    assert "closed" in repr(instance)


def test_one_component_serves_two_event_loops_one_after_the_other(tools: Tools, new_call: NewCall, run: Run) -> None:
    component = asyncio.run(_loaded(tools))

    async def main() -> list[Any]:
        instance = await Instance.start(component, new_call())
        component.calls_elsewhere = 2
        answers = [await run(instance, "count", [3_000_000], new_call()), await run(instance, "ask", ["x"], new_call())]
        instance.close()
        return answers

    assert [asyncio.run(main()) for _ in range(2)] == [[3_000_000, "<x>"]] * 2


async def _loaded(tools: Tools) -> Component:
    return await tools({"get": get})


def test_event_loops_of_two_threads_run_guests_at_once(tools: Tools, new_call: NewCall, run: Run) -> None:
    component = asyncio.run(_loaded(tools))
    answers: list[Any] = []

    async def main() -> None:
        instance = await Instance.start(component, new_call())
        for n in range(100):
            answers.append(await run(instance, "ask", [str(n)], new_call()))
            await run(instance, "count", [20_000], new_call())
        instance.close()

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == sorted([f"<{n}>" for n in range(100)] * 3)
