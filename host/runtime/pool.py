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
    """An instance lent to one invocation. `cold`: it was made for it. `waiting`: its guest waits for the host."""

    def __init__(self, instance: Instance, cold: bool) -> None:
        self.instance = instance
        self.cold = cold
        self.waiting = False


class _Turn:
    """A caller in line. Its future gets the lease of an idle instance, or None: the right to make one."""

    def __init__(self, fresh: bool) -> None:
        self.fresh = fresh
        self.future: asyncio.Future[Lease | None] = asyncio.get_running_loop().create_future()


class Pool:
    """Up to `limit` instances, made by `start`. Callers are served in the order in which they came."""

    def __init__(self, limit: int, start: Callable[[], Awaitable[Instance]]) -> None:
        self._limit = limit
        self._start = start
        self._idle: list[Instance] = []
        self._lent: set[Lease] = set()
        self._starting = 0
        self._line: deque[_Turn] = deque()
        self._closed = False

    def __repr__(self) -> str:
        busy = len(self._lent) + self._starting
        return f"<Pool [Instances: {busy} busy, {len(self._idle)} idle; {len(self._line)} calls queued]>"

    async def acquire(self, fresh: bool = False) -> Lease:
        """An instance: an idle one, or with `fresh` certainly a new one. Waits in line while there is none to be had."""
        turn = _Turn(fresh)
        self._line.append(turn)
        self._serve()
        try:
            lease = await turn.future
        except BaseException:  # boundary: whatever ends the wait, what was just given must not be lost
            self._leave(turn)
            raise
        return lease or await self._make()

    def release(self, lease: Lease) -> None:
        """Gives an instance back for the next invocation."""
        self._lent.discard(lease)
        if self._closed or lease.instance.closed or lease.instance.calls >= MOST_CALLS:
            lease.instance.close()
        else:
            self._idle.append(lease.instance)
        self._serve()

    def discard(self, lease: Lease) -> None:
        """Throws an instance away: its memory remembers what never happened."""
        self._lent.discard(lease)
        lease.instance.close()
        self._serve()

    def waits(self, lease: Lease, waiting: bool) -> None:
        """Tells whether the guest waits for the host just now. Most host functions answer before anybody could use the time."""
        lease.waiting = waiting
        if waiting and self._line:
            asyncio.get_running_loop().call_soon(self._serve)

    def close(self) -> None:
        """Closes what is idle; what is lent closes when it comes back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _serve(self) -> None:
        """Gives the first in line what they wait for, as long as there is any."""
        while self._line and (self._line[0].future.done() or self._available(self._line[0].fresh)):
            turn = self._line.popleft()
            if turn.future.done():
                continue
            if self._idle and not turn.fresh:
                turn.future.set_result(self._lend(self._idle.pop(), cold=False))
            else:
                self._starting += 1
                turn.future.set_result(None)

    def _available(self, fresh: bool) -> bool:
        if self._idle and not fresh:
            return True
        computing = self._starting or any(not lease.waiting for lease in self._lent)
        return not computing and len(self._lent) < self._limit

    def _leave(self, turn: _Turn) -> None:
        """A caller goes away: out of the line, or with what they have just been given."""
        if turn in self._line:
            self._line.remove(turn)
        elif turn.future.done() and not turn.future.cancelled():
            if lease := turn.future.result():
                return self.release(lease)
            self._starting -= 1
        self._serve()

    async def _make(self) -> Lease:
        """A new instance; an idle one makes room for it where there are as many as there may be."""
        try:
            if self._idle and len(self._lent) + len(self._idle) >= self._limit:
                self._idle.pop(0).close()
            return self._lend(await self._start(), cold=True)
        finally:
            self._starting -= 1
            self._serve()

    def _lend(self, instance: Instance, cold: bool) -> Lease:
        lease = Lease(instance, cold)
        self._lent.add(lease)
        return lease
