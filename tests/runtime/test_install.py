"""Installing and upgrading, as the plugin sees it: it is asked before anything of it is stored."""

import asyncio
from pathlib import Path

import pytest
from msgspec.json import decode

from host.model.entry import Entry, Scope
from host.model.errors import UsageError
from host.model.manifest import Public, Token
from host.runtime.candidate import Order
from host.runtime.capacity import HostFull
from host.runtime.install import NotInstalled, install_in
from host.runtime.reads import StoredReads
from host.runtime.runtime import Runtime
from stores import conditions, epoch, installations
from stores.database import Database
from tests.cli.command import stored as rows
from tests.guests_wat import Fail, Keep, Respond, Succeed, manifest, plugin
from tests.runtime.hosts import ORGANIZATION, a_host, choose, installed, records, send
from tests.runtime.living import PING, SETTINGS, SPIN, STORE, TRAP, components, keeping, living, short_of_fuel, status, stored


def named(runtime: Runtime) -> list[tuple[str, str, str]]:
    """Deliveries as version, name and outcome, sorted: those of one millisecond are in no order."""
    return sorted((each.plugin_version, each.name, each.outcome) for each in records(runtime))


async def test_a_plugin_initialises_once_per_version_and_starts_at_each_install(tmp_path: Path) -> None:
    component = living({"initialize": keeping("made", guarded=True), "start": keeping("started")})
    done = await installed(tmp_path, component)
    await installed(tmp_path, component)
    async with a_host(tmp_path) as runtime:
        assert (done.status, done.reason) == ("running", None)
        assert named(runtime) == [("1.0.0", name, "succeeded") for name in ("initialize", "start", "start")]
        assert [(each.kind, each.effects, each.method, each.status) for each in records(runtime)] == [("lifecycle", 1, "", 200)] * 3
        assert stored(runtime) == {"made": 1, "started": 1}
        assert status(runtime) == ("running", None)


async def test_start_sees_what_initialize_wrote_before_any_of_it_is_stored(tmp_path: Path) -> None:
    component = living({"initialize": keeping("one"), "start": keeping("one", guarded=True)})
    done = await installed(tmp_path, component)
    assert (done.status, "trap" in str(done.reason)) == ("error", True)
    async with a_host(tmp_path) as runtime:
        assert stored(runtime) == {"one": 1}
        assert named(runtime) == [("1.0.0", "initialize", "succeeded"), ("1.0.0", "start", "failed")]


async def test_what_the_manifest_does_not_name_is_not_called_and_leaves_no_record(tmp_path: Path) -> None:
    component = plugin(manifest(PING), Respond(body=b"pong"), lifecycle={"start": TRAP, "stop": TRAP})
    assert (await installed(tmp_path, component)).status == "running"
    async with a_host(tmp_path) as runtime:
        assert records(runtime) == []


async def test_a_manifest_that_names_what_the_component_does_not_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"lifecycle function 'start'.*does not export innkeeper:plugin/lifecycle"):
        await installed(tmp_path, plugin(manifest(PING, lifecycle=["start"]), Respond()))
    assert rows(tmp_path) == []


@pytest.mark.parametrize(
    ("wrong", "code"), [(Fail("no database"), "failed"), (Fail("no", "rejected"), "rejected"), (TRAP, "trap"), (SPIN, "fuel")]
)
async def test_a_first_version_that_does_not_initialise_is_installed_with_the_reason_and_serves(
    tmp_path: Path, wrong: Fail, code: str
) -> None:
    short_of_fuel(tmp_path)
    done = await installed(tmp_path, living({"initialize": wrong, "start": keeping("started")}))
    assert done.status == "error"
    assert str(done.reason).startswith("initialize: ")
    assert f"({code})" in str(done.reason)
    async with a_host(tmp_path) as runtime:
        assert status(runtime) == ("error", done.reason)
        assert [(each.name, each.outcome, each.error_code) for each in records(runtime)] == [("initialize", "failed", code)]
        assert stored(runtime) == {}
        assert (await send(runtime, "probe", "ping")).body == b"pong"


