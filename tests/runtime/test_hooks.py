"""Events to plugins: each hears of them on its own, whatever the others do."""

import asyncio
from pathlib import Path

import pytest

from host.model.errors import UnknownOrganization, UsageError
from host.runtime.data import DataDirectory
from host.runtime.hooks import emit
from host.runtime.runtime import Runtime
from stores import organizations
from tests.guests_wat import Handler, Respond
from tests.guests_wat import manifest as manifest_of
from tests.guests_wat import plugin as webhook_plugin
from tests.guests_wat_exports import ECHO, ID, SPIN, TRAP, answer, hook_error, manifest, plugin
from tests.runtime.hosts import ORGANIZATION, a_host, choose, installed, records


async def hears(folder: Path, name: str, hook: Handler, *events: str, organization: str = ORGANIZATION) -> None:
    await installed(folder, plugin(manifest(name, events=events or ("task.created",)), hook=hook), organization=organization)


def codes(results: dict) -> dict[str, str | None]:
    return {name: result.error and result.error.code for name, result in results.items()}


async def test_every_enabled_plugin_of_the_organisation_that_asks_for_an_event_gets_it(tmp_path: Path) -> None:
    await hears(tmp_path, "echo", ECHO)
    await hears(tmp_path, "quiet", answer(None))
    await hears(tmp_path, "other-event", ECHO, "task.updated")
    await hears(tmp_path, "off", ECHO)
    await hears(tmp_path, "echo", ECHO, organization="globex")
    await installed(tmp_path, webhook_plugin(manifest_of(name="no-hooks"), Respond()))
    async with a_host(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "off", enabled=False)

        results = await emit(runtime, ORGANIZATION, "task.created", {"title": "Call Ada ☎", "n": [1, 2.5, None, True]})

        assert {name: (result.ok, result.answer) for name, result in results.items()} == {
            "echo": (True, {"title": "Call Ada ☎", "n": [1, 2.5, None, True]}),
            "quiet": (True, None),
        }
        assert sorted((each.plugin, each.kind, each.name, each.outcome, each.method, each.path) for each in records(runtime)) == [
            ("echo", "hook", "task.created", "succeeded", "", ""),
            ("quiet", "hook", "task.created", "succeeded", "", ""),
        ]
        assert {each.id for each in records(runtime)} == {result.delivery_id for result in results.values()}
        assert records(runtime, "globex") == []


@pytest.mark.promise("hooks.apart")
async def test_a_hook_that_fails_in_any_way_stops_no_other_and_each_has_its_own_error(tmp_path: Path) -> None:
    await hears(tmp_path, "echo", ECHO)
    await hears(tmp_path, "rejects", hook_error(0, "not mine"))
    await hears(tmp_path, "fails", hook_error(1, "come again"))
    await hears(tmp_path, "traps", TRAP)
    await hears(tmp_path, "spins", SPIN)
    await hears(tmp_path, "no-json", answer("{"))
    await hears(tmp_path, "no-object", answer("[1]"))
    await hears(tmp_path, "deep", answer("[" * 100_000 + "]" * 100_000))
    await hears(tmp_path, "small", ECHO)
    async with a_host(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "spins", limits={"deadline_ms": 200, "fuel": 10**15})
            choose(connection, "small", limits={"input_bytes": 200})

        results = await emit(runtime, ORGANIZATION, "task.created", {"text": "x" * 1000})

        assert codes(results) == {
            "deep": "failed", "echo": None, "fails": "failed", "no-json": "failed", "no-object": "failed", "rejects": "rejected",
            "small": "limit.input-bytes", "spins": "deadline", "traps": "trap",
        }  # fmt: skip
        assert results["rejects"].error.message == "not mine"
        assert {each.plugin: each.error_code for each in records(runtime)} == codes(results)


async def test_a_defect_of_the_host_in_one_plugins_call_is_that_plugins_result(tmp_path: Path) -> None:
    await hears(tmp_path / "data", "echo", ECHO)
    await hears(tmp_path / "data", "unlucky", answer(None))
    async with Runtime.opened(DataDirectory(tmp_path / "data"), tmp_path / "cache") as runtime:
        unlucky = runtime.installation(ORGANIZATION, "unlucky")
        assert unlucky is not None
        component = tmp_path / "data" / "components" / f"{unlucky.digest}.wasm"
        component.unlink()
        component.mkdir()  # nothing foresees that

        results = await emit(runtime, ORGANIZATION, "task.created", {})

        assert codes(results) == {"echo": None, "unlucky": "internal"}


