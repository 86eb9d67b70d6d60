"""A full host says so instead of dying, and goes on as soon as there is room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from host.model.options import HostOptions
from host.runtime.data import DataDirectory
from host.runtime.runtime import Runtime
from host.web.app import create_app
from tests.building import artefacts
from tests.guests_wat import Respond, manifest, plugin
from tests.runtime.hosts import choose, installed
from tests.waiting_guest import waiting
from tests.web.site import Reply, Site

ROUTE = {"name": "go", "path": "/go", "auth": {"type": "public"}}


@asynccontextmanager
async def a_full_site(folder: Path, milliseconds: int = 1_000, **limits: int) -> AsyncIterator[tuple[Site, "asyncio.Task[Reply]"]]:
    """With room for one instance, which `sleeper` has for so long; `quick` and, in `globex`, `other` have none."""
    await installed(folder, waiting(manifest(ROUTE, name="sleeper"), milliseconds))
    await installed(folder, plugin(manifest(ROUTE, name="quick"), Respond(body=b"ok")))
    await installed(folder, plugin(manifest(ROUTE, name="other"), Respond(body=b"ok")), organization="globex")
    async with Runtime.opened(DataDirectory(folder), artefacts(), HostOptions(max_instances=1)) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "sleeper", limits=limits)
        site = Site(runtime, create_app(runtime))
        sleeping = asyncio.create_task(ask(site, "sleeper"))
        while "1 lent" not in repr(runtime):  # noqa: ASYNC110  # the pool tells nobody
            await asyncio.sleep(0)
        yield site, sleeping


async def ask(site: Site, name: str, organization: str = "acme") -> Reply:
    return await site.ask("POST", f"/v1/orgs/{organization}/plugins/{name}/go")


@pytest.mark.promise("capacity.full")
async def test_a_full_host_answers_503_with_retry_after_and_keeps_the_record_of_it(tmp_path: Path) -> None:
    async with a_full_site(tmp_path) as (site, sleeping):
        for name, organization in (("quick", "acme"), ("other", "globex")):
            refused = await ask(site, name, organization)
            assert (refused.status, refused.code, refused.header("retry-after")) == (503, "host.full", ["1"])
            (record,) = [each for each in site.records(organization) if each.plugin == name]
            assert (record.outcome, record.status, record.error_code) == ("refused", 503, "host.full")
            assert record.id == refused.json["error"]["delivery_id"]
        assert (await sleeping).status == 200
        assert (await ask(site, "quick")).status == 200
        assert (await ask(site, "other", "globex")).status == 200
        assert "1 of 1 instances (0 lent, 1 idle, 0 starting)" in repr(site.runtime)


async def test_a_plugin_whose_instance_is_in_use_waits_for_it_on_a_full_host(tmp_path: Path) -> None:
    async with a_full_site(tmp_path) as (site, sleeping):
        assert ((await ask(site, "sleeper")).status, (await sleeping).status) == (200, 200)


@pytest.mark.promise("limits.queue")
async def test_beyond_the_queue_records_are_as_few_as_those_of_refused_requests(tmp_path: Path) -> None:
    async with a_full_site(tmp_path, 3_600_000, deadline_ms=3_600_000, queue=0) as (site, sleeping):
        answers = [await ask(site, "sleeper") for _ in range(100)]
        assert {(answer.status, answer.code) for answer in answers} == {(429, "limit.queue")}
        assert len([record for record in site.records() if record.outcome == "refused"]) == 60
        sleeping.cancel()
        await asyncio.wait([sleeping])


@pytest.mark.promise("capacity.idle")
async def test_the_runtimes_idle_instances_go_when_their_time_is_over(tmp_path: Path) -> None:
    async with a_full_site(tmp_path) as (site, sleeping):
        await sleeping
        capacity = site.runtime.capacity
        capacity.reap(capacity.clock() + site.runtime.options.idle_s + 1)
        assert "0 of 1 instances (0 lent, 0 idle, 0 starting)" in repr(site.runtime)
        assert (await ask(site, "sleeper")).status == 200
