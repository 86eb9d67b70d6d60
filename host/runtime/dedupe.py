"""Requests with a dedupe key: the first one is run, the others get its response."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog

from host.model.dedupe import Claim, Place, RecordedResponse
from host.model.errors import InnkeeperError, KeyTaken, RequestError
from host.runtime.receipt import Answer, Receipt
from stores import dedupe_keys
from stores.statement import Connection
from stores.writer import Writer

PURGED_AT_ONCE = 1_000
"""Expired keys that one commit deletes: some milliseconds, for which other commits wait."""
PURGE_EVERY_S = 3_600

log = structlog.get_logger()

_Line: TypeAlias = dict[asyncio.Future[RecordedResponse | None], None]
"""Who waits, in the order in which they came. Each gets the committed response, or None: the turn to run."""


class DedupeError(RequestError):
    """A request that can't have the answer of the one with the same key."""


class Dedupe:
    """Runs at most one request with a key at a time in this process; `respond` does, its commit included.

    Of two processes the one that commits first wins: the other's run ends in `KeyTaken`, without a trace, and finds what was committed.
    """

    def __init__(self, reads: Connection, respond: Callable[[Receipt], Awaitable[Answer]]) -> None:
        self._reads = reads
        self._respond = respond
        self._lines: dict[Place, _Line] = {}
        self._waiting: dict[tuple[str, str], int] = defaultdict(int)

    def __repr__(self) -> str:
        return f"<Dedupe [{len(self._lines)} keys under way, {sum(self._waiting.values())} requests waiting]>"

    async def answer(self, receipt: Receipt, claim: Claim) -> Answer:
        """The answer to a request, or the one that the same request had. Raises what `respond` raises.

        Raises `DedupeError`: 409 where the request with that key had another body, 503 where its answer does not come before this one's
        deadline, 429 where as many of the installation wait already as its limit `queue` says: each holds a connection and a body.
        """
        place = receipt.place(claim)
        if place in self._lines and (response := await self._turn(place, receipt)):
            return _replayed(response, claim)
        response = None
        self._lines.setdefault(place, {})
        try:
            response, answer = await self._first(place, receipt, claim)
            return answer
        finally:
            self._end_turn(place, response)

    async def _first(self, place: Place, receipt: Receipt, claim: Claim) -> tuple[RecordedResponse | None, Answer]:
        """What is committed under the key, by whomever, and the answer to this request. A failure commits nothing."""
        while True:
            if known := dedupe_keys.find(self._reads, place, receipt.received_at):
                return known, _replayed(known, claim)
            try:
                answer = await self._respond(receipt)
            except KeyTaken:
                continue
            committed = RecordedResponse(claim.body_sha256, answer.delivery_id, answer.status, answer.headers, answer.body)
            return committed if answer.status < 400 else None, answer

    async def _turn(self, place: Place, receipt: Receipt) -> RecordedResponse | None:
        """Waits for the response of the one that runs, or until it is this one's turn: None."""
        installation = receipt.installation.organization, receipt.installation.plugin
        if self._waiting.get(installation, 0) >= receipt.installation.limits.queue:
            raise DedupeError(429, "limit.queue", "as many requests wait for the answer to another one as may wait (the limit queue)")
        line = self._lines[place]
        future: asyncio.Future[RecordedResponse | None] = asyncio.get_running_loop().create_future()
        line[future] = None
        self._waiting[installation] += 1
        try:
            await asyncio.wait([future], timeout=receipt.deadline_at() - asyncio.get_running_loop().time())
            if not future.done():
                raise DedupeError(503, "dedupe.waiting", "the request with the same key was not answered before this one's deadline")
            return future.result()
        except BaseException:  # boundary: whatever ends the wait, a turn that was just given must not be lost
            self._leave(place, line, future)
            raise
        finally:
            self._waiting[installation] -= 1
            if not self._waiting[installation]:
                del self._waiting[installation]

    def _leave(self, place: Place, line: _Line, future: "asyncio.Future[RecordedResponse | None]") -> None:
        line.pop(future, None)
        if future.done() and future.result() is None:
            self._end_turn(place, None)

    def _end_turn(self, place: Place, response: RecordedResponse | None) -> None:
        """Gives all who wait the response, or where there is none the first of them the turn."""
        line = self._lines[place]
        while line:
            future = next(iter(line))
            del line[future]
            future.set_result(response)
            if response is None:
                return
        del self._lines[place]


async def purge(writer: Writer, at: int) -> None:
    """Deletes all keys that have expired, a bounded number with each commit."""
    while await writer.commit(lambda connection: dedupe_keys.purge(connection, at, PURGED_AT_ONCE)) == PURGED_AT_ONCE:
        continue


async def keep_purging(writer: Writer) -> None:
    """Now, and every hour. What can't be deleted now is an hour later."""
    while True:
        try:
            await purge(writer, time.time_ns() // 1_000_000)
        except InnkeeperError as error:
            log.error("dedupe.not_purged", reason=error.message)
        await asyncio.sleep(PURGE_EVERY_S)


def _replayed(response: RecordedResponse, claim: Claim) -> Answer:
    """Raises `DedupeError` with 409 where that was not the same request."""
    if response.body_sha256 != claim.body_sha256:
        raise DedupeError(409, "dedupe.conflict", "a request with the same key and another body was answered before")
    return Answer(response.delivery_id, response.status, response.headers, response.body, replayed=True)
