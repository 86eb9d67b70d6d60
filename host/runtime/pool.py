"""Instances of one installation, lent to one invocation at a time.

The pool grows past one instance only while all others wait (in a host function, or for their commit), and only as far as its limit: a guest
that computes gains nothing from a second one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from host.sandbox.instance import Instance

MOST_CALLS = 1_000
"""An instance's memory grows with use: after so many calls a new one takes its place."""


class Lease:
    """An instance lent to one invocation. `cold`: it was made for it."""

    def __init__(self, instance: Instance, cold: bool) -> None:
        self.instance = instance
        self.cold = cold
        self.waiting = False


class Pool:
    """Up to `limit` instances, made by `start`."""

    def __init__(self, limit: int, start: Callable[[], Awaitable[Instance]]) -> None:
        self._limit = limit
        self._start = start
        self._idle: list[Instance] = []
        self._lent: set[Lease] = set()
        self._starting = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._closed = False

    def __repr__(self) -> str:
        busy = len(self._lent) + self._starting
        return f"<Pool [Instances: {busy} busy, {len(self._idle)} idle; {len(self._queue)} calls queued]>"

    async def acquire(self, fresh: bool = False) -> Lease:
        """An instance: an idle one, or with `fresh` certainly a new one. Waits in line while there is none to be had."""
        while not self._available(fresh):
            turn = asyncio.get_running_loop().create_future()
            self._queue.append(turn)
            try:
                await turn
            finally:
                if turn in self._queue:
                    self._queue.remove(turn)
                elif turn.cancelled():
                    self._wake()
        if self._idle and not fresh:
            return self._lend(self._idle.pop(), cold=False)
        return await self._lend_new()

    def release(self, lease: Lease) -> None:
        """Gives an instance back for the next invocation."""
        self._lent.discard(lease)
        if self._closed or lease.instance.closed or lease.instance.calls >= MOST_CALLS:
            lease.instance.close()
        else:
            self._idle.append(lease.instance)
        self._wake()

    def discard(self, lease: Lease) -> None:
        """Throws an instance away: its memory remembers what never happened."""
        self._lent.discard(lease)
        lease.instance.close()
        self._wake()

    def waits(self, lease: Lease, waiting: bool) -> None:
        """Tells whether the guest waits for the host just now."""
        lease.waiting = waiting
        if waiting and self._queue:
            asyncio.get_running_loop().call_soon(self._wake)

    def close(self) -> None:
        """Closes what is idle; what is lent closes when it comes back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _available(self, fresh: bool) -> bool:
        if self._idle and not fresh:
            return True
        busy = len(self._lent) + self._starting
        computing = self._starting or any(not lease.waiting for lease in self._lent)
        return busy < self._limit and not computing

    async def _lend_new(self) -> Lease:
        while len(self._lent) + self._starting + len(self._idle) >= self._limit and self._idle:
            self._idle.pop(0).close()
        self._starting += 1
        try:
            return self._lend(await self._start(), cold=True)
        finally:
            self._starting -= 1
            self._wake()

    def _lend(self, instance: Instance, cold: bool) -> Lease:
        lease = Lease(instance, cold)
        self._lent.add(lease)
        return lease

    def _wake(self) -> None:
        """Lets the first in line look again."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
