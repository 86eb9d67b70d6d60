"""Polling a guest's future: inline while it is quick, on a worker thread once it keeps computing."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait

from host.sandbox import raw
from host.sandbox.engine import engine

INLINE_S = 0.01
"""How long one call may keep the event loop in all; then it goes on on a worker thread. An ordinary call takes a tenth of it."""
HOST_CALL_S = 20e-6
"""What each poll counts besides: what the driver does around it."""
SLOW_S = 0.02
"""An inline poll that took longer than any slice: the guest makes wasmtime convert big values."""
THREAD_SLICES = 4
"""How many slices a worker thread gives a guest before the next one in the queue has its turn."""

_statm = os.open("/proc/self/statm", os.O_RDONLY)


def writable_memory() -> int:
    """Bytes of private writable address space of this process: grows by what a guest's memory grows. Takes under a microsecond."""
    return int(os.pread(_statm, 128, 0).split()[5]) * os.sysconf("SC_PAGE_SIZE")


class Polls:
    """Tells a poll how many others may have taken what was taken from its beginning to its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = self._ended = 0

    def begin(self) -> tuple[int, int]:
        """What to give to `end`: its number, and how many run with it."""
        with self._lock:
            self._begun += 1
            return self._begun, self._begun - self._ended

    def end(self, begun: int, running: int) -> int:
        """How many ran at once, this one included: 1 when it was alone. Others that came and went meanwhile count as one."""
        with self._lock:
            self._ended += 1
            return max(running, self._begun - self._ended + 1, 2 if self._begun > begun else 1)


_polls = Polls()


class Poller:
    """Polls one future to its next stop. `waiting` tells whether the guest waits for the host."""

    def __init__(self, waiting: Callable[[], bool], inline: bool = True) -> None:
        self._waiting = waiting
        self._spent = 0.0 if inline else INLINE_S
        self.slow = False
        self._stopping = False
        self.memory = 0
        """Bytes that the process took during the polls that were alone; the fiber's stack comes and goes."""
        self.shared = 0
        """This one's equal part of what the process took while others were polled too."""

    async def poll(self, future: int) -> bool:
        """True when the future is done; False when the guest waits for the host or only yielded."""
        if self._spent >= INLINE_S:
            return await self._poll_elsewhere(future)
        started = time.perf_counter()
        done = self._measured(future, 1)
        elapsed = time.perf_counter() - started
        self._spent += elapsed + HOST_CALL_S
        self.slow = self.slow or elapsed > SLOW_S
        return done

    def kept_loop(self, seconds: float) -> None:
        """Counts what a host function took of the event loop's thread. After too much each poll is elsewhere, so the loop turns at each."""
        self._spent += seconds

    def _measured(self, future: int, slices: int) -> bool:
        before, (begun, running) = writable_memory(), _polls.begin()
        try:
            with engine().ticker.running():
                for _ in range(slices):
                    if raw.call_future_poll(future):
                        return True
                    if self._waiting() or self._stopping:
                        return False
            return False
        finally:
            self._took(writable_memory() - before, _polls.end(begun, running))

    def _took(self, taken: int, polls: int) -> None:
        """What others took meanwhile is not this guest's."""
        if polls == 1:
            self.memory += taken
        else:
            self.shared += taken // polls

    async def _poll_elsewhere(self, future: int) -> bool:
        """On a worker thread. A cancellation waits for the poll's end (at the next tick): dropping what a thread polls ends the process."""
        submitted = engine().threads.submit(self._measured, future, THREAD_SLICES)
        poll = asyncio.wrap_future(submitted)
        try:
            return await asyncio.shield(poll)
        except asyncio.CancelledError:
            self._stopping = True
            if not submitted.cancel():
                await _outlast(poll)
            raise
        except GeneratorExit:  # the event loop is gone, and with it the way to wait for the thread
            self._stopping = True
            submitted.cancel() or wait([submitted])
            raise


async def _outlast(poll: "asyncio.Future[bool]") -> None:
    while not poll.done():
        try:
            await asyncio.wait([poll])
        except asyncio.CancelledError:
            continue
