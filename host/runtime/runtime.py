"""The host at work: everything of one data directory, opened together and closed together."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Literal

import structlog

from host.model.delivery import LogLine
from host.model.effects import Effect
from host.model.errors import ComponentError, RequestError
from host.model.installation import Installation
from host.model.options import HostOptions, checked
from host.runtime.breaker import Breakers
from host.runtime.capacity import Capacity
from host.runtime.components import Components
from host.runtime.configuration import Configuration
from host.runtime.data import DataDirectory
from host.runtime.dedupe import Dedupe, DedupeError, keep_purging
from host.runtime.ending import Ending
from host.runtime.invocations import Invocations
from host.runtime.platform import OwnPlatform
from host.runtime.platform import checked as checked_platform
from host.runtime.pools import Pools
from host.runtime.rates import CallRates
from host.runtime.reads import stored_platform
from host.runtime.receipt import Answer, Receipt, failure
from host.runtime.refusals import Refusals
from host.runtime.rehearsal import Rehearsal, Rehearsals, Step
from host.runtime.request import InvocationRequest
from host.runtime.response import CheckedResponse
from host.runtime.run import Run
from host.runtime.runner import Runner
from host.runtime.subject import about
from host.sandbox.cache import Cache
from stores import inspection, schema
from stores.database import Database
from stores.sealing import Sealer
from stores.statement import Connection
from stores.writer import Writer

log = structlog.get_logger()

LONGEST_REAP_S = 30
"""Seconds between two looks at idle instances, at most."""


class Runtime:
    """Made by `opened`. `reads` is the event loop's own read connection."""

    def __init__(
        self,
        data: DataDirectory,
        database: Database,
        writer: Writer,
        reads: Connection,
        sealer: Sealer,
        cache: Cache,
        options: HostOptions,
        platform: OwnPlatform,
    ) -> None:
        self.data = data
        self.options = options
        self.database = database
        self.writer = writer
        self.reads = reads
        self.sealer = sealer
        self.cache = cache
        self.configuration = Configuration(reads, sealer)
        self.components = Components(data.components, cache)
        self.capacity = Capacity(options)
        self._pools = Pools(self.components, self.configuration, self.capacity)
        self.ending = Ending()
        self.starting = False
        self.platform = platform
        self._runner = Runner(stored_platform(reads, platform), self.ending)
        self._refusals = Refusals(writer)
        breakers = Breakers(options.breaker_failures, options.breaker_window_s)
        self._invocations = Invocations(
            self.configuration, self.components, self._pools, self._runner, writer, self._refusals, breakers, self.ending,
            platform.appliers(),
        )  # fmt: skip
        self._rehearsals = Rehearsals(self.components, self._runner, self.capacity)
        self.configuration.on_change.append(self._forget)
        self.rates = CallRates()
        self._dedupe = Dedupe(reads, self._respond)

    def __repr__(self) -> str:
        return f"<Runtime {self.data.path} [{self.components!r}, {self._pools!r}, {self._dedupe!r}]>"

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        data: DataDirectory,
        cache: Path,
        options: HostOptions = HostOptions(),  # noqa: B008
        platform: OwnPlatform = OwnPlatform(),  # noqa: B008
    ) -> AsyncIterator["Runtime"]:
        """Opens a data directory, an empty one too. Raises `UsageError` when it can't be used, or an option or the platform can't work."""
        checked(options)
        checked_platform(platform)
        database, sealer = open_stores(data, options.synchronous)
        reads = database.read_connection()
        try:
            async with Writer(database) as writer:
                runtime = cls(data, database, writer, reads, sealer, Cache(cache / "artefacts"), options, platform)
                tasks = [
                    asyncio.create_task(keep_purging(writer), name="innkeeper-purging"),
                    asyncio.create_task(runtime._keep_reaping(), name="innkeeper-reaping"),
                ]
                try:
                    yield runtime
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.wait(tasks)
                    await runtime.ending.finish()
                    runtime._pools.close()
        finally:
            reads.close()

    def installation(self, organization: str, plugin: str) -> Installation | None:
        """The enabled installation as it is configured now, or None."""
        return self.configuration.installation(organization, plugin)

    async def handle(self, receipt: Receipt) -> Answer:
        """The answer to a webhook, after its commit: the plugin's own, or its error in the one shape that errors have.

        To one with a dedupe key that was answered before, the same answer again.
        """
        if receipt.claim is None:
            return await self._respond(receipt)
        with self.ending.underway():
            try:
                return await self._dedupe.answer(receipt, receipt.claim)
            except DedupeError as error:
                await self.refuse(receipt, error)
                return failure(receipt.delivery_id, error.status, error)

    async def _respond(self, receipt: Receipt) -> Answer:
        run = await self.invoke(receipt)
        if run.error is not None:
            return failure(receipt.delivery_id, run.status, run.error)
        response: CheckedResponse = run.value
        return Answer(receipt.delivery_id, response.status, response.headers, response.body)

    async def invoke(self, request: InvocationRequest) -> Run:
        """Asks a plugin; see `Invocations.run`."""
        installation = request.installation
        with (
            self.ending.underway(),
            about(organization=installation.organization, plugin=installation.plugin, delivery=request.delivery_id),
        ):
            return await self._invocations.run(request)

    async def rehearse(self, candidate: Installation, steps: Sequence[Step], earlier: Sequence[Effect]) -> Rehearsal:
        """Asks what is not installed yet; see `Rehearsals.rehearse`."""
        with self.ending.underway(), about(organization=candidate.organization, plugin=candidate.plugin):
            return await self._rehearsals.rehearse(candidate, steps, earlier)

    async def refuse(self, receipt: Receipt, error: RequestError, line: str | None = None) -> None:
        """Keeps the record of a request that no guest got to see, with a line for the plugin's log; only so many a minute."""
        installation = receipt.installation
        lines = [LogLine(time.time_ns() // 1_000_000, "warn", installation.masks.masked(line))] if line else []
        with (
            self.ending.underway(),
            about(organization=installation.organization, plugin=installation.plugin, delivery=receipt.delivery_id),
        ):
            await self._refusals.record(receipt, error, lines)

    async def _keep_reaping(self) -> None:
        """Closes idle instances when their time is over."""
        every = min(self.options.idle_s, self.options.idle_channel_s, LONGEST_REAP_S) / 2
        while True:
            await asyncio.sleep(every)
            self.capacity.reap(self.capacity.clock())

    def _forget(self) -> None:
        """After a change: instances and components that nobody is configured for any more."""
        self._pools.forget_changed()
        self.components.forget_others(self.configuration.digests())

    async def warm_up(self) -> None:
        """Loads the components of all enabled installations, so that no webhook waits for that.

        Compiled they usually are, at install; after an upgrade of the engine it happens here, some ten seconds for each.
        """
        self.starting = True
        for digest, plugin in self.configuration.digests().items():
            if not self.components.is_quick(digest):
                log.info("component.compiling", plugin=plugin, digest=digest)
            try:
                await self.components.load(digest)
            except ComponentError as error:
                log.error("component.not_loaded", plugin=plugin, digest=digest, reason=error.message)
        self.starting = False


def open_stores(data: DataDirectory, synchronous: Literal["FULL", "NORMAL"] = "FULL") -> tuple[Database, Sealer]:
    """The database with its newest schema, and the sealer of its secrets; new ones in a new directory."""
    return open_database(data, synchronous), Sealer.open_or_create(data.path, os.environ)


def open_database(data: DataDirectory, synchronous: Literal["FULL", "NORMAL"] = "FULL") -> Database:
    """The database with its newest schema, made where there is none."""
    database = Database(data.make().database, synchronous=synchronous)
    inspection.refuse_foreign(database.path, shared=data.shared)
    with closing(database.connect()) as connection:
        schema.upgrade(connection, shared=data.shared)
    return database
