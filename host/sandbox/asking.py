"""Asking a host function, or the tape in its place."""

from collections.abc import Callable
from typing import Any

from host.model.case import Err
from host.model.errors import HostError
from host.model.tape import Answer
from host.sandbox.boundary.plan import host_error
from host.sandbox.call import Call
from host.sandbox.callbacks import HostFunction

FROM_THE_RECORDING = ("clock.", "random.", "log.")
"""Functions whose answers are nothing but the recording's, or nothing: asked again in a replay."""


def is_recorded(function: HostFunction) -> bool:
    return not function.wasi and not function.name.startswith(FROM_THE_RECORDING)


def answered(function: HostFunction, call: Call, ask: Callable[[], Any]) -> Any:
    """The answer of a function that does not wait, ready to be lowered."""
    if (played := _played(function, call)) is not None:
        return _replayed(played)
    try:
        value = ask()
    except HostError as error:
        return _refused(function, call, error)
    return _recorded(function, call, value)


async def awaited(function: HostFunction, call: Call, arguments: list[Any], subject: Any) -> Any:
    """The answer of a function that waits."""
    if (played := _played(function, call)) is not None:
        return _replayed(played)
    try:
        value = await function.function(subject, *arguments)
    except HostError as error:
        return _refused(function, call, error)
    return _recorded(function, call, value)


def _played(function: HostFunction, call: Call) -> Answer | None:
    return call.recording.played(function.name) if is_recorded(function) else None


def _replayed(answer: Answer) -> Any:
    return answer.value if answer.error is None else Err(host_error(*answer.error))


def _recorded(function: HostFunction, call: Call, value: Any) -> Any:
    if is_recorded(function):
        call.recording.record(Answer(function.name, value))
    return value


def _refused(function: HostFunction, call: Call, error: HostError) -> Err[Any]:
    """A `HostError` where the function's type has room for it; anywhere else it is a defect, and ends the call."""
    if not function.plan.answers_host_error:
        raise RuntimeError(f"{function.name} can't answer {error.code}: {error.message}") from error
    answer = Answer(function.name, None, (error.code, error.message, error.retry_after_ms))
    if is_recorded(function):
        call.recording.record(answer)
    return Err(host_error(error.code, error.message, error.retry_after_ms))
