"""Whether the host is there."""

from pathlib import Path

from structlog.testing import capture_logs

from tests.web.site import a_site


async def test_a_host_with_its_database_is_healthy_and_tells_nobody_more(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", "/healthz")

    assert (reply.status, reply.json) == (200, {"status": "ok"})
    assert reply.header("cache-control") == ["no-store"]


async def test_without_its_database_it_is_not(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        site.runtime.reads.close()
        with capture_logs() as logs:
            reply = await site.ask("GET", "/healthz")

    assert (reply.status, reply.code, reply.header("retry-after")) == (503, "unavailable", ["1"])
    assert [log["event"] for log in logs] == ["health.failed"]


async def test_a_host_that_is_starting_or_ending_is_healthy_but_not_ready(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        found = [await site.ask("GET", "/readyz")]
        site.runtime.starting = True
        found.append(await site.ask("GET", "/readyz"))
        await site.runtime.warm_up()
        found.append(await site.ask("GET", "/readyz"))
        site.runtime.ending.begin()
        found.append(await site.ask("GET", "/readyz"))
        healthy = await site.ask("GET", "/healthz")

    assert [reply.status for reply in found] == [200, 503, 200, 503]
    assert [found[0].json, found[2].json] == [{"status": "ready"}] * 2
    assert [found[1].code, found[3].code] == ["unavailable"] * 2
    assert healthy.status == 200


async def test_without_its_database_it_is_not_ready(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        site.runtime.reads.close()
        with capture_logs():
            reply = await site.ask("GET", "/readyz")

    assert (reply.status, reply.code) == (503, "unavailable")
