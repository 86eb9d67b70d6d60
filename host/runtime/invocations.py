"""An invocation is a transaction: what the guest wished for commits together with the record of its delivery, or not at all."""

import asyncio
import time
from functools import partial

import structlog
from msgspec import structs

from host.model.errors import Conflict, InnkeeperError, KeyTaken, LostToOthers, RequestError
from host.model.installation import Installation
from host.runtime.breaker import BreakerOpen, Breakers, open_breaker
from host.runtime.capacity import NoPlace
from host.runtime.components import Components
from host.runtime.configuration import Configuration
from host.runtime.ending import Ending
from host.runtime.pool import Lease, Pool, Superseded
from host.runtime.pools import Pools
from host.runtime.refusals import Refusals
from host.runtime.request import InvocationRequest
from host.runtime.run import Run
from host.runtime.runner import Runner
from stores import deliveries, effects, epoch
from stores.effects import Appliers
from stores.statement import Connection
from stores.writer import Writer

log = structlog.get_logger()


class ConfigurationChanged(Conflict):
    """The configuration changed while the invocation ran."""


class Invocations:
    """Runs guests for requests. `others` apply what an embedder keeps itself."""

    def __init__(
        self,
        configuration: Configuration,
        components: Components,
        pools: Pools,
        runner: Runner,
        writer: Writer,
        refusals: Refusals,
        breakers: Breakers,
        ending: Ending,
        others: Appliers | None = None,
    ) -> None:
        self._configuration = configuration
        self._components = components
        self._pools = pools
        self._runner = runner
        self._writer = writer
        self._refusals = refusals
        self._breakers = breakers
        self._ending = ending
        self._others = others

    async def run(self, request: InvocationRequest) -> Run:
        """The last run for a request, committed where it succeeded, recorded in any case. What a guest does is in it, never raised.

        An invocation that lost a race at its commit runs again, on the state that the winner left, until its deadline. One that failed in a
        used instance runs once more in a fresh one before it counts as failed. Raises `RequestError`, once that is recorded, when what is
        asked for is no longer there; `KeyTaken` when the same request was answered meanwhile: then nothing is recorded.
        """
        deadline_at = request.deadline_at()
        fresh = False
        last: Run | None = None
        while True:
            request = await self._current(request, last)
            run = Run.after(last, request)
            if request.guarded and request.installation.breaker_open:
                return await self._held_up(request, last)
            try:
                await self._attempt(run, deadline_at, fresh)
            except KeyTaken:
                raise
            except Superseded:
                continue
            except Conflict as conflict:
                last = run
                if asyncio.get_running_loop().time() < deadline_at:
                    continue
                run.fail(LostToOthers(f"the call lost the race for its commit {run.runs} times, until its deadline: {conflict.message}"))
            if run.may_be_the_instances_fault and not fresh:
                last, fresh = run, True
                continue
            opening = self._breakers.saw(run)
            if not run.succeeded:
                await self._record(run, opening)
            return run

    async def _current(self, request: InvocationRequest, last: Run | None) -> InvocationRequest:
        """The request to the installation as it is now. Where that has no place for it any more, this is what became of the last run."""
        try:
            return request.current(self._configuration.installation)
        except RequestError as error:
            if last is None:
                await self._refusals.record(request, error)
            else:
                last.fail(error)
                await self._record(last, None)
            raise

    async def _held_up(self, request: InvocationRequest, last: Run | None) -> Run:
        """What an open breaker makes of a request. A guest that ran for it already is in the record."""
        run = last or Run(request)
        run.fail(error := BreakerOpen())
        await (self._record(run, None) if last else self._refusals.record(request, error))
        return run

    async def _attempt(self, run: Run, deadline_at: float, fresh: bool) -> None:
        """One run, committed when it succeeded. Raises `Conflict` when it has to run again, `Superseded` when it did not run at all."""
        installation = run.request.installation
        pool = self._pools.of(installation)
        alone = installation.manifest.instance == "fresh"
        try:
            async with self._ending.droppable():
                component = await self._components.load(installation.digest)
                lease = await _acquire(pool, deadline_at, fresh or alone)
        except Superseded:
            raise
        except InnkeeperError as error:
            return run.fail(error)
        if self._configuration.installation(installation.organization, installation.plugin) is not installation:
            pool.release(lease)  # it changed while the call waited
            raise Superseded
        run.cold = lease.cold
        try:
            await self._runner.run(run, component, lease.instance, deadline_at, waits=partial(pool.waits, lease))
            if run.succeeded:
                pool.waits(lease, True)
                await self._commit(run)
        except BaseException:  # boundary: whatever ends the run, its instance remembers what never happened
            pool.discard(lease)
            raise
        if alone or run.error is not None or (run.effects and not run.succeeded):
            pool.discard(lease)
        else:
            pool.release(lease)

    async def _commit(self, run: Run) -> None:
        """Effects and delivery in one transaction, under a configuration that lets them: grants are checked again by that.

        A commit that fails for another reason than a race is the run's error. Raises `Conflict`.
        """
        request, value = run.request, run.value
        organization, plugin = request.installation.organization, request.installation.plugin
        delivery = run.delivery()

        def job(made_under: int, connection: Connection) -> None:
            if epoch.read(connection) != made_under:
                raise ConfigurationChanged
            request.commit(connection, value)
            limits, now = request.installation.limits, time.time_ns() // 1_000_000
            effects.apply(connection, organization, plugin, run.effects, now, self._others, limits)
            deliveries.record(connection, delivery)

        while permits(self._configuration.installation(organization, plugin), run):
            try:
                return await self._writer.commit(partial(job, self._configuration.epoch))
            except ConfigurationChanged:
                continue  # perhaps it was somebody else's
            except Conflict:
                raise
            except InnkeeperError as error:
                return run.fail(error)
        raise ConfigurationChanged

    async def _record(self, run: Run, opening: str | None) -> None:
        """What is kept of a failure, in a transaction of its own: with `opening`, a reason, the breaker too. It is answered even if that
        can't be kept.

        Where there was no place for the call, it is kept as a refused request is: only so many a minute.
        """
        if isinstance(run.error, NoPlace) and run.runs == 1:
            return await self._refusals.record(run.request, run.error)
        delivery = run.delivery()
        log.warning(
            "delivery.failed",
            organization=delivery.organization,
            plugin=delivery.plugin,
            delivery=delivery.id,
            status=delivery.status,
            code=delivery.error_code,
            reason=delivery.error_message,
        )

        def job(connection: Connection) -> None:
            deliveries.record(connection, delivery)
            if opening:
                open_breaker(connection, run.request.installation, opening)

        try:
            await self._writer.commit(job)
        except InnkeeperError as error:
            log.error(
                "delivery.not_recorded",
                organization=delivery.organization,
                plugin=delivery.plugin,
                delivery=delivery.id,
                reason=error.message,
            )


def permits(now: Installation | None, run: Run) -> bool:
    """Whether what was made under a run's configuration may be committed under the one of `now`, the enabled installation.

    It may where nothing changed, or nothing that somebody decided about the plugin: a breaker that opened holds up what comes later. Where
    another version took its place, the run was one of the version before and can't be made again: it may as long as all that it used is
    granted.
    """
    made = run.request.installation
    if now is None or now is made:
        return now is made
    replaced = now.digest != made.digest
    return (replaced or structs.replace(now, breaker_open=made.breaker_open) == made) and run.used | run.request.needs <= now.grants


async def _acquire(pool: Pool, deadline_at: float, fresh: bool) -> Lease:
    try:
        async with asyncio.timeout_at(deadline_at):
            return await pool.acquire(fresh)
    except TimeoutError:
        raise LostToOthers("all instances of the plugin were busy until the deadline (the limits concurrent and deadline)") from None
