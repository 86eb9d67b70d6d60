"""Enabling and disabling: the plugin is told, and never holds anybody up."""

import asyncio
from pathlib import Path

import pytest

from host.model.errors import UsageError
from host.runtime import asking
from host.runtime.enable import disable, disable_as_a_whole, enable, enable_as_a_whole
from host.runtime.lifecycle import LifecycleCall
from host.runtime.runtime import Runtime
from stores import conditions
from stores.statement import Connection
from tests.guests_wat import Fail, Succeed
from tests.runtime.hosts import ORGANIZATION, a_host, before_the_commit, choose, installed, queued, records, send
from tests.runtime.living import SPIN, TRAP, keeping, living, short_of_fuel, status, stored


def names(runtime: Runtime, organization: str = ORGANIZATION) -> list[tuple[str, str]]:
    return sorted((each.name, each.outcome) for each in records(runtime, organization))


async def test_a_plugin_is_told_to_stop_before_it_is_disabled_and_to_start_afterwards(tmp_path: Path) -> None:
    await installed(tmp_path, living({"stop": keeping("stopped")}))
    async with a_host(tmp_path) as runtime:
        done = await disable(runtime, ORGANIZATION, "probe")
        assert (done.changed, done.enabled, done.status, done.reason) == (True, False, "stopped", None)
        assert runtime.installation(ORGANIZATION, "probe") is None
        assert stored(runtime) == {"stopped": 1}
        done = await enable(runtime, ORGANIZATION, "probe")
        assert (done.changed, done.enabled, done.status) == (True, True, "running")
        assert (await send(runtime, "probe", "ping")).body == b"pong"


@pytest.mark.parametrize(("wrong", "code"), [(TRAP, "trap"), (Fail("busy"), "failed"), (SPIN, "fuel")])
@pytest.mark.promise("lifecycle.stop")
async def test_whatever_stop_does_the_plugin_is_disabled(tmp_path: Path, wrong: Fail, code: str) -> None:
    short_of_fuel(tmp_path)
    await installed(tmp_path, living({"stop": wrong}))
    async with a_host(tmp_path) as runtime:
        done = await disable(runtime, ORGANIZATION, "probe")
        assert (done.changed, done.enabled, done.status) == (True, False, "stopped")
        assert str(done.reason).endswith(f"({code})")
        assert names(runtime) == [("stop", "failed")]


async def test_what_is_enabled_or_disabled_already_is_left_alone(tmp_path: Path) -> None:
    await installed(tmp_path, living({"start": Succeed(), "stop": Succeed()}))
    async with a_host(tmp_path) as runtime:
        assert not (await enable(runtime, ORGANIZATION, "probe")).changed
        assert (await disable(runtime, ORGANIZATION, "probe")).changed
        assert not (await disable(runtime, ORGANIZATION, "probe")).changed
        assert names(runtime) == [("start", "succeeded"), ("stop", "succeeded")]


async def test_initialize_that_failed_is_asked_again_when_it_is_enabled(tmp_path: Path) -> None:
    await installed(tmp_path, living({"initialize": keeping("one", guarded=True), "start": keeping("two", guarded=True)}), grant_all=False)
    async with a_host(tmp_path) as runtime:
        assert status(runtime)[0] == "error"
        await installed(tmp_path, living({"initialize": keeping("one", guarded=True), "start": keeping("two", guarded=True)}))
        assert status(runtime) == ("running", None)
        assert stored(runtime) == {"one": 1, "two": 1}
        await disable(runtime, ORGANIZATION, "probe")
        done = await enable(runtime, ORGANIZATION, "probe")
        assert (done.status, str(done.reason)[:7]) == ("error", "start: ")


async def test_a_start_that_fails_is_recorded_and_requests_are_served(tmp_path: Path) -> None:
    await installed(tmp_path, living({"start": Fail("no network")}))
    async with a_host(tmp_path) as runtime:
        await disable(runtime, ORGANIZATION, "probe")
        done = await enable(runtime, ORGANIZATION, "probe")
        assert (done.status, done.reason) == ("error", "start: no network (failed)")
        assert (await send(runtime, "probe", "ping")).body == b"pong"
        again = await enable(runtime, ORGANIZATION, "probe")
        assert (again.changed, again.status) == (True, "error")


