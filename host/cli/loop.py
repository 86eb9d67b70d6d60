"""Commands that run guests have an event loop, whose own signal handlers take Ctrl-C and SIGTERM."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

from host.cli import logs

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives. A signal cancels it, and raises KeyboardInterrupt afterwards.

    A handler of Python's may raise inside a callback of the sandbox, which ends the process without a word: the loop's does not.
    """
    logs.configure()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_interruptible(work))


async def _interruptible(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    loop = asyncio.get_running_loop()
    for each in before:
        loop.add_signal_handler(each, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        for each, handler in before.items():
            loop.remove_signal_handler(each)  # uvloop would leave a handler that does nothing
            signal.signal(each, handler)
