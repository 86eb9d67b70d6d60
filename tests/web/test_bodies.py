"""Bodies of all requests together are held within a budget, and however a request ends, its part is free again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from host.model.errors import RequestError
from host.model.limits import MIB
from host.model.options import HostOptions
from host.runtime.data import DataDirectory
from host.runtime.runtime import Runtime
from host.web.app import create_app
from host.web.bodies import Bodies
from tests.building import artefacts
from tests.guests_wat import Respond
from tests.runtime.hosts import choose, installed
from tests.web.site import SECRETS, Site, probe

OPEN = "/v1/orgs/acme/plugins/probe/open"


def scope() -> dict[str, Any]:
    return {
        "type": "http", "http_version": "1.1", "asgi": {"version": "3.0"}, "scheme": "http", "server": ("testserver", 80), "method": "POST",
        "path": OPEN, "raw_path": OPEN.encode(), "root_path": "", "query_string": b"", "headers": [(b"host", b"testserver")],
    }  # fmt: skip


class Sender:
    """A request whose body comes in parts, when the test says so."""

    def __init__(self, site: Site) -> None:
        self._parts: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sent: list[Any] = []
        self.task = asyncio.create_task(site.app(scope(), self._parts.get, self._send))

    async def _send(self, message: Any) -> None:
        self._sent.append(message)

    async def give(self, body: bytes, more: bool = True) -> None:
        self._parts.put_nowait({"type": "http.request", "body": body, "more_body": more})
        while not self._parts.empty():  # noqa: ASYNC110  # a queue has no event for it
            await asyncio.sleep(0)

    def leave(self) -> None:
        self._parts.put_nowait({"type": "http.disconnect"})

    async def status(self) -> int:
        await self.task
        return int(self._sent[0]["status"])


@pytest.mark.promise("limits.bodies")
async def test_beyond_the_budget_nothing_is_read_on_and_what_was_held_is_free_however_a_request_ends(tmp_path: Path) -> None:
    await installed(tmp_path, probe(Respond()), secrets=SECRETS)
    async with Runtime.opened(DataDirectory(tmp_path), artefacts(), HostOptions(body_bytes_in_flight=8 * MIB)) as runtime:
        site = Site(runtime, create_app(runtime))
        with runtime.database.transaction() as connection:
            choose(connection, "probe", limits={"input_bytes": 20 * MIB})
        for end in ("leaves", "is cancelled", "is answered"):
            first, second = Sender(site), Sender(site)
            await first.give(b"x" * 5 * MIB)
            await second.give(b"x" * 2 * MIB)
            await second.give(b"x" * 2 * MIB)
            assert await second.status() == 503
            third = Sender(site)
            await third.give(b"x" * 3 * MIB, more=False)
            assert await third.status() == 200
            if end == "leaves":
                first.leave()
                await first.task
            elif end == "is cancelled":
                first.task.cancel()
                await asyncio.wait([first.task])
            else:
                await first.give(b"", more=False)
                assert await first.status() == 200
        whole = Sender(site)
        await whole.give(b"x" * 8 * MIB, more=False)
        assert await whole.status() == 200, "everything is free again"
        more = Sender(site)
        await more.give(b"x" * (8 * MIB + 1))
        assert await more.status() == 413, "what could never be held is told so"
        refused = [record for record in site.records() if record.error_code == "host.bodies"]
        assert [(record.outcome, record.status) for record in refused] == [("refused", 503)] * 3


def test_parts_are_counted_and_given_back() -> None:
    bodies = Bodies(10)
    with bodies.holding() as take, bodies.holding() as other:
        take(6)
        other(4)
        with pytest.raises(RequestError) as full:
            take(1)
        assert (full.value.status, full.value.code) == (503, "host.bodies")
        assert repr(bodies) == "<Bodies [10 of 10 bytes]>"
    assert bodies.held == 0
