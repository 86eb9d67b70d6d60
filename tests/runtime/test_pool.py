"""Instances are lent to one invocation at a time, in the order in which they are asked for. Instances here are real, of a guest in WAT."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from host.model.limits import Limits
from host.model.options import HostOptions
from host.runtime.capacity import Capacity
from host.runtime.pool import MOST_CALLS, Lease, Pool, Superseded
from host.sandbox import callbacks
from host.sandbox.cache import Cache, digest
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import Instance
from host.sandbox.tape import Recording
from tests.building import artefacts

GUEST = b"""(component
  (core module $m (func (export "nothing")))
  (core instance $i (instantiate $m))
  (func (export "nothing") (canon lift (core func $i "nothing"))))"""


def new_call() -> Call:
    return Call(Limits(), Recording(bytes(32), 1))


@asynccontextmanager
async def a_pool(limit: int) -> AsyncIterator[Pool]:
    component = Component(await Cache(artefacts() / "artefacts").artefact(digest(GUEST), lambda: GUEST), {})
    before = callbacks.live()
    pool = Pool(limit, lambda: Instance.start(component, new_call()))
    yield pool
    pool.close()
    assert callbacks.live() == before, "an instance was left open"


async def turns(count: int = 5) -> None:
    """Lets everybody else go on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def line_up(pool: Pool, names: str, served: list[str]) -> dict[str, "asyncio.Task[Lease]"]:
    """Callers who ask one after the other, and note when they are served."""

    async def ask(name: str) -> Lease:
        lease = await pool.acquire()
        served.append(name)
        return lease

    tasks = {}
    for name in names:
        tasks[name] = asyncio.create_task(ask(name))
        await turns(1)
    return tasks


async def test_an_instance_that_comes_back_is_lent_again() -> None:
    async with a_pool(2) as pool:
        first = await pool.acquire()
        pool.release(first)
        second = await pool.acquire()
        assert (first.cold, second.cold) == (True, False)
        assert second.instance is first.instance
        pool.release(second)


async def test_an_instance_that_is_thrown_away_is_closed_and_never_lent_again() -> None:
    async with a_pool(1) as pool:
        first = await pool.acquire()
        pool.discard(first)
        assert first.instance.closed
        second = await pool.acquire()
        assert second.cold
        pool.release(second)


async def test_a_second_instance_is_made_only_while_the_first_waits_and_only_up_to_the_limit() -> None:
    async with a_pool(2) as pool:
        first = await pool.acquire()
        served: list[str] = []
        tasks = await line_up(pool, "ab", served)
        await turns()
        assert repr(pool) == "<Pool [Instances: 1 busy, 0 idle; 2 calls queued]>"
        pool.waits(first, True)
        second = await tasks["a"]
        assert second.cold
        pool.waits(second, True)
        await turns()
        assert served == ["a"], "the limit is two"
        pool.release(first)
        pool.release(await tasks["b"])
        pool.release(second)


async def test_a_guest_that_waits_for_no_time_makes_nobody_a_second_instance() -> None:
    async with a_pool(2) as pool:
        first = await pool.acquire()
        tasks = await line_up(pool, "a", [])
        pool.waits(first, True)
        pool.waits(first, False)
        await turns()
        assert repr(pool) == "<Pool [Instances: 1 busy, 0 idle; 1 calls queued]>"
        pool.release(first)
        pool.release(await tasks["a"])


async def test_callers_are_served_in_their_order_whatever_happens_meanwhile() -> None:
    async with a_pool(1) as pool:
        first = await pool.acquire()
        served: list[str] = []
        tasks = await line_up(pool, "abc", served)
        for _ in range(4):
            pool.waits(first, True)
            pool.waits(first, False)
            await turns()
        pool.release(first)
        tasks |= await line_up(pool, "d", served)
        for name in "abcd":
            pool.release(await tasks[name])
        assert served == ["a", "b", "c", "d"]


