"""Uninstalling: what goes, what stays, and that nothing keeps it from happening."""

from pathlib import Path

import pytest

from host.model.entry import Scope
from host.model.errors import UsageError
from host.runtime.uninstall import uninstall
from stores import entries, erasure, installations, plugins, secrets
from tests.guests_wat import Fail, Keep, Respond, Succeed
from tests.runtime.hosts import ORGANIZATION, a_host, choose, installed, records, send
from tests.runtime.living import SPIN, components, keeping, living, short_of_fuel, stored

KEY = {"name": "key", "purpose": "verify"}


async def test_installation_and_secrets_go_and_the_data_stays(tmp_path: Path) -> None:
    await installed(tmp_path, living({"stop": keeping("stopped")}, Keep("k", "1", Respond()), secrets=[KEY]), secrets={"key": "hidden"})
    async with a_host(tmp_path) as runtime:
        await send(runtime, "probe", "ping")
        done = await uninstall(runtime, ORGANIZATION, "probe")
        assert (done.installed, done.stop_failed, done.kept_data, done.deleted_entries) == (True, None, True, 0)
        assert runtime.installation(ORGANIZATION, "probe") is None
        assert secrets.names(runtime.reads, ORGANIZATION, "probe") == []
        assert stored(runtime) == {"k": 1, "stopped": 1}
        assert (components(tmp_path), plugins.all(runtime.reads)) == (0, [])
        assert len(records(runtime)) == 2


async def test_a_component_stays_as_long_as_somebody_has_it(tmp_path: Path) -> None:
    component = living({})
    await installed(tmp_path, component)
    await installed(tmp_path, component, organization="other")
    async with a_host(tmp_path) as runtime:
        await uninstall(runtime, ORGANIZATION, "probe")
        assert components(tmp_path) == 1
        assert (await send(runtime, "probe", "ping", organization="other")).status == 200
        await uninstall(runtime, "other", "probe")
        assert components(tmp_path) == 0
        await installed(tmp_path, component)
        assert (await send(runtime, "probe", "ping")).status == 200


async def test_with_its_data_every_entry_goes_batch_by_batch_and_nobody_elses(tmp_path: Path) -> None:
    component = living({})
    await installed(tmp_path, component)
    await installed(tmp_path, component, organization="other")
    async with a_host(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            for number in range(erasure.BATCH + 5):
                entries.put(connection, ORGANIZATION, "probe", Scope("customer", str(number % 7)), f"k{number}", "1")
            entries.put(connection, "other", "probe", Scope("plugin"), "k", "1")
            entries.put(connection, ORGANIZATION, "another", Scope("plugin"), "k", "1")
        done = await uninstall(runtime, ORGANIZATION, "probe", delete_data=True)
        assert (done.deleted_entries, done.kept_data) == (erasure.BATCH + 5, False)
        assert stored(runtime, "other") == {"k": 1}
        assert entries.entry(runtime.reads, ORGANIZATION, "another", Scope("plugin"), "k") is not None


async def test_data_that_was_left_can_be_deleted_later(tmp_path: Path) -> None:
    await installed(tmp_path, living({"start": keeping("k")}))
    async with a_host(tmp_path) as runtime:
        await uninstall(runtime, ORGANIZATION, "probe")
        done = await uninstall(runtime, ORGANIZATION, "probe", delete_data=True)
        assert (done.installed, done.deleted_entries, stored(runtime)) == (False, 1, {})
        with pytest.raises(UsageError, match="not installed in organisation 'acme', and has no data there"):
            await uninstall(runtime, ORGANIZATION, "probe", delete_data=True)


@pytest.mark.parametrize("wrong", [SPIN, Fail("never")])
async def test_whatever_stop_does_the_plugin_is_uninstalled(tmp_path: Path, wrong: Fail) -> None:
    short_of_fuel(tmp_path)
    await installed(tmp_path, living({"stop": wrong}))
    async with a_host(tmp_path) as runtime:
        done = await uninstall(runtime, ORGANIZATION, "probe")
        assert str(done.stop_failed).startswith("stop: ")
        assert installations.load_all(runtime.reads, None) == []


@pytest.mark.promise("lifecycle.stop")
async def test_a_stop_that_never_ends_has_its_deadline_and_no_more(tmp_path: Path) -> None:
    await installed(tmp_path, living({"stop": SPIN}))
    async with a_host(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "probe", limits={"deadline_ms": 200, "fuel": 10**13})
        done = await uninstall(runtime, ORGANIZATION, "probe")
        assert str(done.stop_failed).endswith("(deadline)")
        assert installations.load_all(runtime.reads, None) == []


async def test_what_is_not_installed_can_not_be_uninstalled(tmp_path: Path) -> None:
    await installed(tmp_path, living({"start": Succeed()}))
    async with a_host(tmp_path) as runtime:
        for organization, plugin in ((ORGANIZATION, "nothing"), ("nowhere", "probe")):
            with pytest.raises(UsageError, match="is not installed"):
                await uninstall(runtime, organization, plugin)
