"""What the hot path knows of installations, and when it learns of changes."""

from pathlib import Path

from stores import epoch
from stores.database import Database
from tests.building import example
from tests.runtime.hosts import ORGANIZATION, a_host, choose, installed

PLUGIN = "simple-http-test"


async def test_an_unchanged_installation_is_the_same_object_after_somebody_elses_change(tmp_path: Path) -> None:
    await installed(tmp_path, example("simple_http_test"))
    async with a_host(tmp_path) as runtime:
        before = runtime.installation(ORGANIZATION, PLUGIN)
        with Database(tmp_path / "innkeeper.db").transaction() as connection:
            epoch.bump(connection)
        assert runtime.installation(ORGANIZATION, PLUGIN) is before


async def test_a_change_by_another_connection_shows_at_the_next_request(tmp_path: Path) -> None:
    await installed(tmp_path, example("simple_http_test"))
    async with a_host(tmp_path) as runtime:
        assert runtime.installation(ORGANIZATION, PLUGIN) is not None
        with Database(tmp_path / "innkeeper.db").transaction() as connection:
            choose(connection, PLUGIN, enabled=False)
        assert runtime.installation(ORGANIZATION, PLUGIN) is None


async def test_names_that_nobody_has_are_not_kept(tmp_path: Path) -> None:
    await installed(tmp_path, example("simple_http_test"))
    async with a_host(tmp_path) as runtime:
        for number in range(10):
            assert runtime.installation(f"nobody-{number}", PLUGIN) is None
        assert repr(runtime.configuration).endswith("0 installations]>")
