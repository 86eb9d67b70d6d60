"""Between a guest's answer and its commit: lost races, changes of the configuration, a database that refuses, callers who go away."""

import asyncio
from pathlib import Path

import pytest
from msgspec.json import decode

from host.model.entry import Scope
from host.model.errors import RequestError
from host.model.limits import Limits
from host.runtime.runtime import Runtime
from host.sandbox import callbacks
from stores import entries, epoch, installations
from stores.database import Database
from stores.statement import Connection
from tests.building import from_source
from tests.guests_wat import Respond, manifest, plugin
from tests.runtime.hosts import ORGANIZATION, a_host, before_the_commit, choose, installed, queued, receipt, records, send

PLUGIN = '''
from plugin_sdk_py import Plugin, Request, Response, token

plugin = Plugin("counter", version="1.0.0", description="Counts")
plugin.needs("store", reason="keeps the count")
calls = 0


@plugin.post("/count", auth=token())
def count(request: Request) -> Response:
    """Counts up by one, and says what it found and how often this instance was called."""
    global calls
    calls += 1
    entry = plugin.store.entry("count")
    found = entry.value if entry else 0
    plugin.store.compare_and_set("count", found + 1, entry.version if entry else None)
    return Response.json({"found": found, "calls": calls})
'''
SCOPE = Scope("plugin")


async def prepared(folder: Path, **limits: int) -> Path:
    data = folder / "data"
    await installed(data, from_source(folder / "counter", PLUGIN))
    with Database(data / "innkeeper.db").transaction() as connection:
        choose(connection, "counter", limits=limits)
    return data


def count_of(runtime: Runtime) -> int:
    entry = entries.entry(runtime.reads, ORGANIZATION, "counter", SCOPE, "count")
    return decode(entry.value) if entry else 0


async def test_who_lost_a_race_runs_again_in_another_instance_on_what_the_winner_left(tmp_path: Path) -> None:
    async with a_host(await prepared(tmp_path)) as runtime:
        await send(runtime, "counter", "count")
        async with before_the_commit(runtime, lambda connection: entries.put(connection, ORGANIZATION, "counter", SCOPE, "count", "10")):
            task = asyncio.create_task(send(runtime, "counter", "count"))
            await queued(runtime)
        assert decode((await task).body) == {"found": 10, "calls": 1}
        assert count_of(runtime) == 11
        assert (records(runtime)[-1].runs, records(runtime)[-1].cold) == (2, True)
        once, twice = records(runtime)
        assert twice.fuel > once.fuel
        assert twice.bytes_out > 1.5 * once.bytes_out


async def test_a_race_that_is_lost_again_and_again_ends_at_the_deadline(tmp_path: Path) -> None:
    data = await prepared(tmp_path, deadline_ms=2_000)
    with Database(data / "innkeeper.db").transaction() as connection:
        connection.execute("CREATE TRIGGER lost BEFORE INSERT ON store_entries BEGIN SELECT RAISE(ABORT, 'somebody was faster'); END")
    async with a_host(data) as runtime:
        answer = await send(runtime, "counter", "count")
        assert (answer.status, decode(answer.body)["error"]["code"]) == (504, "deadline")
        (record,) = records(runtime)
        assert record.runs > 1


async def test_a_commit_that_the_database_refuses_is_503_and_its_instance_is_thrown_away(tmp_path: Path) -> None:
    data = await prepared(tmp_path)
    async with a_host(data) as runtime:
        await send(runtime, "counter", "count")
        with Database(data / "innkeeper.db").transaction() as connection:
            connection.execute("CREATE TRIGGER broken BEFORE UPDATE ON store_entries BEGIN SELECT json('not json'); END")
        answer = await send(runtime, "counter", "count")
        assert (answer.status, decode(answer.body)["error"]["code"]) == (503, "unavailable")
        assert ("retry-after", "1") in answer.headers
        with Database(data / "innkeeper.db").transaction() as connection:
            connection.execute("DROP TRIGGER broken")
        assert decode((await send(runtime, "counter", "count")).body) == {"found": 1, "calls": 1}
        assert [(record.outcome, record.effects, record.cold) for record in records(runtime)] == [
            ("succeeded", 1, True), ("failed", 0, False), ("succeeded", 1, True),
        ]  # fmt: skip


async def test_a_grant_that_is_taken_away_before_the_commit_counts(tmp_path: Path) -> None:
    async with a_host(await prepared(tmp_path)) as runtime:
        installation = runtime.installation(ORGANIZATION, "counter")
        assert installation is not None
        async with before_the_commit(runtime, lambda connection: installations.set_grants(connection, ORGANIZATION, "counter", [], 2)):
            task = asyncio.create_task(send(runtime, "counter", "count"))
            await queued(runtime)
        assert (await task).status == 502
        (record,) = records(runtime)
        assert (record.runs, record.error_code) == (2, "failed")
        assert "has no grant 'store'" in str(record.error_message)
        assert count_of(runtime) == 0