async def test_a_first_version_that_does_not_start_keeps_what_it_initialised(tmp_path: Path) -> None:
    await installed(tmp_path, living({"initialize": keeping("made", guarded=True), "start": Fail("not yet")}))
    async with a_host(tmp_path) as runtime:
        assert status(runtime) == ("error", "start: not yet (failed)")
        assert stored(runtime) == {"made": 1}
        condition = conditions.get(runtime.reads, ORGANIZATION, "probe")
        assert condition is not None
        assert condition.initialized is not None


@pytest.mark.promise("upgrade.rolls-back")
@pytest.mark.parametrize(
    "wrong",
    [
        {"initialize": Fail("no"), "start": Succeed()},
        {"initialize": keeping("new"), "start": Fail("no")},
        {"initialize": keeping("new"), "start": TRAP},
        {"initialize": SPIN},
        {"initialize": Keep("k", "1", Succeed(), times=100_000)},
    ],
)
async def test_an_upgrade_that_fails_leaves_nothing_but_the_record_of_the_call(tmp_path: Path, wrong: dict[str, Fail]) -> None:
    short_of_fuel(tmp_path)
    await installed(tmp_path, living({"start": keeping("old")}))
    before, kept = rows(tmp_path), components(tmp_path)
    with pytest.raises(NotInstalled, match=r"probe 2\.0\.0 is not installed in acme, and 1\.0\.0 goes on: its lifecycle\."):
        await installed(tmp_path, living(wrong, version="2.0.0"), grants=["store"], settings={})
    after = rows(tmp_path)
    (line,) = set(after) - set(before)
    assert set(before) <= set(after)
    assert line.startswith('INSERT INTO "deliveries"')
    assert "'2.0.0'" in line
    assert components(tmp_path) == kept
    async with a_host(tmp_path) as runtime:
        assert status(runtime) == ("running", None)
        assert (await send(runtime, "probe", "ping")).body == b"pong"


async def test_an_upgrade_keeps_what_was_chosen_and_shows_the_difference(tmp_path: Path) -> None:
    signed = {"type": "verify", "secret": "key", "header": "x-signature"}
    key, other = {"name": "key", "purpose": "verify"}, {"name": "other", "purpose": "verify", "required": False}
    first = living({}, auth="public", settings=SETTINGS, secrets=[key])
    properties = {"times": {"type": "integer"}, "colour": {"type": "string", "default": "red"}}
    hook = {"name": "hook", "path": "/hook", "auth": signed}
    second = plugin(
        manifest(
            {**PING, "auth": {"type": "token"}}, hook, version="2.0.0", secrets=[key, other],
            settings={"type": "object", "properties": properties, "required": ["times"]},
            capabilities=[STORE, {"name": "messages.read", "reason": "reads"}],
        ),
        Respond(),
    )  # fmt: skip
    await installed(tmp_path, first, settings={"times": "3"}, secrets={"key": "hidden"})
    await installed(tmp_path, living({"initialize": keeping("kept")}, auth="public", settings=SETTINGS, secrets=[key], version="1.1.0"))
    done = await installed(tmp_path, second, grant_all=False)

    found = done.difference
    assert found is not None
    assert (done.version, found.version) == ("2.0.0", "1.1.0")
    assert (found.capabilities.new, found.capabilities.gone) == (["messages.read"], ["routes.public"])
    assert (found.routes.new, found.routes.gone) == (["hook"], [])
    assert [(change.name, change.before.auth, change.after.auth) for change in found.changed_routes] == [("ping", Public(), Token())]
    assert (found.settings.new, found.settings.gone, found.required_settings) == (["colour"], ["greeting"], ["times"])
    assert (found.secrets.new, found.secrets.gone) == (["other"], [])
    assert [wish.name for wish in done.waiting] == ["messages.read"]
    assert done.grants == ["store"]
    async with a_host(tmp_path) as runtime:
        installation = runtime.installation(ORGANIZATION, "probe")
        assert installation is not None
        assert dict(installation.secrets) == {"key": "hidden"}
        assert decode(installation.settings) == {"times": 3, "colour": "red"}
        assert stored(runtime) == {"kept": 1}


