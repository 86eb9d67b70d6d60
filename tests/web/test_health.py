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
