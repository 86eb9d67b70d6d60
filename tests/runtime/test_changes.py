"""What a change of the configuration does to calls in line, and to what the host keeps of installations."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from host.model.errors import RequestError
from host.runtime.derived import Derived
from host.runtime.receipt import Answer
from host.runtime.runtime import Runtime
from host.web.routes import RouteTable
from stores import epoch, installations
from tests.guests_wat import Respond, manifest, plugin
from tests.runtime.hosts import ORGANIZATION, a_host, choose, installed, records, send, under_way
from tests.waiting_guest import waiting

ROUTE = {"name": "go", "path": "/go", "auth": {"type": "token"}}


@asynccontextmanager
async def a_line(folder: Path) -> AsyncIterator[tuple[Runtime, "asyncio.Task[Answer]", list["asyncio.Task[Answer]"]]]:
    """One call that keeps the plugin's only instance busy, and three that wait for it."""
    await installed(folder, waiting(manifest(ROUTE), 1_000, b"old"))
    async with a_host(folder) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "probe", limits={"concurrent": 1})
        busy = asyncio.create_task(send(runtime, "probe", "go"))
        await under_way(runtime)
        waiters = [asyncio.create_task(send(runtime, "probe", "go")) for _ in range(3)]
        while "3 calls queued" not in repr(runtime):  # noqa: ASYNC110  # the pool tells nobody
            await asyncio.sleep(0)
        yield runtime, busy, waiters


async def test_disabling_answers_the_calls_in_line_at_once_and_runs_no_guest_for_them(tmp_path: Path) -> None:
    async with a_line(tmp_path) as (runtime, busy, waiters):
        with runtime.database.transaction() as connection:
            choose(connection, "probe", enabled=False)
        assert runtime.installation(ORGANIZATION, "probe") is None
        for error in await asyncio.gather(*waiters, return_exceptions=True):
            assert isinstance(error, RequestError)
            assert error.status == 404
        assert not busy.done()
        assert [(each.outcome, each.status, each.runs, each.fuel) for each in records(runtime)] == [("refused", 404, 0, 0)] * 3
        with pytest.raises(RequestError, match="nothing here"):
            await busy


async def test_the_calls_in_line_run_on_the_version_that_took_the_place_of_theirs(tmp_path: Path) -> None:
    async with a_line(tmp_path) as (runtime, busy, waiters):
        await installed(tmp_path, plugin(manifest(ROUTE, version="2.0.0"), Respond(body=b"new")))
        assert runtime.installation(ORGANIZATION, "probe") is not None
        assert [(await waiter).body for waiter in waiters] == [b"new"] * 3
        assert (await busy).body == b"old"
        assert {(each.plugin_version, each.runs) for each in records(runtime)} == {("1.0.0", 1), ("2.0.0", 1)}


async def test_calls_in_line_end_with_the_host(tmp_path: Path) -> None:
    async with a_line(tmp_path) as (runtime, busy, waiters):
        runtime.ending.drop()
        runtime._pools.close()
        assert {(await task).status for task in (busy, *waiters)} == {503}


async def test_pools_that_hold_nothing_go_without_a_look_up(tmp_path: Path) -> None:
    await installed(tmp_path, plugin(manifest(ROUTE), Respond()))
    async with a_host(tmp_path) as runtime:
        await send(runtime, "probe", "go")
        for at, kept in ((0, 1), (runtime.capacity.clock() + 10**6, 0)):
            runtime.capacity.reap(at)
            with runtime.database.transaction() as connection:
                epoch.bump(connection)
            assert runtime.installation("nobody", "probe") is None
            assert repr(runtime.configuration).endswith(f"{kept} installations]>")
            assert repr(runtime._pools).count("<Pool ") == kept


async def test_nothing_of_an_uninstalled_plugin_is_kept(tmp_path: Path) -> None:
    await installed(tmp_path, plugin(manifest(ROUTE), Respond()))
    async with a_host(tmp_path) as runtime:
        tables = Derived(runtime.configuration, RouteTable)
        await send(runtime, "probe", "go")
        found = runtime.installation(ORGANIZATION, "probe")
        assert found is not None
        table = tables.of(found)
        with runtime.database.transaction() as connection:
            epoch.bump(connection)
        assert runtime.installation(ORGANIZATION, "probe") is found
        assert tables.of(found) is table
        seen = weakref.ref(found)
        del found, table
        with runtime.database.transaction() as connection:
            installations.remove(connection, ORGANIZATION, "probe")
        for _ in range(2):
            assert runtime.installation(ORGANIZATION, "probe") is None
            await runtime.writer.commit(epoch.bump)  # the writer holds its last job until the next one
        gc.collect()
        assert seen() is None
        assert repr(tables) == "<Derived [of 0 installations]>"
