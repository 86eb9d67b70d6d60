"""An invocation is a transaction: what the guest wished for commits together with the record of its delivery, or not at all."""

import asyncio
import os
import time
from collections.abc import Callable
from functools import partial
from hashlib import blake2b

import structlog

from host.capabilities.invocation import Invocation
from host.capabilities.reads import Platform
from host.model.errors import Conflict, DeadlineExceeded, InnkeeperError
from host.model.installation import Installation
from host.runtime.components import Components
from host.runtime.exports import HANDLE_WEBHOOK, export, value_of
from host.runtime.pool import Lease, Pool
from host.runtime.receipt import Answer, Receipt, failure
from host.runtime.response import checked
from host.runtime.run import Run
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import Instance
from host.sandbox.tape import Recording
from stores import deliveries, effects
from stores.statement import Connection
from stores.writer import Writer

log = structlog.get_logger()


class Invocations:
    """Runs guests for requests. `environment` is `production` or `development`."""

    def __init__(self, components: Components, platform: Platform, writer: Writer, environment: str = "production") -> None:
        self._components = components
        self._platform = platform
        self._writer = writer
        self._environment = environment
        self._pools: dict[tuple[str, str], tuple[Installation, Pool]] = {}
        self._seed_key = os.urandom(32)

    def __repr__(self) -> str:
        return f"<Invocations [{len(self._pools)} pools]>"

    async def handle(self, receipt: Receipt) -> Answer:
        """The answer to a webhook, after its commit. Never raises what a guest did: that is answered too, and recorded.

        An invocation that lost a race at its commit runs again, on the state that the winner left, until its deadline.
        """
        deadline_at = _deadline(receipt)
        runs = 0
        while True:
            runs += 1
            try:
                run = await self._attempt(receipt, deadline_at, runs)
            except Conflict:
                continue
            if not run.succeeded:
                await self._record(run, receipt, runs)
            return _answer(run, receipt)

    def forget(self, is_current: Callable[[Installation], bool]) -> None:
        """Closes the idle instances of installations that are not what they were."""
        for key, (installation, pool) in list(self._pools.items()):
            if not is_current(installation):
                pool.close()
                del self._pools[key]

    def close(self) -> None:
        """Closes the instances that nobody uses."""
        for _, pool in self._pools.values():
            pool.close()
        self._pools.clear()

    async def _attempt(self, receipt: Receipt, deadline_at: float, runs: int) -> Run:
        """One run, committed when it succeeded. Raises `Conflict` when it has to run again."""
        run = Run()
        pool = self._pool(receipt.installation)
        fresh = receipt.installation.manifest.instance == "fresh"
        try:
            component = await self._components.load(receipt.installation.digest)
            lease = await _acquire(pool, deadline_at, fresh)
        except InnkeeperError as error:
            run.error = error
            return run
        run.cold = lease.cold
        try:
            await self._run(run, receipt, component, lease, pool, deadline_at)
            if run.succeeded:
                pool.waits(lease, True)
                await self._commit(run, receipt, runs)
        except BaseException:
            pool.discard(lease)
            raise
        if fresh or run.error is not None or (run.effects and not run.succeeded):
            pool.discard(lease)
        else:
            pool.release(lease)
        return run

    async def _run(self, run: Run, receipt: Receipt, component: Component, lease: Lease, pool: Pool, deadline_at: float) -> None:
        recording = Recording(self._seed(receipt.delivery_id), receipt.received_at)
        invocation = Invocation(receipt.installation, receipt.delivery_id, recording, self._platform, environment=self._environment)
        limits, waits = receipt.installation.limits, partial(pool.waits, lease)
        call = Call(limits, recording, invocation, invocation.write_log, deadline_at, waits)
        try:
            result = await lease.instance.call(export(component, HANDLE_WEBHOOK), [receipt.route.name, receipt.request()], call)
            run.response = checked(value_of(result))
        except InnkeeperError as error:
            error.args = (invocation.masked(error.message),)
            run.error = error
        run.took(invocation, call.usage)

    async def _commit(self, run: Run, receipt: Receipt, runs: int) -> None:
        """Effects and delivery in one transaction. A commit that fails for another reason than a race is the run's error."""
        organization, plugin = receipt.installation.organization, receipt.installation.plugin
        delivery = run.delivery(receipt, runs)

        def job(connection: Connection) -> None:
            effects.apply(connection, organization, plugin, run.effects, _now())
            deliveries.record(connection, delivery)

        try:
            await self._writer.commit(job)
        except Conflict:
            raise
        except InnkeeperError as error:
            run.error, run.response = error, None

    async def _record(self, run: Run, receipt: Receipt, runs: int) -> None:
        """What is kept of a failure, in a transaction of its own. It is answered even if that can't be kept."""
        delivery = run.delivery(receipt, runs)
        try:
            await self._writer.commit(lambda connection: deliveries.record(connection, delivery))
        except InnkeeperError as error:
            log.error("delivery.not_recorded", delivery=receipt.delivery_id, reason=error.message)

    def _pool(self, installation: Installation) -> Pool:
        """The installation's pool. Another snapshot of its configuration has another one: no instance outlives a change."""
        key = (installation.organization, installation.plugin)
        known = self._pools.get(key)
        if known is not None and known[0] is installation:
            return known[1]
        if known is not None:
            known[1].close()
        pool = Pool(installation.limits.instances, partial(self._start, installation))
        self._pools[key] = (installation, pool)
        return pool

    async def _start(self, installation: Installation) -> Instance:
        component = await self._components.load(installation.digest)
        return await Instance.start(component, Call(installation.limits, Recording(os.urandom(32), _now())))

    def _seed(self, delivery_id: str) -> bytes:
        """Keys the delivery's random stream: the same at each of its runs, and known to nobody else."""
        return blake2b(delivery_id.encode(), key=self._seed_key, digest_size=32).digest()


def _answer(run: Run, receipt: Receipt) -> Answer:
    """The plugin's own response, or its error in the one shape that errors have."""
    if run.response is not None:
        return Answer(receipt.delivery_id, run.status, run.response.headers, run.response.body)
    error = run.error or InnkeeperError()
    return failure(receipt.delivery_id, run.status, error)


async def _acquire(pool: Pool, deadline_at: float, fresh: bool) -> Lease:
    try:
        async with asyncio.timeout_at(deadline_at):
            return await pool.acquire(fresh)
    except TimeoutError:
        raise DeadlineExceeded("all instances of the plugin were busy until the deadline (the limits instances and deadline)") from None


def _deadline(receipt: Receipt) -> float:
    """On the event loop's clock. It counts from the receipt."""
    spent = (time.perf_counter_ns() - receipt.received_ns) / 1e9
    return asyncio.get_running_loop().time() + receipt.installation.limits.deadline_ms / 1000 - spent


def _now() -> int:
    return time.time_ns() // 1_000_000