async def test_all_hooks_of_an_event_get_the_id_that_it_was_given(tmp_path: Path) -> None:
    for name in ("one", "two"):
        await hears(tmp_path, name, ID)
    async with a_host(tmp_path) as runtime:
        results = await emit(runtime, ORGANIZATION, "task.created", {}, id='{"event": 7}', occurred_at=1_700_000_000_000)

        assert [result.answer for result in results.values()] == [{"event": 7}, {"event": 7}]


async def test_an_organisation_without_plugins_has_no_results_and_later_ones_are_seen_at_once(tmp_path: Path) -> None:
    await hears(tmp_path, "echo", ECHO, organization="globex")
    async with a_host(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            organizations.create(connection, ORGANIZATION, 1)
        assert await emit(runtime, ORGANIZATION, "task.created", {}) == {}

        await hears(tmp_path, "echo", ECHO)
        assert list(await emit(runtime, ORGANIZATION, "task.created", {})) == ["echo"]

        with runtime.database.transaction() as connection:
            choose(connection, "echo", enabled=False)
        assert await emit(runtime, ORGANIZATION, "task.created", {}) == {}


async def test_many_events_at_once_are_all_handled(tmp_path: Path) -> None:
    await hears(tmp_path, "echo", ECHO)
    await hears(tmp_path, "quiet", answer(None))
    async with a_host(tmp_path) as runtime:
        told = await asyncio.gather(*(emit(runtime, ORGANIZATION, "task.created", {"n": n}) for n in range(50)))

        assert [results["echo"].answer for results in told] == [{"n": n} for n in range(50)]
        assert len(records(runtime)) == 100


@pytest.mark.parametrize(
    ("name", "data", "options", "wrong"),
    [
        ("", {}, {}, "is no event's name"),
        ("a b", {}, {}, "is no event's name"),
        ("x" * 65, {}, {}, "is no event's name"),
        (7, {}, {}, "is no event's name"),
        ("a", [1], {}, "data: a JSON object is needed, not list"),
        ("a", None, {}, "data: a JSON object is needed, not NoneType"),
        ("a", {"x": float("nan")}, {}, "data: not JSON"),
        ("a", {"x": {1, 2}}, {}, "data: not JSON: Object of type set"),
        ("a", {"x": 2**64}, {}, "beyond 64 bits"),
        ("a", {1: "one", "1": "one"}, {}, "a key twice"),
        ("a", {"x": "\ud800"}, {}, "not UTF-8"),
        ("a", {"x": "y" * 300_000}, {}, "at most 262144"),
        ("a", {}, {"id": ""}, "id is text"),
        ("a", {}, {"id": "x" * 201}, "id is text"),
        ("a", {}, {"occurred_at": -1}, "milliseconds"),
        ("a", {}, {"occurred_at": 1.5}, "milliseconds"),
        ("a", {}, {"occurred_at": True}, "milliseconds"),
    ],
)
async def test_an_event_that_can_not_be_one_is_refused_before_any_plugin_sees_it(tmp_path: Path, name, data, options, wrong: str) -> None:
    await hears(tmp_path, "echo", ECHO, "a")
    async with a_host(tmp_path) as runtime:
        with pytest.raises(UsageError, match=wrong):
            await emit(runtime, ORGANIZATION, name, data, **options)

        assert records(runtime) == []


async def test_data_without_end_is_refused(tmp_path: Path) -> None:
    await hears(tmp_path, "echo", ECHO, "a")
    endless: dict = {}
    endless["again"] = endless
    deep: dict = {}
    for _ in range(150):
        deep = {"in": deep}
    async with a_host(tmp_path) as runtime:
        for data in (endless, deep):
            with pytest.raises(UsageError, match="data: "):
                await emit(runtime, ORGANIZATION, "a", data)


async def test_an_unknown_organisation_is_named(tmp_path: Path) -> None:
    await hears(tmp_path, "echo", ECHO)
    async with a_host(tmp_path) as runtime:
        with pytest.raises(UnknownOrganization, match="there is no organisation 'acne'") as refused:
            await emit(runtime, "acne", "task.created", {})
        assert refused.value.code == "organization.unknown"
