"""What host functions raise, and where it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from host.model.case import Err, Ok
from host.model.errors import GuestError, HostError, HostFunctionError, LimitExceeded, Trap
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


async def test_a_host_error_is_an_answer_where_the_type_has_room_for_it(tools: Tools, new_call: NewCall, run: Run) -> None:
    async def look(context: Any, key: str) -> str:
        if key == "secret":
            raise HostError("denied", "not that one", 7)
        return key

    def look_now(context: Any, key: str) -> str:
        if key == "secret":
            raise HostError("denied", "not that one", 7)
        return key

    for function in (look, look_now):
        instance = await Instance.start(await tools({"look": function}), new_call())
        assert await run(instance, "look", ["open"], new_call()) == Ok("open")
        assert await run(instance, "look", ["secret"], new_call()) == Err(("denied", "not that one", 7))
        assert await run(instance, "echo", ["still here"], new_call()) == "still here"
        instance.close()


async def test_a_host_error_ends_the_call_where_the_type_has_no_room(tools: Tools, new_call: NewCall, run: Run) -> None:
    async def refuse(context: Any, key: str) -> str:
        raise HostError("denied", "no")

    def refuse_now(context: Any, key: str) -> str:
        raise HostError("denied", "no")

    for function in (refuse, refuse_now):
        instance = await Instance.start(await tools({"get": function}), new_call())
        with pytest.raises(HostFunctionError, match="can't answer denied"):
            await run(instance, "ask", [""], new_call())
        assert instance.closed


async def test_a_function_that_the_host_does_not_have_answers_unavailable(tools: Tools, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await tools({"get": get}), new_call())
    answer = await run(instance, "look", ["x"], new_call())
    assert answer.value.code == "unavailable"
    instance.close()


class Peculiar(BaseException):
    """Of no family."""


class Unspeakable(Exception):
    """Says nothing about itself."""

    def __str__(self) -> str:
        raise ValueError("no comment")


EXCEPTIONS: list[Callable[[], BaseException]] = [
    lambda: ValueError("v"), lambda: Peculiar("p"), lambda: KeyboardInterrupt(), lambda: SystemExit(3), lambda: asyncio.CancelledError(),
    lambda: GeneratorExit(), lambda: StopIteration(1), lambda: StopAsyncIteration(), lambda: TimeoutError("t"), lambda: MemoryError(),
    lambda: RecursionError("r"), lambda: BaseExceptionGroup("g", [KeyboardInterrupt()]),
    lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
    lambda: Unspeakable(), lambda: Trap("mine"), lambda: LimitExceeded("effects", "too many"),
]  # fmt: skip


def raising(make: Callable[[], BaseException], wait: bool) -> Any:
    async def later(context: Any, key: str) -> str:
        await asyncio.sleep(0)
        raise make()

    def now(context: Any, key: str) -> str:
        raise make()

    return later if wait else now


@pytest.mark.promise("isolation.calls.exceptions")
@pytest.mark.parametrize("make", EXCEPTIONS, ids=lambda make: type(make()).__name__)
@pytest.mark.parametrize("wait", [False, True], ids=["at once", "later"])
async def test_whatever_a_host_function_raises_ends_its_own_call_alone(
    tools: Tools, new_call: NewCall, run: Run, make: Callable[[], BaseException], wait: bool
) -> None:
    component = await tools({"get": raising(make, wait)})
    instance = await Instance.start(component, new_call())
    with pytest.raises(GuestError) as failed:
        await run(instance, "ask", [""], new_call())
    raised = make()
    if isinstance(raised, GuestError):
        assert (failed.value.code, failed.value.message) == (raised.code, raised.message)
    else:
        assert isinstance(failed.value, HostFunctionError)
        assert type(failed.value.__cause__) is (RuntimeError if wait and isinstance(raised, StopIteration) else type(raised))
        assert "store.get" in failed.value.message
    assert instance.closed
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]


@pytest.mark.promise("isolation.calls.exceptions")
async def test_exceptions_of_all_kinds_at_once_reach_nobody_elses_call(tools: Tools, new_call: NewCall, run: Run) -> None:
    """Many guests, inline and on the threads; every other one fails in its own way."""
    kinds = len(EXCEPTIONS)

    async def get(context: int, key: str) -> str:
        await asyncio.sleep(0)
        if context % 2:
            raise EXCEPTIONS[context // 2 % kinds]()
        return f"{context}{key}"

    def tell(context: int, key: str) -> None:
        if context % 2:
            raise EXCEPTIONS[context // 2 % kinds]()

    component = await tools({"get": get, "tell": tell})
    live = callbacks.live()

    async def one(number: int) -> None:
        instance = await Instance.start(component, new_call())
        component.calls_elsewhere = number % 3 * 10  # some start on a thread
        for name, arguments, good in [("ask", ["!"], f"{number}!"), ("tell-often", [50], None)]:
            instance = await Instance.start(component, new_call()) if instance.closed else instance
            answer = run(instance, name, arguments, new_call(context=number))
            if number % 2 == 0:
                assert await answer == good
                continue
            with pytest.raises(GuestError) as failed:
                await answer
            made = EXCEPTIONS[number // 2 % kinds]()
            assert isinstance(made, GuestError) or type(made).__name__ in str(failed.value) or isinstance(made, StopIteration)
        instance.close()

    async with asyncio.timeout(60):
        await asyncio.gather(*[one(n) for n in range(300)])
    component.calls_elsewhere = 0
    assert callbacks.live() == live


async def test_an_answer_of_the_wrong_type_is_a_failure_of_the_host(tools: Tools, new_call: NewCall, run: Run) -> None:
    async def wrong(context: Any, key: str) -> Any:
        return 5

    def wrong_now(context: Any, key: str) -> Any:
        return None

    for function in (wrong, wrong_now):
        instance = await Instance.start(await tools({"get": function}), new_call())
        with pytest.raises(HostFunctionError):
            await run(instance, "ask", [""], new_call())
        assert instance.closed


async def test_a_cancelled_task_that_cleans_up_may_still_call_guests(tools: Tools, new_call: NewCall, run: Run) -> None:
    """Its count of cancellations is not nought, and yet a host function's own `CancelledError` is not meant for it."""
    component = await tools({"get": get, "look": raising(asyncio.CancelledError, True)})
    instance = await Instance.start(component, new_call())
    results: list[Any] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            results.append(await run(instance, "ask", ["cleanup"], new_call()))
            with pytest.raises(HostFunctionError):
                await run(instance, "look", ["cleanup"], new_call())

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert results == ["<cleanup>"]
