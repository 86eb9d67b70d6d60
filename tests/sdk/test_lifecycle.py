"""A Python plugin through the stages of its life."""

from pathlib import Path

import pytest

from host.runtime.change_settings import SettingsRefused, change_settings
from host.runtime.enable import disable, enable
from tests.building import from_source
from tests.runtime.hosts import ORGANIZATION, a_host, installed, records
from tests.runtime.living import status, stored

PLUGIN = """
from plugin_sdk_py import Plugin, Rejected, Request, token

plugin = Plugin("probe", version="1.0.0", description="Tells what it was told")
plugin.needs("store", reason="keeps what it is told")
plugin.setting("limit", int, default=5)


@plugin.on_initialize
def initialize() -> None:
    plugin.store.set("made", plugin.settings["limit"])


@plugin.on_start
def start() -> None:
    plugin.store.set("started", plugin.store.get("made") + plugin.settings["limit"])
    print("started")


@plugin.on_settings_changed
def changed() -> None:
    plugin.store.set("changed", plugin.settings["limit"])
    if plugin.settings["limit"] == 13:
        raise ValueError("unlucky")


@plugin.on_validate_auth
def check(settings: dict) -> None:
    if settings["limit"] == 0:
        raise Rejected("a limit of 0 takes nothing")


@plugin.on_stop
def stop() -> None:
    plugin.store.set("stopped", True)


@plugin.post("/do", auth=token())
def do(request: Request) -> None:
    pass
"""


async def test_each_stage_runs_what_the_author_declared_for_it(tmp_path: Path) -> None:
    done = await installed(tmp_path / "data", from_source(tmp_path / "probe", PLUGIN), settings={"limit": "2"})
    assert (done.status, done.reason) == ("running", None)
    async with a_host(tmp_path / "data") as runtime:
        assert stored(runtime) == {"made": 2, "started": 4}
        assert [line.message for each in records(runtime) for line in each.log] == ["started"]

        assert (await change_settings(runtime, ORGANIZATION, "probe", {"limit": "3"})).reason is None
        assert stored(runtime)["changed"] == 3
        with pytest.raises(SettingsRefused, match="a limit of 0 takes nothing"):
            await change_settings(runtime, ORGANIZATION, "probe", {"limit": "0"})
        failed = await change_settings(runtime, ORGANIZATION, "probe", {"limit": "13"})
        assert failed.reason == "settings-changed: ValueError: unlucky (failed)"
        assert stored(runtime)["changed"] == 3

        await disable(runtime, ORGANIZATION, "probe")
        assert stored(runtime)["stopped"] is True
        assert (await enable(runtime, ORGANIZATION, "probe")).status == "running"
        assert stored(runtime)["started"] == 15
        assert status(runtime) == ("running", None)