async def test_a_caller_who_leaves_just_when_served_leaves_it_to_the_next() -> None:
    async with a_pool(1) as pool:
        first = await pool.acquire()
        tasks = await line_up(pool, "ab", [])
        pool.release(first)
        tasks["a"].cancel()
        pool.release(await tasks["b"])
        assert repr(pool) == "<Pool [Instances: 0 busy, 1 idle; 0 calls queued]>"


async def test_a_caller_who_leaves_with_the_right_to_a_new_instance_leaves_that_too() -> None:
    async with a_pool(1) as pool:
        first = await pool.acquire()
        tasks = await line_up(pool, "ab", [])
        pool.discard(first)
        tasks["a"].cancel()
        lease = await tasks["b"]
        assert lease.cold
        pool.release(lease)


async def test_a_caller_who_leaves_the_line_is_passed_over() -> None:
    async with a_pool(1) as pool:
        first = await pool.acquire()
        tasks = await line_up(pool, "ab", [])
        tasks["a"].cancel()
        await turns()
        pool.release(first)
        pool.release(await tasks["b"])


async def test_a_start_that_fails_gives_its_place_to_the_next() -> None:
    failures = iter([RuntimeError("no instance today")])

    async with a_pool(1) as pool:
        start = pool._start

        async def sometimes() -> Instance:
            if failure := next(failures, None):
                raise failure
            return await start()

        pool._start = sometimes
        with pytest.raises(RuntimeError, match="no instance today"):
            await pool.acquire()
        pool.release(await pool.acquire())


async def test_who_wants_a_fresh_one_gets_it_in_the_place_of_an_idle_one() -> None:
    async with a_pool(1) as pool:
        first = await pool.acquire()
        pool.release(first)
        second = await pool.acquire(fresh=True)
        assert second.cold
        assert first.instance.closed
        pool.release(second)


async def test_an_instance_is_replaced_after_many_calls() -> None:
    async with a_pool(1) as pool:
        lease = await pool.acquire()
        export = lease.instance.component.export("", "nothing")
        assert export is not None
        for _ in range(MOST_CALLS):
            await lease.instance.call(export, [], new_call())
        pool.release(lease)
        assert lease.instance.closed


async def test_a_closed_pool_keeps_nothing_that_comes_back() -> None:
    async with a_pool(2) as pool:
        lease = await pool.acquire()
        pool.close()
        pool.release(lease)
        assert lease.instance.closed


async def test_closing_ends_the_waits_of_all_in_line_and_leaks_no_place() -> None:
    async with a_pool(1) as pool:
        lease = await pool.acquire()
        tasks = await line_up(pool, "abc", served := [])
        pool.close()
        ended = await asyncio.gather(*tasks.values(), return_exceptions=True)
        assert [type(error) for error in ended] == [Superseded] * 3
        assert served == []
        pool.discard(lease)
        with pytest.raises(Superseded):
            await pool.acquire()
        assert pool.empty


async def test_who_was_just_served_when_the_pool_closes_begins_anew_too() -> None:
    for give_back in (Pool.release, Pool.discard):
        capacity = Capacity(HostOptions())
        async with a_pool(1) as pool:
            pool._room = capacity.room("acme", False, pool._evict)
            lease = await pool.acquire()
            tasks = await line_up(pool, "a", [])
            give_back(pool, lease)
            pool.close()
            with pytest.raises(Superseded):
                await tasks["a"]
            assert pool.empty
        assert capacity.total.count == 0


async def test_an_instance_that_was_starting_when_the_pool_closed_is_closed_and_lent_to_nobody() -> None:
    capacity = Capacity(HostOptions())
    async with a_pool(1) as pool:
        pool._room = capacity.room("acme", False, pool._evict)
        start, go_on = pool._start, asyncio.Event()

        async def slowly() -> Instance:
            await go_on.wait()
            return await start()

        pool._start = slowly
        starting = asyncio.create_task(pool.acquire())
        await turns(1)
        assert not pool.empty
        pool.close()
        go_on.set()
        with pytest.raises(Superseded):
            await starting
        assert pool.empty
    assert capacity.total.count == 0
