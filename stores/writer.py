"""The one who writes: a thread that commits all jobs that wait as one group.

A commit costs a flush of the disk whatever is in it, and a hop to a thread and back about 240 us; both are paid once per group.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from host.model.errors import InnkeeperError
from stores.database import Database
from stores.statement import Connection

T = TypeVar("T")


class WriterClosed(InnkeeperError):
    """The writer is closed: nothing was stored."""

    code = "unavailable"
    status = 503


class CommitFailed(InnkeeperError):
    """The database failed: nothing was stored. The cause says why."""

    code = "unavailable"
    status = 503


class JobInterrupted(InnkeeperError):
    """A job ended by what is no ordinary exception: nothing of it was stored. The cause says what."""


class Ticket:
    """Tells the caller of a commit that was cancelled what became of the job: whether it is `stored`."""

    stored = False

    def __repr__(self) -> str:
        return f"<Ticket [{'stored' if self.stored else 'not stored'}]>"


class _Entry(Generic[T]):
    """A job on its way. Whoever gets `claim` decides: the thread, that it runs; the caller, that it never does."""

    def __init__(self, job: Callable[[Connection], T], ended: asyncio.Future[None]) -> None:
        self.job = job
        self.ended = ended
        self.claim = threading.Lock()
        self.value: T | None = None
        self.error: BaseException | None = None

    def take(self) -> bool:
        return self.claim.acquire(blocking=False)

    def run(self, connection: Connection) -> None:
        connection.execute("SAVEPOINT job")
        try:
            self.value = self.job(connection)
        except BaseException as error:  # boundary: one caller's failure is neither its neighbours' nor the thread's
            self.error = _translated(error)
            if not connection.in_transaction:  # a full disk has ended the whole group's transaction
                raise
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")

    def result(self) -> T:
        if self.error is not None:
            raise self.error
        return cast(T, self.value)


class Writer:
    """Commits jobs in groups. Belongs to the event loop that starts it: `async with Writer(database) as writer`.

    At most `limit` jobs wait for the thread; further callers wait for their turn.
    """

    def __init__(self, database: Database, *, limit: int = 1024) -> None:
        self._database = database
        self._limit = limit
        self._places = asyncio.Semaphore(limit)
        self._queue: SimpleQueue[_Entry[Any] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    def __repr__(self) -> str:
        state = "closed" if self._closed else "new" if self._thread is None else "open"
        return f"<Writer [{state}, {self._queue.qsize()} waiting]>"

    async def __aenter__(self) -> "Writer":
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def start(self) -> None:
        """Raises `UsageError` when the database can't be opened."""
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._work, args=(opened,), name="innkeeper-writer", daemon=True)
        self._thread.start()
        try:
            await opened
        except BaseException:  # boundary: who is cancelled here leaves no thread behind
            self._closed = True
            self._queue.put(None)
            raise

    async def close(self) -> None:
        """Finishes what is queued; what comes later gets `WriterClosed`. A second time it only waits for the same end."""
        if self._thread is None:
            self._closed = True
            return
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.shield(self._ended)
        self._thread.join()

    async def commit(self, job: Callable[[Connection], T], ticket: Ticket | None = None) -> T:
        """What `job` gave, once it is committed.

        The job runs in the writer's thread, within a savepoint: it must neither end the transaction nor touch the loop. What it raises is
        raised here, and nothing of it is stored (`CommitFailed` stands for an error of the driver's, `JobInterrupted` for a `BaseException`
        that is no `Exception`). When the transaction of the whole group can't begin or end, every caller gets `CommitFailed`.

        A caller that is cancelled gets its CancelledError when the outcome is certain. A job that had not started never runs; one that had
        is committed like any other: `ticket` tells.
        """
        async with self._places:
            if self._closed or self._thread is None:
                raise WriterClosed
            entry = _Entry(job, self._loop.create_future())
            self._queue.put(entry)
            try:
                await asyncio.shield(entry.ended)
            except asyncio.CancelledError:
                if not entry.take():
                    await _end_of(entry.ended)
                    _stamp(ticket, entry)
                raise
        _stamp(ticket, entry)
        return entry.result()

    def _work(self, opened: asyncio.Future[None]) -> None:
        """The thread: until the end of the queue, group by group."""
        try:
            connection = self._database.connect()
        except BaseException as error:  # boundary: raised where the writer is started
            self._resolve([opened], error)
            self._resolve([self._ended])
            return
        self._resolve([opened])
        closing = False
        while not closing:
            group, closing = self._next_group()
            _write(connection, group)
            self._resolve([entry.ended for entry in group])
        connection.close()
        self._resolve([self._ended])

    def _next_group(self) -> tuple[list[_Entry[Any]], bool]:
        """Waits for a job and takes along what waits behind it, but for those whose callers are gone; and whether that was the end."""
        group = []
        entry = self._queue.get()
        while entry is not None:
            if entry.take():
                group.append(entry)
            if len(group) == self._limit:
                return group, False
            try:
                entry = self._queue.get_nowait()
            except Empty:
                return group, False
        return group, True

    def _resolve(self, futures: list[asyncio.Future[None]], error: BaseException | None = None) -> None:
        def resolve() -> None:
            for future in futures:
                if not future.done():
                    future.set_result(None) if error is None else future.set_exception(error)

        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(resolve)


def _write(connection: Connection, group: list[_Entry[Any]]) -> None:
    """One transaction for all of them, a savepoint each."""
    if not group:
        return
    try:
        connection.execute("BEGIN IMMEDIATE")
        for entry in group:
            entry.run(connection)
        connection.commit()
    except BaseException as error:  # boundary: the group fails, the thread goes on
        for entry in group:
            entry.error = entry.error or _caused(CommitFailed(f"the database failed: {error}"), error)
        with suppress(sqlite3.Error):  # if this fails, the next BEGIN says what is wrong
            connection.rollback()


def _translated(error: BaseException) -> BaseException:
    """What a job's caller gets for what it raised: foreign errors become ours here."""
    if isinstance(error, sqlite3.Error):
        return _caused(CommitFailed(f"the database failed: {error}"), error)
    return error if isinstance(error, Exception) else _caused(JobInterrupted(f"a job ended by {error!r}"), error)


def _caused(error: InnkeeperError, cause: BaseException) -> InnkeeperError:
    error.__cause__ = cause
    return error


async def _end_of(future: asyncio.Future[None]) -> None:
    """Waits for it, however often the waiting task is cancelled."""
    while not future.done():
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError:
            continue


def _stamp(ticket: Ticket | None, entry: _Entry[Any]) -> None:
    if ticket is not None:
        ticket.stored = entry.error is None