async def test_a_plugin_as_a_whole_stops_and_starts_where_it_is_enabled(tmp_path: Path) -> None:
    component = living({"start": keeping("started"), "stop": Fail("no")})
    for organization in ("acme", "other", "third"):
        await installed(tmp_path, component, organization=organization)
    async with a_host(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "probe", "third", enabled=False)
            conditions.set_status(connection, "third", "probe", "stopped", None, 1)
        done = await disable_as_a_whole(runtime, "probe")
        assert (done.changed, done.enabled) == (True, False)
        assert [(each.organization, each.status, each.reason) for each in done.installations] == [
            ("acme", "stopped", "stop: no (failed)"), ("other", "stopped", "stop: no (failed)"), ("third", "stopped", None),
        ]  # fmt: skip
        assert runtime.installation("other", "probe") is None
        assert names(runtime, "third") == [("start", "succeeded")]

        one = await enable(runtime, "third", "probe")
        assert (one.enabled, one.enabled_as_a_whole, one.status) == (True, False, "stopped")

        back = await enable_as_a_whole(runtime, "probe")
        assert [(each.organization, each.status) for each in back.installations] == [
            (name, "running") for name in ("acme", "other", "third")
        ]
        assert not (await enable_as_a_whole(runtime, "probe")).changed


@pytest.mark.promise("lifecycle.stop")
async def test_copies_that_do_not_stop_in_time_are_disabled_all_the_same(tmp_path: Path) -> None:
    for organization in ("acme", "other"):
        await installed(tmp_path, living({"stop": SPIN}), organization=organization)
    async with a_host(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "probe", "acme", limits={"fuel": 10**13, "deadline_ms": 600_000})
            choose(connection, "probe", "other", limits={"fuel": 10**13, "deadline_ms": 600_000})
        done = await disable_as_a_whole(runtime, "probe", within_s=0.2)
        assert [each.status for each in done.installations] == ["stopped", "stopped"]
        assert all("did not end within 0.2 s" in str(each.reason) for each in done.installations)
        assert runtime.installation("acme", "probe") is None


async def test_what_is_not_there_can_not_be_switched(tmp_path: Path) -> None:
    await installed(tmp_path, living({}))
    async with a_host(tmp_path) as runtime:
        for switch in (enable, disable):
            with pytest.raises(UsageError, match="not installed in organisation 'nowhere'"):
                await switch(runtime, "nowhere", "probe")
            with pytest.raises(UsageError, match="not installed"):
                await switch(runtime, ORGANIZATION, "nothing")
        for switch_all in (enable_as_a_whole, disable_as_a_whole):
            with pytest.raises(UsageError, match="there is no plugin 'nothing'"):
                await switch_all(runtime, "nothing")


async def test_a_breaker_that_opens_while_it_starts_is_what_the_status_says(tmp_path: Path) -> None:
    await installed(tmp_path, living({"start": keeping("started")}))
    async with a_host(tmp_path) as runtime:
        await disable(runtime, ORGANIZATION, "probe")

        def open_it(connection: Connection) -> None:
            conditions.set_breaker(connection, ORGANIZATION, "probe", 1)
            conditions.set_status(connection, ORGANIZATION, "probe", "error", "breaker: it failed", 1)

        with runtime.database.transaction() as connection:
            choose(connection, "probe", enabled=True)
            conditions.set_status(connection, ORGANIZATION, "probe", "starting", None, 1)
        async with before_the_commit(runtime, open_it):
            starting = asyncio.create_task(asking.start(runtime, ORGANIZATION, "probe"))
            await queued(runtime)
        await starting
        assert status(runtime) == ("error", "breaker: it failed")


async def test_what_an_earlier_version_initialised_says_nothing_of_the_one_that_took_its_place(tmp_path: Path) -> None:
    await installed(tmp_path, living({"initialize": Succeed()}))
    async with a_host(tmp_path) as runtime:
        before = runtime.installation(ORGANIZATION, "probe")
        assert before is not None
        now = await installed(tmp_path, living({"initialize": Succeed()}, version="2.0.0"))
        with runtime.database.transaction() as connection:
            LifecycleCall(installation=before, function="initialize").commit(connection, None)
        condition = conditions.get(runtime.reads, ORGANIZATION, "probe")
        assert condition is not None
        assert condition.initialized == now.digest
