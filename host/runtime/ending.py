"""The end of a host: what is under way may finish for a while, and what does not is dropped and recorded."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from host.model.errors import RequestError

PATIENCE_S = 5.0
"""Seconds that what was dropped has to be recorded and answered. It waits for the disk alone."""


class ShuttingDown(RequestError):
    """The host is ending, and nothing of this request was stored: send it again."""

    def __init__(self) -> None:
        super().__init__(503, "shutdown", "the host is ending, and nothing of this request was stored: send it again")


class Ending:
    """Whether a host ends. `begun`: nothing new comes in; `dropping`: what is under way is dropped, as far as it did not commit."""

    def __init__(self) -> None:
        self.begun = False
        self.dropping = False
        self._scopes: set[asyncio.Timeout] = set()
        self._underway = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    def __repr__(self) -> str:
        state = "dropping" if self.dropping else "begun" if self.begun else "not yet"
        return f"<Ending [{state}, {self._underway} under way]>"

    @contextmanager
    def underway(self) -> Iterator[None]:
        """Something that the host finishes before it closes its database, if only by recording that it was dropped."""
        self._underway += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._underway -= 1
            if not self._underway:
                self._quiet.set()

    def droppable(self) -> "_Droppable":
        """What runs within is cancelled when the time is over. Raises `ShuttingDown` then, and afterwards at once."""
        return _Droppable(self)

    def begin(self) -> None:
        """From now on the host is not ready."""
        self.begun = True

    def drop(self) -> None:
        """Ends what is droppable. A commit that has begun is none of that."""
        self.begin()
        self.dropping = True
        for scope in self._scopes:
            if not scope.expired():
                scope.reschedule(0)

    async def quiet(self, patience_s: float) -> None:
        """Waits until nothing is under way, for so many seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._quiet.wait()

    async def finish(self) -> None:
        """Drops what is still under way, and waits until it is recorded."""
        self.drop()
        await self.quiet(PATIENCE_S)


class _Droppable:
    """See `Ending.droppable`. A class, since each request has several, and a generator takes twice as long."""

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._scope = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        if self._ending.dropping:
            raise ShuttingDown
        await self._scope.__aenter__()
        self._ending._scopes.add(self._scope)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ending._scopes.discard(self._scope)
        try:
            await self._scope.__aexit__(kind, error, trace)
        except TimeoutError:
            raise ShuttingDown from None