async def test_a_plugin_that_is_disabled_before_the_commit_leaves_nothing_but_the_record_of_that(tmp_path: Path) -> None:
    async with a_host(await prepared(tmp_path)) as runtime:
        installation = runtime.installation(ORGANIZATION, "counter")
        assert installation is not None
        async with before_the_commit(runtime, lambda connection: choose(connection, "counter", enabled=False)):
            task = asyncio.create_task(send(runtime, "counter", "count"))
            await queued(runtime)
        with pytest.raises(RequestError, match="nothing here"):
            await task
        assert count_of(runtime) == 0
        (record,) = records(runtime)
        assert (record.outcome, record.status, record.error_code, record.runs, record.effects) == ("failed", 404, "not-found", 1, 0)
        assert record.fuel > 0


async def test_a_request_whose_plugin_is_gone_before_it_runs_is_recorded_as_refused(tmp_path: Path) -> None:
    async with a_host(await prepared(tmp_path)) as runtime:
        installation = runtime.installation(ORGANIZATION, "counter")
        assert installation is not None
        with runtime.database.transaction() as connection:
            installations.remove(connection, ORGANIZATION, "counter")
        with pytest.raises(RequestError, match="nothing here"):
            await runtime.handle(receipt(installation, "count"))
        (record,) = records(runtime)
        assert (record.outcome, record.status, record.runs) == ("refused", 404, 0)


async def test_a_change_that_is_somebody_elses_costs_no_second_run(tmp_path: Path) -> None:
    async with a_host(await prepared(tmp_path)) as runtime:
        async with before_the_commit(runtime, epoch.bump):
            task = asyncio.create_task(send(runtime, "counter", "count"))
            await queued(runtime)
        assert (await task).status == 200
        assert records(runtime)[0].runs == 1


async def test_requests_from_before_a_change_share_the_instances_of_those_after_it(tmp_path: Path) -> None:
    async with a_host(await prepared(tmp_path)) as runtime:
        before = runtime.installation(ORGANIZATION, "counter")
        assert before is not None
        with Database(tmp_path / "data" / "innkeeper.db").transaction() as connection:
            choose(connection, "counter", limits={"fuel": 10**9})
        for _ in range(3):
            assert (await runtime.handle(receipt(before, "count"))).status == 200
            assert (await send(runtime, "counter", "count")).status == 200
        assert [record.cold for record in records(runtime)] == [True] + [False] * 5


async def test_callers_who_go_away_at_any_moment_leave_whole_commits_and_no_instance_behind(tmp_path: Path) -> None:
    live = callbacks.live()
    async with a_host(await prepared(tmp_path)) as runtime:
        for turns in range(60):
            tasks = [asyncio.create_task(send(runtime, "counter", "count")) for _ in range(3)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        assert (await send(runtime, "counter", "count")).status == 200
        assert count_of(runtime) == sum(record.outcome == "succeeded" for record in records(runtime))
        idle = callbacks.live() - live
        assert 1 <= idle <= Limits().concurrent
    assert callbacks.live() == live


@pytest.mark.promise("limits.concurrent")
async def test_a_burst_gets_no_more_instances_than_the_limit_and_every_answer(tmp_path: Path) -> None:
    live = callbacks.live()
    most = 0
    async with a_host(await prepared(tmp_path, concurrent=2)) as runtime:
        tasks = [asyncio.create_task(send(runtime, "counter", "count")) for _ in range(30)]
        while not all(task.done() for task in tasks):
            most = max(most, callbacks.live() - live)
            await asyncio.sleep(0)
        assert {task.result().status for task in tasks} == {200}
        assert count_of(runtime) == 30
    assert most == 2


async def test_consent_to_a_public_route_that_is_taken_back_with_an_upgrade_before_the_commit_counts(tmp_path: Path) -> None:
    route = {"name": "open", "path": "/open", "auth": {"type": "public"}}
    await installed(tmp_path, plugin(manifest(route), Respond()))
    newer = await installed(tmp_path, plugin(manifest(route, version="2.0.0"), Respond()), organization="globex")
    assert newer

    def upgraded_without_consent(connection: Connection) -> None:
        connection.execute(
            "UPDATE installations SET digest = (SELECT digest FROM installations WHERE organization = 'globex') WHERE organization = ?",
            (ORGANIZATION,),
        )
        installations.set_grants(connection, ORGANIZATION, "probe", [], 2)

    async with a_host(tmp_path) as runtime:
        async with before_the_commit(runtime, upgraded_without_consent):
            task = asyncio.create_task(send(runtime, "probe", "open"))
            await queued(runtime)
        with pytest.raises(RequestError, match="nothing here"):
            await task
        (record,) = records(runtime)
        assert (record.outcome, record.status, record.runs) == ("failed", 404, 1)