async def test_a_disabled_plugin_is_upgraded_without_being_asked(tmp_path: Path) -> None:
    await installed(tmp_path, living({"start": keeping("old")}))
    async with a_host(tmp_path) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "probe", enabled=False)
    done = await installed(tmp_path, living({"initialize": TRAP, "start": TRAP}, version="2.0.0"))
    assert (done.status, done.version) == ("stopped", "2.0.0")


async def test_settings_that_a_plugin_rejects_are_not_installed(tmp_path: Path) -> None:
    component = living({"validate-auth": Fail("that key is not ours", "rejected"), "start": keeping("started")}, settings=SETTINGS)
    with pytest.raises(NotInstalled, match=r"not installed in acme: it rejects its settings: that key is not ours$"):
        await installed(tmp_path, component)
    async with a_host(tmp_path) as runtime:
        assert installations.load_all(runtime.reads, None) == []
        assert records(runtime) == []


async def test_a_new_organisation_can_not_have_a_name_that_is_none_and_the_plugin_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not an organisation's id"):
        await installed(tmp_path, living({"start": SPIN}), organization="Acme")
    assert not (tmp_path / "innkeeper.db").exists()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Guests that look at an entry stay in that host function: the first event says that one does, the second lets them go on."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    read = StoredReads.entry

    async def entry(self: StoredReads, organization: str, plugin: str, scope: Scope, key: str) -> Entry | None:
        if key == "held":
            reached.set()
            await go_on.wait()
        return await read(self, organization, plugin, scope, key)

    monkeypatch.setattr(StoredReads, "entry", entry)
    return reached, go_on


def version(number: str, **described: object) -> bytes:
    """One that is held in flight, and writes its version's number."""
    return living({}, Keep("held", f'"{number}"', Respond(body=number.encode()), guarded=True), version=number, **described)


@pytest.mark.promise("upgrade.in-flight")
async def test_what_is_in_flight_during_an_upgrade_finishes_on_the_old_version(
    tmp_path: Path, gate: tuple[asyncio.Event, asyncio.Event]
) -> None:
    reached, go_on = gate
    await installed(tmp_path, version("1.0.0"))
    async with a_host(tmp_path) as runtime:
        flying = asyncio.create_task(send(runtime, "probe", "ping"))
        await reached.wait()
        await installed(tmp_path, living({}, Respond(body=b"new"), version="2.0.0"))
        assert (await send(runtime, "probe", "ping")).body == b"new"
        go_on.set()
        assert (await flying).body == b"1.0.0"
        assert stored(runtime) == {"held": "1.0.0"}
        assert [(each.plugin_version, each.runs, each.effects) for each in records(runtime)] == [("1.0.0", 1, 1), ("2.0.0", 1, 0)]


async def test_what_is_in_flight_finishes_on_the_old_version_even_if_its_route_is_gone(
    tmp_path: Path, gate: tuple[asyncio.Event, asyncio.Event]
) -> None:
    reached, go_on = gate
    await installed(tmp_path, version("1.0.0"))
    async with a_host(tmp_path) as runtime:
        flying = asyncio.create_task(send(runtime, "probe", "ping"))
        await reached.wait()
        await installed(tmp_path, plugin(manifest(capabilities=[STORE], version="2.0.0"), Respond()))
        go_on.set()
        assert (await flying).body == b"1.0.0"


async def test_an_upgrade_that_no_longer_has_a_grant_in_use_makes_what_is_in_flight_run_again(
    tmp_path: Path, gate: tuple[asyncio.Event, asyncio.Event]
) -> None:
    reached, go_on = gate
    await installed(tmp_path, version("1.0.0"))
    async with a_host(tmp_path) as runtime:
        flying = asyncio.create_task(send(runtime, "probe", "ping"))
        await reached.wait()
        await installed(tmp_path, living({}, Respond(body=b"new"), version="2.0.0", capabilities=[]))
        go_on.set()
        assert (await flying).body == b"new"
        assert stored(runtime) == {}
        assert [(each.plugin_version, each.runs) for each in records(runtime)] == [("2.0.0", 2)]


