"""`PluginHost` in somebody else's application: mounted, opened and closed by its lifespan, called from Python."""

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from host import HostOptions, InnkeeperError, PluginHost
from host.model.errors import NotOpen, UnknownOrganization, UsageError, WrongLoop
from host.runtime.data import DataDirectory
from host.runtime.lock import Locked
from stores.database import Database
from tests.building import artefacts
from tests.guests_wat import Respond
from tests.guests_wat import manifest as manifest_of
from tests.guests_wat import plugin as webhook_plugin
from tests.guests_wat_exports import ECHO, MIRROR, SPIN, manifest, plugin
from tests.library.applications import running
from tests.runtime.hosts import choose, records, under_way

HELLO = webhook_plugin(
    manifest_of({"name": "hello", "path": "/hello", "auth": {"type": "public"}, "methods": ["GET"]}, name="hello"),
    Respond(headers=[("content-type", b"text/plain")], body=b"hello"),
)
TOOL = {"name": "mirror", "description": "Shows what it got", "inputSchema": {"type": "object"}}
BOTH = plugin(manifest("both", events=("task.created",), tools=(TOOL,)), hook=ECHO, tool=MIRROR)
ACME = {"organization": "acme", "create_organization": True, "grant_all": True}


def a_host(folder: Path, **options: Any) -> PluginHost:
    return PluginHost(data=folder / "data", cache=artefacts(), **{"options": HostOptions(grace_s=1), **options})


def in_starlette(plugins: PluginHost) -> ASGIApp:
    return Starlette(routes=[Mount("/plugins", plugins.app)], lifespan=plugins.lifespan)


def in_fastapi(plugins: PluginHost) -> ASGIApp:
    app = FastAPI(lifespan=plugins.lifespan)
    app.mount("/plugins", plugins.app)
    return app


@pytest.mark.parametrize("mounted", [in_starlette, in_fastapi])
async def test_plugins_answer_below_the_path_where_the_application_mounts_them(tmp_path: Path, mounted: Any) -> None:
    plugins = a_host(tmp_path)
    async with running(mounted(plugins)) as client:
        await plugins.install(HELLO, **ACME)

        answer = await client.get("/plugins/v1/orgs/acme/plugins/hello/hello")
        assert (answer.status_code, answer.text) == (200, "hello")
        assert (await client.get("/plugins/healthz")).json() == {"status": "ok"}
        assert (await client.get("/plugins/v1/orgs/acme/deliveries")).status_code == 401
        assert (await client.get("/plugins/v1/orgs/acme/plugins/absent/hello")).json()["error"]["code"] == "not-found"
        assert (await client.get("/elsewhere")).status_code == 404


async def test_without_another_application_a_server_runs_it_by_itself(tmp_path: Path) -> None:
    plugins = a_host(tmp_path)
    async with running(plugins.app) as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_hooks_and_tools_are_called_from_python(tmp_path: Path) -> None:
    async with a_host(tmp_path) as plugins:
        installed = await plugins.install(BOTH, **ACME)
        results = await plugins.emit("acme", "task.created", {"title": "Call Ada"})
        listed = plugins.tools("acme")
        given = await plugins.call_tool("acme", "both", "mirror", {"a": 1})

    assert (installed.plugin, installed.created_organization) == ("both", True)
    assert (results["both"].ok, results["both"].answer) == (True, {"title": "Call Ada"})
    assert [(tool.plugin, tool.name, tool.input_schema) for tool in listed] == [("both", "mirror", {"type": "object"})]
    assert given.structured == {"a": 1}


async def test_a_plugin_is_disabled_enabled_and_uninstalled_from_python(tmp_path: Path) -> None:
    async with a_host(tmp_path) as plugins:
        await plugins.install(BOTH, **ACME)
        await plugins.disable("acme", "both")
        assert await plugins.emit("acme", "task.created", {}) == {}
        await plugins.enable("acme", "both")
        assert list(await plugins.emit("acme", "task.created", {})) == ["both"]
        await plugins.uninstall("acme", "both", delete_data=True)
        assert plugins.tools("acme") == []
        for operation in (plugins.enable, plugins.disable, plugins.uninstall):
            with pytest.raises(UsageError, match="both"):
                await operation("acme", "both")


