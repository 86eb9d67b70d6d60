"""An invocation is a transaction: seen with real guests, from the request to the rows."""

import asyncio
from pathlib import Path

import pytest
from msgspec.json import decode

from host.model.entry import Scope
from stores import entries
from stores.database import Database
from tests.building import from_source
from tests.runtime.hosts import ORGANIZATION, a_host, choose, installed, records, send

PLUGIN = """
from plugin_sdk_py import Failed, Plugin, Rejected, Request, Response, token

plugin = Plugin("probe", version="1.0.0", description="Does what the request's body says")
plugin.needs("store", reason="keeps what it is told")
plugin.secret("known", purpose="read", description="Something that nobody else may see")
seen = []


@plugin.post("/do", auth=token())
def do(request: Request) -> Response:
    seen.append(request.text)
    plugin.store.set("last", request.text)
    if request.text == "reject":
        raise Rejected("not like this")
    if request.text == "fail":
        raise Failed("not today")
    if request.text == "raise":
        raise ValueError("a mistake")
    if request.text == "teapot":
        return Response.text("short and stout", status=418)
    if request.text == "exit":
        import os
        os._exit(3)
    return Response.json({"seen": seen, "last": plugin.store.get("last")})


@plugin.post("/add", auth=token())
def add(request: Request) -> Response:
    plugin.store.add("total", 1)
    return Response(b"", status=204)


@plugin.post("/spin", auth=token())
def spin(request: Request) -> None:
    while True:
        pass
"""


def stored(runtime, key):
    entry = entries.entry(runtime.reads, ORGANIZATION, "probe", Scope("plugin"), key)
    return decode(entry.value) if entry else None


async def test_a_response_below_400_commits_its_effects_and_its_delivery_together(tmp_path: Path) -> None:
    await installed(tmp_path / "data", from_source(tmp_path / "probe", PLUGIN))
    async with a_host(tmp_path / "data") as runtime:
        answer = await send(runtime, "probe", "do", b"hello")
        assert (answer.status, decode(answer.body)) == (200, {"seen": ["hello"], "last": "hello"})
        assert stored(runtime, "last") == "hello"
        (record,) = records(runtime)
        assert (record.id, record.outcome, record.status, record.effects, record.cold, record.runs) == (
            answer.delivery_id, "succeeded", 200, 1, True, 1,
        )  # fmt: skip
        assert record.fuel > 10_000
        assert record.memory > 10 * 2**20


@pytest.mark.promise("transaction.all-or-nothing")
async def test_whatever_fails_is_answered_and_recorded_and_leaves_nothing_else(tmp_path: Path) -> None:
    await installed(tmp_path / "data", from_source(tmp_path / "probe", PLUGIN))
    async with a_host(tmp_path / "data") as runtime:
        for body, status, code, told in [
            (b"reject", 422, "rejected", "not like this"),
            (b"fail", 502, "failed", "The plugin failed."),
            (b"raise", 502, "failed", "The plugin failed."),
            (b"exit", 502, "trap", "The guest trapped. Its instance is thrown away."),
            (b"teapot", 418, None, None),
        ]:
            answer = await send(runtime, "probe", "do", body)
            assert answer.status == status
            record = records(runtime)[-1]
            assert (record.outcome, record.status, record.error_code, record.effects) == ("failed", status, code, 0)
            if code:
                assert decode(answer.body)["error"] == {"code": code, "message": told, "delivery_id": record.id}
        assert stored(runtime, "last") is None
        assert [record.error_message for record in records(runtime)][1:3] == ["not today", "ValueError: a mistake"]
        (line,) = [line for record in records(runtime) for line in record.log if "ValueError: a mistake" in line.message]
        assert line.level == "error"
        assert "plugin.py" in line.message


@pytest.mark.promise("transaction.instance")
async def test_an_instance_is_reused_until_its_effects_are_dropped(tmp_path: Path) -> None:
    await installed(tmp_path / "data", from_source(tmp_path / "probe", PLUGIN))
    async with a_host(tmp_path / "data") as runtime:
        await send(runtime, "probe", "do", b"one")
        assert decode((await send(runtime, "probe", "do", b"two")).body)["seen"] == ["one", "two"]
        await send(runtime, "probe", "do", b"teapot")
        assert decode((await send(runtime, "probe", "do", b"three")).body)["seen"] == ["three"]
        assert [record.cold for record in records(runtime)] == [True, False, False, True]


async def test_fuel_and_deadline_are_answered_with_504(tmp_path: Path) -> None:
    await installed(tmp_path / "data", from_source(tmp_path / "probe", PLUGIN))
    for limits, code in [({"fuel": 5_000_000}, "fuel"), ({"fuel": 10**15, "deadline_ms": 200}, "deadline")]:
        with Database(tmp_path / "data" / "innkeeper.db").transaction() as connection:
            choose(connection, "probe", limits=limits)
        async with a_host(tmp_path / "data") as runtime:
            answer = await send(runtime, "probe", "spin")
            assert (answer.status, decode(answer.body)["error"]["code"]) == (504, code)


async def test_additions_from_many_requests_at_once_are_all_counted_without_running_twice(tmp_path: Path) -> None:
    await installed(tmp_path / "data", from_source(tmp_path / "probe", PLUGIN))
    async with a_host(tmp_path / "data") as runtime:
        await asyncio.gather(*[send(runtime, "probe", "add") for _ in range(40)])
        assert stored(runtime, "total") == 40
        assert {record.runs for record in records(runtime)} == {1}


@pytest.mark.promise("secrets.masked")
async def test_a_secret_in_an_exception_is_masked_in_the_record_and_in_the_log(tmp_path: Path) -> None:
    source = PLUGIN.replace('raise ValueError("a mistake")', 'raise ValueError(plugin.secrets.read("known"))')
    await installed(tmp_path / "data", from_source(tmp_path / "probe", source), secrets={"known": "hunter2 and more"})
    async with a_host(tmp_path / "data") as runtime:
        await send(runtime, "probe", "do", b"raise")
        (record,) = records(runtime)
        assert record.error_message == "ValueError: [secret known]"
        assert not any("hunter2" in line.message for line in record.log)


async def test_a_plugin_that_wants_fresh_instances_has_one_for_each_request(tmp_path: Path) -> None:
    source = PLUGIN.replace('description="Does', 'instance="fresh", description="Does')
    await installed(tmp_path / "data", from_source(tmp_path / "probe", source))
    async with a_host(tmp_path / "data") as runtime:
        for body in (b"one", b"two"):
            assert decode((await send(runtime, "probe", "do", body)).body)["seen"] == [body.decode()]
        assert [record.cold for record in records(runtime)] == [True, True]


async def test_what_fails_in_a_used_instance_runs_once_more_in_a_fresh_one(tmp_path: Path) -> None:
    append = "    seen.append(request.text)\n"
    source = PLUGIN.replace(append, append + "    if len(seen) > 1:\n        raise ValueError(seen)\n")
    await installed(tmp_path / "data", from_source(tmp_path / "probe", source))
    async with a_host(tmp_path / "data") as runtime:
        for body in (b"one", b"two"):
            assert decode((await send(runtime, "probe", "do", body)).body)["seen"] == [body.decode()]
        assert (await send(runtime, "probe", "do", b"fail")).status == 502
        assert [(record.outcome, record.runs, record.cold) for record in records(runtime)] == [
            ("succeeded", 1, True), ("succeeded", 2, True), ("failed", 2, True),
        ]  # fmt: skip
        once, twice, _ = records(runtime)
        assert twice.fuel > once.fuel
        assert twice.host_calls > once.host_calls
        assert twice.bytes_in > once.bytes_in
