"""Instances of one installation, lent to one invocation at a time.

The pool grows past one instance only while all others wait (in a host function, or for their commit), and only as far as its limit: a guest
that computes gains nothing from a second one. What all pools together may have is the capacity's business (`host.runtime.capacity`).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from host.model.errors import Conflict
from host.model.limits import MIB, Limits
from host.model.options import HostOptions
from host.runtime.capacity import Capacity, HostFull, NoPlace, Room
from host.sandbox.instance import Instance

MOST_CALLS = 1_000
"""An instance's memory grows with use: after so many calls a new one takes its place."""
GROWN_TIMES, GROWN_BYTES = 4, 8 * MIB
"""Or once it has so many times the memory of its first call, and so much more: a large request is not remembered for a thousand calls."""


class QueueFull(NoPlace):
    """As many calls wait for the plugin as may (the limit queue)."""

    def __init__(self) -> None:
        super().__init__(429, "limit.queue", type(self).__doc__ or "")


class Superseded(Conflict):
    """The plugin's configuration changed before the call had an instance: it begins anew under the one of now. No guest ran."""


class Lease:
    """An instance lent to one invocation. `cold`: it was made for it. `waiting`: its guest waits for the host."""

    def __init__(self, instance: Instance, cold: bool) -> None:
        self.instance = instance
        self.cold = cold
        self.waiting = False


class _Turn:
    """A caller in line. Its future gets the lease of an idle instance, None for the right to make one, `HostFull`, or `Superseded`."""

    def __init__(self, fresh: bool) -> None:
        self.fresh = fresh
        self.future: asyncio.Future[Lease | None] = asyncio.get_running_loop().create_future()


class Pool:
    """Up to `limit` instances, made by `start`. Callers are served in the order in which they came; at most `queue` wait.

    `room` gives the pool's place in the capacity of all; without it, it is alone.
    """

    def __init__(
        self,
        limit: int,
        start: Callable[[], Awaitable[Instance]],
        queue: int = Limits().queue,
        room: Callable[[Callable[[Instance], None]], Room] | None = None,
    ) -> None:
        self._limit = limit
        self._start = start
        self._queue = queue
        self._room = room(self._evict) if room else Capacity(HostOptions()).room("", False, self._evict)
        self._idle: list[Instance] = []
        self._lent: set[Lease] = set()
        self._starting = 0
        self._line: deque[_Turn] = deque()
        self._closed = False

    def __repr__(self) -> str:
        busy = len(self._lent) + self._starting
        return f"<Pool [Instances: {busy} busy, {len(self._idle)} idle; {len(self._line)} calls queued]>"

    @property
    def empty(self) -> bool:
        """It has no instance, makes none, and nobody waits for one."""
        return not (self._idle or self._lent or self._starting or self._line)

    async def acquire(self, fresh: bool = False) -> Lease:
        """An instance: an idle one, or with `fresh` certainly a new one. Waits in line while there is none to be had.

        Raises `QueueFull` where too many wait already, `HostFull` where there is room for none and none that would come back,
        `Superseded` where the pool is closed, or closes before there is one.
        """
        self._require_open()
        turn = _Turn(fresh)
        self._line.append(turn)
        self._serve()
        if not turn.future.done() and len(self._line) > self._queue:
            self._line.pop()
            raise QueueFull
        try:
            lease = await turn.future
            self._require_open()
        except BaseException:  # boundary: whatever ends the wait, what was just given must not be lost
            self._leave(turn)
            raise
        lease = lease or await self._make()
        if self._closed:
            self.discard(lease)
            raise Superseded
        return lease

    def release(self, lease: Lease) -> None:
        """Gives an instance back for the next invocation."""
        self._lent.discard(lease)
        if self._closed or lease.instance.closed or _is_worn(lease.instance):
            self._end(lease.instance)
        else:
            self._idle.append(lease.instance)
            self._room.idle(lease.instance)
        self._serve()

    def discard(self, lease: Lease) -> None:
        """Throws an instance away: its memory remembers what never happened."""
        self._lent.discard(lease)
        self._end(lease.instance)
        self._serve()

    def waits(self, lease: Lease, waiting: bool) -> None:
        """Tells whether the guest waits for the host just now. Most host functions answer before anybody could use the time."""
        lease.waiting = waiting
        if waiting and self._line:
            asyncio.get_running_loop().call_soon(self._serve)

    def close(self) -> None:
        """Closes what is idle, and ends the waits of all in line; what is lent closes when it comes back."""
        self._closed = True
        while self._line:
            turn = self._line.popleft()
            if not turn.future.done():
                turn.future.set_exception(Superseded())
        while self._idle:
            self._end(self._idle.pop())

    def _require_open(self) -> None:
        if self._closed:
            raise Superseded

    def _serve(self) -> None:
        """Gives the first in line what they wait for, as long as there is any."""
        while self._line and (self._line[0].future.done() or self._give(self._line[0])):
            self._line.popleft()

    def _give(self, turn: _Turn) -> bool:
        """Whether the caller has something now: an instance, the right to make one, or word that there is none to be had."""
        if self._idle and not turn.fresh:
            turn.future.set_result(self._lend(self._idle.pop(), cold=False))
        elif self._may_grow() and self._reserve():
            self._starting += 1
            turn.future.set_result(None)
        elif self._lent or self._starting:
            return False  # what is in use comes back
        else:
            turn.future.set_exception(HostFull())
        return True

    def _may_grow(self) -> bool:
        computing = self._starting or any(not lease.waiting for lease in self._lent)
        return not computing and len(self._lent) < self._limit

    def _reserve(self) -> bool:
        """A place for a new instance; an idle one makes room for it where there are as many as there may be."""
        if self._idle and len(self._lent) + len(self._idle) >= self._limit:
            self._evict(self._idle[0])
        return self._room.reserve()

    def _leave(self, turn: _Turn) -> None:
        """A caller goes away: out of the line, or with what they have just been given."""
        if turn in self._line:
            self._line.remove(turn)
        elif turn.future.done() and not turn.future.cancelled() and turn.future.exception() is None:
            if lease := turn.future.result():
                return self.release(lease)
            self._starting -= 1
            self._room.give_up()
        self._serve()

    async def _make(self) -> Lease:
        """A new instance, in the place that was reserved for it."""
        try:
            instance = await self._start()
            self._room.started(instance)
            return self._lend(instance, cold=True)
        except BaseException:  # boundary: a start that fails, or that nobody waits for any more, gives its place back
            self._room.give_up()
            raise
        finally:
            self._starting -= 1
            self._serve()

    def _lend(self, instance: Instance, cold: bool) -> Lease:
        self._room.lent(instance)
        lease = Lease(instance, cold)
        self._lent.add(lease)
        return lease

    def _evict(self, instance: Instance) -> None:
        """Closes an idle instance."""
        self._idle.remove(instance)
        self._end(instance)

    def _end(self, instance: Instance) -> None:
        instance.close()
        self._room.ended(instance)


def _is_worn(instance: Instance) -> bool:
    grown = instance.memory - instance.first_memory
    return instance.calls >= MOST_CALLS or (grown >= GROWN_BYTES and instance.memory >= GROWN_TIMES * instance.first_memory)
