"""Live instances of all pools are counted exactly, and the right one goes. Instances are real, of a guest in WAT; time is given."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from host.model.errors import RequestError
from host.model.limits import MIB, Limits
from host.model.options import HostOptions
from host.runtime.capacity import Capacity, HostFull
from host.runtime.pool import Lease, Pool, QueueFull
from host.sandbox import callbacks
from host.sandbox.cache import Cache, digest
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import Instance
from host.sandbox.tape import Recording
from tests.building import artefacts

GUEST = b"""(component
  (core module $m (memory 1)
    (func (export "nothing"))
    (func (export "grow") (drop (memory.grow (i32.const 320)))))
  (core instance $i (instantiate $m))
  (func (export "nothing") (canon lift (core func $i "nothing")))
  (func (export "grow") (canon lift (core func $i "grow"))))"""
GROWN = 20 * MIB


def new_call() -> Call:
    return Call(Limits(), Recording(bytes(32), 1))


class Hall:
    """Pools that share a capacity, by organisation. `now` is the time."""

    def __init__(self, component: Component, **options: object) -> None:
        self.now = 0.0
        self.component = component
        self.capacity = Capacity(HostOptions(**options), lambda: self.now)
        self.pools: list[Pool] = []

    def pool(self, organization: str = "acme", limit: int = 4, queue: int = 10, *, channel: bool = False) -> Pool:
        start = partial(Instance.start, self.component)
        pool = Pool(limit, lambda: start(new_call()), queue, partial(self.capacity.room, organization, channel))
        self.pools.append(pool)
        return pool

    @property
    def accounts(self) -> str:
        return repr(self.capacity.total)


@asynccontextmanager
async def a_hall(**options: object) -> AsyncIterator[Hall]:
    hall = Hall(Component(await Cache(artefacts() / "artefacts").artefact(digest(GUEST), lambda: GUEST), {}), **options)
    (await Instance.start(hall.component, new_call())).close()  # the process's first takes what all need
    before = callbacks.live()
    yield hall
    for pool in hall.pools:
        pool.close()
    assert callbacks.live() == before, "an instance was left open"
    assert hall.accounts.startswith(f"0 of {hall.capacity.total.most} instances (0 lent, 0 idle, 0 starting), 0.0 of")


async def call(lease: Lease, name: str = "nothing") -> None:
    export = lease.instance.component.export("", name)
    assert export is not None
    await lease.instance.call(export, [], new_call())


async def used(pool: Pool, name: str = "nothing") -> Instance:
    """An instance that was lent, called and given back."""
    lease = await pool.acquire()
    await call(lease, name)
    pool.release(lease)
    return lease.instance


async def test_what_is_lent_idle_and_starting_is_counted_and_shown() -> None:
    async with a_hall(max_instances=5) as hall:
        first, second = hall.pool("acme"), hall.pool("globex")
        lease = await first.acquire()
        await used(second)
        third, go_on = hall.pool("initech"), asyncio.Event()
        start = third._start

        async def later() -> Instance:
            await go_on.wait()
            return await start()

        third._start = later
        starting = asyncio.create_task(third.acquire())
        await asyncio.sleep(0)
        assert hall.accounts.startswith("3 of 5 instances (1 lent, 1 idle, 1 starting)")
        assert repr(hall.capacity.organization("acme")).startswith("1 of 200 instances (1 lent, 0 idle, 0 starting)")
        go_on.set()
        third.release(await starting)
        first.discard(lease)
        assert hall.accounts.startswith("2 of 5 instances (0 lent, 2 idle, 0 starting)")


@pytest.mark.promise("capacity.least-recently-used")
async def test_of_anybody_the_idle_one_goes_that_was_used_least_recently_and_never_one_that_is_lent() -> None:
    async with a_hall(max_instances=3) as hall:
        lent = await hall.pool("acme").acquire()
        older, newer = hall.pool("globex"), hall.pool("initech")
        first, second = await used(older), await used(newer)
        assert await used(older) is first  # so the other one is now the older
        third = await used(hall.pool("hooli"))
        assert (first.closed, second.closed, third.closed, lent.instance.closed) == (False, True, False, False)
        hall.pools[0].release(lent)


@pytest.mark.promise("capacity.least-recently-used")
async def test_for_its_own_cap_an_organisation_gives_up_one_of_its_own() -> None:
    async with a_hall(max_instances_per_organization=2) as hall:
        neighbour = await used(hall.pool("globex"))
        first, second = await used(hall.pool("acme")), await used(hall.pool("acme"))
        third = await used(hall.pool("acme"))
        assert (neighbour.closed, first.closed, second.closed, third.closed) == (False, True, False, False)


@pytest.mark.promise("capacity.full")
async def test_where_all_are_in_use_a_plugin_without_an_instance_gets_none() -> None:
    async with a_hall(max_instances=2, max_instances_per_organization=2) as hall:
        pool, other = hall.pool("acme"), hall.pool("globex")
        leases = [await hall.pool("acme").acquire(), await pool.acquire()]
        with pytest.raises(HostFull) as full:
            await other.acquire()
        assert (full.value.status, full.value.code, full.value.retry_after_s) == (503, "host.full", 1)
        hall.pools[2].release(leases[0])
        other.release(await other.acquire())
        pool.release(leases[1])


@pytest.mark.promise("capacity.full")
async def test_an_organisation_at_its_cap_is_nothing_to_the_others() -> None:
    async with a_hall(max_instances_per_organization=1) as hall:
        pool = hall.pool("acme")
        lease = await pool.acquire()
        with pytest.raises(HostFull):
            await hall.pool("acme").acquire()
        await used(hall.pool("globex"))
        pool.release(lease)


async def test_a_plugin_that_has_an_instance_waits_for_it_on_a_full_host() -> None:
    async with a_hall(max_instances=1) as hall:
        pool = hall.pool()
        lease = await pool.acquire()
        pool.waits(lease, True)
        second = asyncio.create_task(pool.acquire())
        await asyncio.sleep(0)
        assert "1 calls queued" in repr(pool)
        pool.release(lease)
        pool.release(await second)


async def test_a_fresh_instance_on_a_full_host_takes_the_place_of_the_plugins_own_idle_one() -> None:
    async with a_hall(max_instances=1) as hall:
        pool = hall.pool()
        first = await used(pool)
        lease = await pool.acquire(fresh=True)
        assert first.closed
        pool.release(lease)


async def test_memory_counts_as_it_is_measured_and_a_grown_instance_makes_idle_ones_go() -> None:
    async with a_hall(max_instance_memory=64 * MIB, max_instance_memory_per_organization=64 * MIB) as hall:
        idle = [await used(hall.pool("globex"), "grow") for _ in range(2)]
        assert 2 * GROWN <= hall.capacity.total.memory < 64 * MIB
        lease = await hall.pool("acme").acquire()
        await call(lease, "grow")
        await call(lease, "grow")
        hall.pools[2].release(lease)
        assert idle[0].closed
        assert not lease.instance.closed
        assert hall.capacity.total.memory <= 64 * MIB


@pytest.mark.promise("capacity.full")
async def test_where_memory_is_used_up_by_lent_instances_no_other_starts() -> None:
    async with a_hall(max_instance_memory=64 * MIB, max_instance_memory_per_organization=32 * MIB) as hall:
        pool = hall.pool("acme", limit=1)
        await used(pool, "grow")
        lease = await pool.acquire()
        await call(lease, "grow")
        pool.release(lease)
        assert lease.instance.closed, "alone it is more than its organisation may have"
        assert hall.capacity.total.memory == 0


async def test_an_instance_that_has_grown_much_since_its_first_call_is_replaced() -> None:
    async with a_hall() as hall:
        pool = hall.pool()
        first = await used(pool)
        assert await used(pool) is first
        assert await used(pool, "grow") is first
        assert first.closed
        large = await used(pool, "grow")
        assert await used(pool) is large, "what is large from the start is as it should be"


@pytest.mark.promise("capacity.idle")
async def test_idle_instances_go_after_their_time_and_later_where_the_plugin_has_a_channel() -> None:
    async with a_hall(idle_s=300, idle_channel_s=1800) as hall:
        plain, channel = await used(hall.pool()), await used(hall.pool(channel=True))
        lent = await hall.pool().acquire()
        hall.capacity.reap(299)
        assert not plain.closed
        hall.capacity.reap(300)
        assert (plain.closed, channel.closed) == (True, False)
        hall.now = 1000
        assert await used(hall.pools[1]) is channel, "used again, so its time begins anew"
        hall.capacity.reap(2799)
        assert not channel.closed
        hall.capacity.reap(2800)
        assert (channel.closed, lent.instance.closed) == (True, False)
        hall.pools[2].release(lent)


async def test_a_start_that_fails_or_that_nobody_waits_for_any_more_gives_its_place_back() -> None:
    async with a_hall(max_instances=1) as hall:
        pool = hall.pool()
        start = pool._start

        async def fails() -> Instance:
            raise RuntimeError("no instance today")

        pool._start = fails
        with pytest.raises(RuntimeError):
            await pool.acquire()
        pool._start = start
        for turns in range(4):
            caller = asyncio.create_task(pool.acquire())
            for _ in range(turns):
                await asyncio.sleep(0)
            caller.cancel()
            await asyncio.wait([caller])
            if not caller.cancelled():
                pool.release(caller.result())
        await used(pool)


@pytest.mark.promise("limits.queue")
async def test_beyond_the_queue_a_call_is_told_to_come_again_and_the_line_goes_on() -> None:
    async with a_hall() as hall:
        pool = hall.pool(limit=1, queue=2)
        lease = await pool.acquire()
        line = [asyncio.create_task(pool.acquire()) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull) as full:
            await pool.acquire()
        assert (full.value.status, full.value.code) == (429, "limit.queue")
        pool.release(lease)
        for caller in line:
            pool.release(await caller)


async def test_without_a_queue_a_call_that_can_run_at_once_still_does() -> None:
    async with a_hall() as hall:
        pool = hall.pool(limit=1, queue=0)
        await used(pool)
        lease = await pool.acquire()
        with pytest.raises(QueueFull):
            await pool.acquire()
        pool.release(lease)


async def test_after_any_lending_returning_failing_and_cancelling_the_accounts_are_exact() -> None:
    dice = random.Random(7)
    async with a_hall(max_instances=5, max_instances_per_organization=3) as hall:
        before = callbacks.live()
        for organization in ("acme", "acme", "globex", "initech"):
            hall.pool(organization, limit=2, queue=2)
        leases: list[tuple[Pool, Lease]] = []
        callers: list[tuple[Pool, asyncio.Task[Lease]]] = []
        for _ in range(600):
            pool = dice.choice(hall.pools)
            match dice.randrange(7):
                case 0 | 1 | 2:
                    callers.append((pool, asyncio.create_task(pool.acquire(fresh=dice.random() < 0.2))))
                case 3 if callers:
                    callers[dice.randrange(len(callers))][1].cancel()
                case 4 if leases:
                    owner, lease = leases.pop(dice.randrange(len(leases)))
                    dice.choice([owner.release, owner.discard])(lease)
                case 5 if leases:
                    owner, lease = dice.choice(leases)
                    owner.waits(lease, dice.random() < 0.7)
                case 6:
                    hall.now += 100
                    hall.capacity.reap(hall.now)
            for _ in range(dice.randrange(4)):
                await asyncio.sleep(0)
            for caller in [caller for caller in callers if caller[1].done()]:
                callers.remove(caller)
                if not caller[1].cancelled() and not isinstance(caller[1].exception(), RequestError):
                    leases.append((caller[0], caller[1].result()))
            total = hall.capacity.total
            assert total.count <= 5
            assert hall.capacity.organization("acme").count <= 3
            assert callbacks.live() - before <= total.count
            assert total.count == sum(len(pool._lent) + len(pool._idle) + pool._starting for pool in hall.pools)
            assert len(total.idle) == sum(len(pool._idle) for pool in hall.pools)
        for _, task in callers:
            task.cancel()
        if callers:
            await asyncio.wait([task for _, task in callers])
        for pool, task in callers:
            if not task.cancelled() and not task.exception():
                leases.append((pool, task.result()))
        for pool, lease in leases:
            pool.release(lease)