async def test_a_component_is_installed_from_its_file_with_settings_of_any_type(tmp_path: Path) -> None:
    described = manifest_of(name="set", settings={"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}})
    (tmp_path / "set.wasm").write_bytes(webhook_plugin(described, Respond()))
    async with a_host(tmp_path) as plugins:
        await plugins.install(tmp_path / "set.wasm", settings={"n": 7, "s": "8"}, **ACME)

        installation = plugins.runtime.installation("acme", "set")
        assert installation is not None
        assert installation.settings == '{"n":7,"s":"8"}'


async def test_what_can_not_be_installed_is_refused_and_nothing_is_stored(tmp_path: Path) -> None:
    async with a_host(tmp_path) as plugins:
        for source, order, told in [
            (tmp_path / "absent", ACME, "there is no file or folder"),
            (b"no component", ACME, "component"),
            (HELLO, {"organization": "acme"}, "there is no organisation 'acme'"),
            (HELLO, {**ACME, "grants": ["store"]}, "does not ask for store"),
            (HELLO, {**ACME, "settings": {"x": 1}}, "has no setting x"),
            (HELLO, {**ACME, "settings": {"x": object()}}, "the setting x takes JSON"),
            (HELLO, {**ACME, "organization": "A B"}, "not an organisation's id"),
            (HELLO, {**ACME, "organization": 7}, r"the plugin can't be installed: Expected `str`, got `int` - at `\$.organization`"),
            (HELLO, {**ACME, "grants": "store"}, r"the plugin can't be installed: Expected `array`, got `str`"),
            (HELLO, {**ACME, "secrets": {"key": 7}}, r"the plugin can't be installed: Expected `str`, got `int`"),
        ]:
            with pytest.raises(InnkeeperError, match=told):
                await plugins.install(source, **order)
        with pytest.raises(UnknownOrganization):
            plugins.tools("acme")


async def test_before_and_after_it_is_open_every_call_says_so(tmp_path: Path) -> None:
    plugins = a_host(tmp_path)

    async def is_refused(state: str) -> None:
        with pytest.raises(NotOpen, match=f"is {state}: it is open within `async with`") as refused:
            await plugins.emit("acme", "task.created", {})
        assert refused.value.code == "host.not-open"
        for call in (plugins.call_tool("acme", "a", "b", {}), plugins.install(HELLO, **ACME)):
            with pytest.raises(NotOpen, match=state):
                await call
        with pytest.raises(NotOpen, match=state):
            plugins.tools("acme")
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(plugins.app), base_url="https://app.example") as client:
            answer = await client.get("/healthz")
        assert (answer.status_code, answer.json()["error"]["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")

    await is_refused("not open yet")
    assert not (tmp_path / "data").exists()
    async with plugins:
        assert repr(plugins) == f"<PluginHost {tmp_path / 'data'} [open]>"
    await is_refused("closed already")


async def test_it_is_opened_once_at_a_time_and_can_be_opened_again_after_its_end(tmp_path: Path) -> None:
    plugins = a_host(tmp_path)
    async with plugins:
        await plugins.install(HELLO, **ACME)
        with pytest.raises(UsageError, match="is open: open it once"):
            await plugins.__aenter__()
    async with plugins:
        assert plugins.runtime.installation("acme", "hello") is not None


async def test_a_data_directory_or_a_database_that_another_host_uses_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "app.db"
    async with a_host(tmp_path, database=database):
        other = a_host(tmp_path, database=database)
        with pytest.raises(Locked, match=r"another server uses the data directory .*within another program"):
            await other.__aenter__()
        third = PluginHost(data=tmp_path / "third", database=database, cache=artefacts())
        with pytest.raises(Locked, match=r"another server uses the database .*app\.db"):
            await third.__aenter__()
    async with third:  # what could not be opened can be tried again
        assert third.runtime.data.shared


async def test_the_commands_find_the_applications_database_from_the_data_directory(tmp_path: Path) -> None:
    async with a_host(tmp_path, database=tmp_path / "app.db") as plugins:
        await plugins.install(BOTH, **ACME)
        assert plugins.tools("acme") != []
        with Database(DataDirectory(tmp_path / "data").database).transaction() as connection:
            choose(connection, "both", enabled=False)

        assert plugins.tools("acme") == []


async def test_another_place_of_the_database_is_followed_and_a_database_of_its_own_is_not_hidden(tmp_path: Path) -> None:
    for name in ("one.db", "two.db"):
        async with a_host(tmp_path, database=tmp_path / name):
            assert (tmp_path / "data" / "innkeeper.db").resolve() == tmp_path / name
    (tmp_path / "data" / "innkeeper.db").unlink()
    async with a_host(tmp_path):
        pass

    with pytest.raises(UsageError, match="has a database of its own: move"):
        await a_host(tmp_path, database=tmp_path / "one.db").__aenter__()


async def test_from_another_event_loop_every_call_says_where_it_belongs(tmp_path: Path) -> None:
    async with a_host(tmp_path) as plugins:
        await plugins.install(BOTH, **ACME)

        def elsewhere() -> list[InnkeeperError]:
            refused: list[InnkeeperError] = []
            for call in (plugins.emit("acme", "a", {}), plugins.call_tool("acme", "both", "mirror", {}), plugins.install(BOTH, **ACME)):
                with pytest.raises(WrongLoop) as error:
                    asyncio.run(call)
                refused.append(error.value)
            with pytest.raises(WrongLoop) as error:
                plugins.tools("acme")
            return [*refused, error.value]

        errors = await asyncio.to_thread(elsewhere)
        assert {error.code for error in errors} == {"host.wrong-loop"}
        assert "run_coroutine_threadsafe" in errors[0].message

        loop = asyncio.get_running_loop()
        handed = await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(plugins.emit("acme", "task.created", {}), loop).result())
        assert handed["both"].ok


async def test_what_is_under_way_at_the_end_is_dropped_and_recorded(tmp_path: Path) -> None:
    plugins = a_host(tmp_path, options=HostOptions(grace_s=0))
    async with plugins:
        await plugins.install(plugin(manifest("spins", events=("task.created",)), hook=SPIN), **ACME)
        with plugins.runtime.database.transaction() as connection:
            choose(connection, "spins", limits={"fuel": 10**15})
        running = asyncio.create_task(plugins.emit("acme", "task.created", {}))
        await under_way(plugins.runtime)

    results = await running
    assert results["spins"].error is not None
    assert results["spins"].error.code == "shutdown"
    async with plugins:
        assert [record.error_code for record in records(plugins.runtime)] == ["shutdown"]


async def test_an_open_host_leaves_no_thread_and_no_task_behind(tmp_path: Path) -> None:
    async with a_host(tmp_path) as plugins:
        await plugins.install(HELLO, **ACME)
        assert any(thread.name == "innkeeper-writer" for thread in threading.enumerate())

    assert not any(thread.name == "innkeeper-writer" for thread in threading.enumerate())
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_options_and_databases_that_can_not_work_are_refused_at_once(tmp_path: Path) -> None:
    for options, told in [
        ({"options": HostOptions(grace_s=-1)}, "grace_s takes 0 to 3600 seconds"),
        ({"database": "postgresql://me:hunter2@host/db"}, "not a database that this version can use: postgresql://"),
        ({"database": "sqlite:///:memory:"}, "in memory"),
    ]:
        with pytest.raises(UsageError, match=told):
            a_host(tmp_path, **options)
    (tmp_path / "file").write_text("")
    plugins = PluginHost(data=tmp_path / "file")
    with pytest.raises(UsageError, match="can't use the data directory"):
        await plugins.__aenter__()


async def test_a_database_in_which_our_names_are_taken_is_refused_and_the_application_can_go_on(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "app.db")
    connection.execute("CREATE TABLE customers (id)")
    connection.close()
    plugins = a_host(tmp_path, database=f"sqlite:///{tmp_path / 'app.db'}")

    with pytest.raises(UsageError, match="the database has customers of another program"):
        await plugins.__aenter__()

    connection = sqlite3.connect(tmp_path / "app.db")
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("customers",)]
    connection.close()
