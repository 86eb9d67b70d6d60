"""An invocation is a transaction: what the guest wished for commits together with the record of its delivery, or not at all."""

import asyncio
import os
import time
from functools import partial
from hashlib import blake2b

import structlog

from host.capabilities.invocation import Invocation
from host.capabilities.reads import Platform
from host.model.errors import Conflict, DeadlineExceeded, InnkeeperError, KeyTaken
from host.runtime.capacity import NoPlace
from host.runtime.components import Components
from host.runtime.configuration import Configuration
from host.runtime.ending import Ending
from host.runtime.exports import export
from host.runtime.pool import Lease, Pool
from host.runtime.pools import Pools
from host.runtime.refusals import Refusals
from host.runtime.request import InvocationRequest
from host.runtime.run import Run
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.tape import Recording
from stores import deliveries, effects, epoch
from stores.effects import Appliers
from stores.statement import Connection
from stores.writer import Writer

log = structlog.get_logger()


class ConfigurationChanged(Conflict):
    """The configuration changed while the invocation ran."""


class Invocations:
    """Runs guests for requests. `environment` is `production` or `development`; `others` apply what an embedder keeps itself."""

    def __init__(
        self,
        configuration: Configuration,
        components: Components,
        pools: Pools,
        platform: Platform,
        writer: Writer,
        refusals: Refusals,
        environment: str = "production",
        ending: Ending | None = None,
        others: Appliers | None = None,
    ) -> None:
        self._configuration = configuration
        self._components = components
        self._pools = pools
        self._platform = platform
        self._writer = writer
        self._refusals = refusals
        self._environment = environment
        self._ending = ending or Ending()
        self._others = others
        self._seed_key = os.urandom(32)

    async def run(self, request: InvocationRequest) -> Run:
        """The last run for a request, committed where it succeeded, recorded in any case. What a guest does is in it, never raised.

        An invocation that lost a race at its commit runs again, on the state that the winner left, until its deadline. One that failed in a
        used instance runs once more in a fresh one before it counts as failed. Raises `RequestError` when what is asked for is no longer
        there, `KeyTaken` when the same request was answered meanwhile: then nothing is recorded.
        """
        deadline_at = request.deadline_at()
        runs = 0
        fresh = False
        while True:
            runs += 1
            request = request.current(self._configuration.installation)
            run = Run(request)
            try:
                await self._attempt(run, deadline_at, runs, fresh)
            except KeyTaken:
                raise
            except Conflict as conflict:
                if asyncio.get_running_loop().time() < deadline_at:
                    continue
                run.fail(DeadlineExceeded(f"the call lost the race for its commit {runs} times, until its deadline: {conflict.message}"))
            if run.may_be_the_instances_fault and not fresh:
                fresh = True
                continue
            if not run.succeeded:
                await self._record(run, runs)
            return run

    async def _attempt(self, run: Run, deadline_at: float, runs: int, fresh: bool) -> None:
        """One run, committed when it succeeded. Raises `Conflict` when it has to run again."""
        installation = run.request.installation
        pool = self._pools.of(installation)
        alone = installation.manifest.instance == "fresh"
        try:
            async with self._ending.droppable():
                component = await self._components.load(installation.digest)
                lease = await _acquire(pool, deadline_at, fresh or alone)
        except InnkeeperError as error:
            return run.fail(error)
        run.cold = lease.cold
        try:
            await self._run(run, component, lease, pool, deadline_at)
            if run.succeeded:
                pool.waits(lease, True)
                await self._commit(run, runs)
        except BaseException:  # boundary: whatever ends the run, its instance remembers what never happened
            pool.discard(lease)
            raise
        if alone or run.error is not None or (run.effects and not run.succeeded):
            pool.discard(lease)
        else:
            pool.release(lease)

    async def _run(self, run: Run, component: Component, lease: Lease, pool: Pool, deadline_at: float) -> None:
        request = run.request
        recording = Recording(self._seed(request.delivery_id), request.received_at)
        invocation = Invocation(request.installation, request.delivery_id, recording, self._platform, environment=self._environment)
        limits, waits = request.installation.limits, partial(pool.waits, lease)
        call = Call(limits, recording, invocation, invocation.write_log, deadline_at, waits)
        try:
            async with self._ending.droppable():
                result = await lease.instance.call(export(component, request.export), request.arguments(), call)
            run.value = request.value(result)
        except InnkeeperError as error:
            error.args = (request.installation.masks.masked(error.message),)
            run.fail(error)
        run.took(invocation, call.usage)

    async def _commit(self, run: Run, runs: int) -> None:
        """Effects and delivery in one transaction, under the configuration that they were made under: grants are checked again by that.

        A commit that fails for another reason than a race is the run's error. Raises `Conflict`.
        """
        request, value = run.request, run.value
        organization, plugin = request.installation.organization, request.installation.plugin
        delivery = run.delivery(runs)

        def job(made_under: int, connection: Connection) -> None:
            if epoch.read(connection) != made_under:
                raise ConfigurationChanged
            request.commit(connection, value)
            limits, now = request.installation.limits, time.time_ns() // 1_000_000
            effects.apply(connection, organization, plugin, run.effects, now, self._others, limits)
            deliveries.record(connection, delivery)

        while request.current(self._configuration.installation) is request:
            try:
                return await self._writer.commit(partial(job, self._configuration.epoch))
            except ConfigurationChanged:
                continue  # perhaps it was somebody else's
            except Conflict:
                raise
            except InnkeeperError as error:
                return run.fail(error)
        raise ConfigurationChanged

    async def _record(self, run: Run, runs: int) -> None:
        """What is kept of a failure, in a transaction of its own. It is answered even if that can't be kept.

        Where there was no place for the call, it is kept as a refused request is: only so many a minute.
        """
        if isinstance(run.error, NoPlace):
            return await self._refusals.record(run.request, run.error)
        delivery = run.delivery(runs)
        log.warning(
            "delivery.failed",
            organization=delivery.organization,
            plugin=delivery.plugin,
            delivery=delivery.id,
            status=delivery.status,
            code=delivery.error_code,
            reason=delivery.error_message,
        )
        try:
            await self._writer.commit(lambda connection: deliveries.record(connection, delivery))
        except InnkeeperError as error:
            log.error(
                "delivery.not_recorded",
                organization=delivery.organization,
                plugin=delivery.plugin,
                delivery=delivery.id,
                reason=error.message,
            )

    def _seed(self, delivery_id: str) -> bytes:
        """Keys the delivery's random stream: the same at each of its runs, and known to nobody else."""
        return blake2b(delivery_id.encode(), key=self._seed_key, digest_size=32).digest()


async def _acquire(pool: Pool, deadline_at: float, fresh: bool) -> Lease:
    try:
        async with asyncio.timeout_at(deadline_at):
            return await pool.acquire(fresh)
    except TimeoutError:
        raise DeadlineExceeded("all instances of the plugin were busy until the deadline (the limits concurrent and deadline)") from None