async def test_an_upgrade_of_a_plugin_that_is_then_disabled_lets_nothing_commit(
    tmp_path: Path, gate: tuple[asyncio.Event, asyncio.Event]
) -> None:
    reached, go_on = gate
    await installed(tmp_path, version("1.0.0"))
    async with a_host(tmp_path) as runtime:
        flying = asyncio.create_task(send(runtime, "probe", "ping"))
        await reached.wait()
        await installed(tmp_path, living({}, Respond(body=b"new"), version="2.0.0"))
        with runtime.database.transaction() as connection:
            choose(connection, "probe", enabled=False)
        go_on.set()
        with pytest.raises(Exception, match="there is nothing here"):
            await flying
        assert stored(runtime) == {}
        assert [(each.plugin_version, each.outcome, each.status) for each in records(runtime)] == [("1.0.0", "failed", 404)]


async def test_what_others_change_meanwhile_costs_an_install_no_second_run(
    tmp_path: Path, gate: tuple[asyncio.Event, asyncio.Event]
) -> None:
    reached, go_on = gate
    await installed(tmp_path, living({}))
    installing = asyncio.create_task(installed(tmp_path, living({"start": keeping("held", guarded=True)}, version="2.0.0")))
    await reached.wait()
    with Database(tmp_path / "innkeeper.db").transaction() as connection:
        epoch.bump(connection)
    go_on.set()
    assert (await installing).status == "running"
    async with a_host(tmp_path) as runtime:
        assert named(runtime) == [("2.0.0", "start", "succeeded")]


async def test_an_install_that_lost_a_race_asks_again_on_what_the_winner_left(
    tmp_path: Path, gate: tuple[asyncio.Event, asyncio.Event]
) -> None:
    reached, go_on = gate
    await installed(tmp_path, living({}, settings=SETTINGS))
    second = living({"start": keeping("held", guarded=True)}, version="2.0.0", settings=SETTINGS)
    installing = asyncio.create_task(installed(tmp_path, second))
    await reached.wait()
    with Database(tmp_path / "innkeeper.db").transaction() as connection:
        choose(connection, "probe", settings='{"times":7}')
    go_on.set()
    assert (await installing).version == "2.0.0"
    async with a_host(tmp_path) as runtime:
        installation = runtime.installation(ORGANIZATION, "probe")
        assert installation is not None
        assert decode(installation.settings)["times"] == 7
        assert named(runtime) == [("2.0.0", "start", "succeeded")]


async def test_a_host_installs_beside_its_own_requests_and_gives_the_place_of_what_it_asked_back(tmp_path: Path) -> None:
    await installed(tmp_path, living({}, Respond(body=b"old")))
    async with a_host(tmp_path) as runtime:
        assert (await send(runtime, "probe", "ping")).body == b"old"
        order = Order(organization=ORGANIZATION)
        done = await install_in(runtime, living({"start": keeping("new")}, version="2.0.0"), order, lambda sentence: None)
        assert (done.status, stored(runtime)) == ("running", {"new": 1})
        assert (await send(runtime, "probe", "ping")).body == b"pong"
        with pytest.raises(NotInstalled):
            await install_in(runtime, living({"start": TRAP}, version="3.0.0"), order, lambda sentence: None)
        assert runtime.capacity.total.count == 1


async def test_where_the_host_is_full_nothing_is_installed(tmp_path: Path) -> None:
    await installed(tmp_path, living({}))
    async with a_host(tmp_path) as runtime:
        runtime.capacity.total.most = 0
        wanted = living({"start": Succeed()}, version="2.0.0")
        with pytest.raises(HostFull):
            await install_in(runtime, wanted, Order(organization=ORGANIZATION), lambda sentence: None)
        assert records(runtime) == []
        installation = runtime.installation(ORGANIZATION, "probe")
        assert installation is not None
        assert installation.manifest.version == "1.0.0"
