"""What wasmtime calls when a guest calls us. No exception ever leaves these functions, `BaseException` included: one that did would end the
process, or raise in somebody else's call.

The callback of a function that waits starts nothing: it fills the continuation, lifts the arguments, leaves both with the instance, and
returns "not ready". The instance's driver, on the event loop, awaits the host function, writes the result while nobody polls, sets the
flag that the continuation reads, and polls again. That shape can't lose a wake-up.
"""

import itertools
import weakref
from collections.abc import Callable
from ctypes import c_void_p, cast, memmove
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from host.sandbox import raw
from host.sandbox.boundary import Plan

if TYPE_CHECKING:
    from host.sandbox.component import Component
    from host.sandbox.instance import Instance


@dataclass(frozen=True, eq=False)
class HostFunction:
    """`waits`: an `async def`, run on the event loop. `wasi`: gets the instance instead of the call's context."""

    name: str
    function: Callable[..., Any]
    plan: Plan
    waits: bool
    wasi: bool


@dataclass(slots=True)
class Request:
    """A call of a host function that the driver has to answer. `results` is the address of its result slots, alive until the call's end."""

    function: HostFunction
    arguments: list[Any]
    results: int


_functions: dict[int, HostFunction] = {}
_instances: dict[int, "Instance"] = {}
_numbers = itertools.count(1)
_NEVER = raw.Flag()


def register(component: "Component", function: HostFunction) -> int:
    """A number by which the callbacks find the function, for as long as the component lives."""
    number = next(_numbers)
    _functions[number] = function
    weakref.finalize(component, _functions.pop, number, None)
    return number


def enter(instance: "Instance") -> int:
    """A number by which the callbacks find the instance, until `leave`."""
    number = next(_numbers)
    _instances[number] = instance
    return number


def leave(number: int) -> None:
    _instances.pop(number, None)


def live() -> int:
    """How many instances there are."""
    return len(_instances)


def _answer_at_once(data: int, context: int, wit: int, arguments: int, count: int, results: int, result_count: int) -> int:
    instance = None
    try:
        instance = _instances[raw.context_get_data(context)]
        instance.answer_at_once(_functions[data], arguments, results)
        return 0
    except BaseException as error:  # boundary: an exception that escapes into C ends the process
        if instance is not None:
            instance.failure = error
        return raw.make_error("a host function failed")


def _suspend(
    data: int, context: int, wit: int, arguments: int, count: int, results: int, result_count: int, error: int, continuation: int
) -> None:
    instance = None
    try:
        memmove(continuation, raw.continuation.pack(raw.WHEN_FLAGGED, _NEVER.address, 0), raw.CONTINUATION_SIZE)
        instance = _instances[raw.context_get_data(context)]
        memmove(continuation, raw.continuation.pack(raw.WHEN_FLAGGED, instance.flag.address, 0), raw.CONTINUATION_SIZE)
        instance.suspend(_functions[data], arguments, results)
    except BaseException as failure:  # boundary: an exception that escapes into C ends the process
        if instance is not None:
            instance.failure = failure


def _drop(kind: int | None, context: int, rep: int) -> int:
    try:
        if instance := _instances.get(raw.context_get_data(context) or 0):
            instance.wasi.drop(kind or 0, rep)
    except BaseException:  # boundary: an exception that escapes into C ends the process; a handle that stays costs one dictionary entry
        return 0
    return 0


_callbacks = raw.SyncCallback(_answer_at_once), raw.AsyncCallback(_suspend), raw.DestructorCallback(_drop)
SYNC_CALLBACK, ASYNC_CALLBACK, DESTRUCTOR_CALLBACK = (cast(callback, c_void_p).value for callback in _callbacks)
