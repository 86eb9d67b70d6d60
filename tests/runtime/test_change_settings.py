"""Settings: checked by the schema, then by the plugin, then stored, then told to it."""

from pathlib import Path

import pytest
from msgspec.json import decode

from host.model.errors import UsageError
from host.runtime.change_settings import SettingsRefused, change_settings, settings_of
from host.runtime.enable import disable
from host.runtime.runtime import Runtime
from tests.guests_wat import Code, Fail, Succeed
from tests.runtime.hosts import ORGANIZATION, a_host, installed, records
from tests.runtime.living import SETTINGS, SPIN, TRAP, keeping, living, short_of_fuel, stored

TOO_MUCH = Code(
    # A rejection in ten million characters: longer than a result may be.
    "(call $reserve (i32.const 16000000)) (i32.store (i32.const 0) (i32.const 1)) (i32.store (i32.const 4) (i32.const 0))"
    "(i32.store (i32.const 8) (i32.const 65536)) (i32.store (i32.const 12) (i32.const 10000000))"
    "(memory.fill (i32.const 65536) (i32.const 120) (i32.const 10000000)) (i32.const 0)"
)
LONG = Code(
    "(call $reserve (i32.const 6000000)) (i32.store (i32.const 0) (i32.const 1)) (i32.store (i32.const 4) (i32.const 0))"
    "(i32.store (i32.const 8) (i32.const 65536)) (i32.store (i32.const 12) (i32.const 5000000))"
    "(memory.fill (i32.const 65536) (i32.const 120) (i32.const 5000000)) (i32.const 0)"
)
ONLY_SHORT = Code(
    # Agrees to settings of at most 40 bytes.
    "(if (result i32) (i32.gt_u (local.get $size) (i32.const 40)) (then (unreachable)) (else (i32.const 0)))"
)


def values(runtime: Runtime) -> dict[str, object]:
    installation = runtime.installation(ORGANIZATION, "probe")
    assert installation is not None
    return decode(installation.settings)


async def test_settings_are_shown_with_where_they_come_from(tmp_path: Path) -> None:
    await installed(tmp_path, living({}, settings=SETTINGS))
    async with a_host(tmp_path) as runtime:
        await change_settings(runtime, ORGANIZATION, "probe", {"times": "3"})
        found = settings_of(runtime.reads, ORGANIZATION, "probe")
        assert [(each.name, each.value, each.chosen, each.type) for each in found] == [
            ("greeting", "hello", False, "string"), ("times", 3, True, "integer"),
        ]  # fmt: skip


async def test_a_plugin_agrees_to_settings_and_is_told_once_they_are_stored(tmp_path: Path) -> None:
    await installed(tmp_path, living({"validate-auth": keeping("asked"), "settings-changed": keeping("told")}, settings=SETTINGS))
    async with a_host(tmp_path) as runtime:
        done = await change_settings(runtime, ORGANIZATION, "probe", {"greeting": "hi", "times": "1"})
        assert (done.changed, done.asked, done.reason) == (True, True, None)
        assert values(runtime) == {"greeting": "hi", "times": 1}
        assert stored(runtime) == {"asked": 1, "told": 1}
        done = await change_settings(runtime, ORGANIZATION, "probe", {}, ["greeting"])
        assert (done.changed, values(runtime)) == (True, {"greeting": "hello", "times": 1})
        assert not (await change_settings(runtime, ORGANIZATION, "probe", {"times": "1"})).changed


async def test_the_plugin_sees_the_settings_that_are_proposed_with_the_defaults(tmp_path: Path) -> None:
    await installed(tmp_path, living({"validate-auth": ONLY_SHORT}, settings=SETTINGS))
    async with a_host(tmp_path) as runtime:
        await change_settings(runtime, ORGANIZATION, "probe", {"times": "1"})
        with pytest.raises(SettingsRefused, match="could not tell"):
            await change_settings(runtime, ORGANIZATION, "probe", {"greeting": "a greeting that is longer than that"})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Fail("that account is closed", "rejected"), "rejects these settings for acme: that account is closed$"),
        (Fail("no network"), r"could not tell .* validate-auth: no network \(failed\)$"),
        (TRAP, r"could not tell .* \(trap\)$"),
        (SPIN, r"could not tell .* \(fuel\)$"),
        (TOO_MUCH, r"could not tell .* \(limit\.output-bytes\)$"),
        (LONG, "rejects these settings for acme: x{1000}$"),
    ],
)
@pytest.mark.promise("lifecycle.validate-auth")
async def test_settings_that_a_plugin_does_not_agree_to_are_not_stored(tmp_path: Path, wrong: Fail, said: str) -> None:
    short_of_fuel(tmp_path)
    component = living({"validate-auth": wrong, "settings-changed": TRAP}, settings={"type": "object", "properties": {"a": {}}})
    await installed(tmp_path, component)
    async with a_host(tmp_path) as runtime:
        with pytest.raises(SettingsRefused, match=said):
            await change_settings(runtime, ORGANIZATION, "probe", {"a": "1"})
        assert values(runtime) == {}
        (record,) = records(runtime)
        assert (record.name, record.outcome, len(str(record.error_message)) < 5_000) == ("validate-auth", "failed", True)


async def test_a_failure_after_the_change_is_told_and_undoes_nothing(tmp_path: Path) -> None:
    await installed(tmp_path, living({"settings-changed": Fail("can't reconnect")}, settings=SETTINGS))
    async with a_host(tmp_path) as runtime:
        done = await change_settings(runtime, ORGANIZATION, "probe", {"times": "2"})
        assert (done.changed, done.asked, done.reason) == (True, False, "settings-changed: can't reconnect (failed)")
        assert values(runtime)["times"] == 2


async def test_a_plugin_that_is_disabled_is_not_asked(tmp_path: Path) -> None:
    await installed(
        tmp_path, living({"validate-auth": TRAP, "settings-changed": TRAP}, settings={"type": "object", "properties": {"a": {}}})
    )
    async with a_host(tmp_path) as runtime:
        await disable(runtime, ORGANIZATION, "probe")
        done = await change_settings(runtime, ORGANIZATION, "probe", {"a": "1"})
        assert (done.changed, done.asked, done.reason, records(runtime)) == (True, False, None, [])


@pytest.mark.parametrize(
    ("given", "unset", "said"),
    [
        ({"colour": "red"}, [], "has no setting colour; its settings: greeting, times"),
        ({}, ["colour"], "has no setting colour"),
        ({"times": "many"}, [], "takes JSON"),
        ({"times": "1.5"}, [], "not valid: times"),
        ({"times": "1"}, ["times"], "times: set it or unset it, not both"),
    ],
)
async def test_what_can_not_be_asks_nobody_and_changes_nothing(tmp_path: Path, given: dict[str, str], unset: list[str], said: str) -> None:
    await installed(tmp_path, living({"start": Succeed()}, settings=SETTINGS))
    async with a_host(tmp_path) as runtime:
        before = records(runtime)
        with pytest.raises(UsageError, match=said):
            await change_settings(runtime, ORGANIZATION, "probe", given, unset)
        assert (values(runtime), records(runtime)) == ({"greeting": "hello"}, before)
        with pytest.raises(UsageError, match="not installed"):
            await change_settings(runtime, "nowhere", "probe", given, unset)
