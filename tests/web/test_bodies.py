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


def scope(address: str | None) -> dict[str, Any]:
    return {
        "type": "http", "http_version": "1.1", "asgi": {"version": "3.0"}, "scheme": "http", "server": ("testserver", 80), "method": "POST",
        "client": address and (address, 1234),
        "path": OPEN, "raw_path": OPEN.encode(), "root_path": "", "query_string": b"", "headers": [(b"host", b"testserver")],
    }  # fmt: skip


class Sender:
    """A request whose body comes in parts, when the test says so."""

    def __init__(self, site: Site, address: str | None = None) -> None:
        self._parts: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sent: list[Any] = []
        self.task = asyncio.create_task(site.app(scope(address), self._parts.get, self._send))

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


async def ended(sender: Sender, end: str) -> None:
    """Ends a request that is under way in one of three ways."""
    if end == "leaves":
        sender.leave()
        await sender.task
    elif end == "is cancelled":
        sender.task.cancel()
        await asyncio.wait([sender.task])
    else:
        await sender.give(b"", more=False)
        assert await sender.status() == 200


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
            await ended(first, end)
        whole = Sender(site)
        await whole.give(b"x" * 8 * MIB, more=False)
        assert await whole.status() == 200, "everything is free again"
        more = Sender(site)
        await more.give(b"x" * (8 * MIB + 1))
        assert await more.status() == 413, "what could never be held is told so"
        refused = [record for record in site.records() if record.error_code == "host.bodies"]
        assert [(record.outcome, record.status) for record in refused] == [("refused", 503)] * 3


@pytest.mark.promise("limits.bodies")
async def test_an_address_that_is_slow_with_its_part_leaves_room_for_others_however_its_requests_end(tmp_path: Path) -> None:
    await installed(tmp_path, probe(Respond()), secrets=SECRETS)
    async with Runtime.opened(DataDirectory(tmp_path), artefacts(), HostOptions(body_bytes_in_flight=16 * MIB)) as runtime:
        site = Site(runtime, create_app(runtime))
        for end in ("leaves", "is cancelled", "is answered"):
            slow = [Sender(site, "2001:db8::1"), Sender(site, "2001:db8::2")]
            for sender in slow:
                await sender.give(b"x" * 2 * MIB)
            beyond, neighbour = Sender(site, "2001:db8::3"), Sender(site, "203.0.113.7")
            await beyond.give(b"x")
            assert await beyond.status() == 503
            await neighbour.give(b"x" * 3 * MIB, more=False)
            assert await neighbour.status() == 200
            for sender in slow:
                await ended(sender, end)
            again = Sender(site, "2001:db8::3")
            await again.give(b"x" * 3 * MIB, more=False)
            assert await again.status() == 200, "its part is free again"


@pytest.mark.promise("limits.bodies")
async def test_many_addresses_together_hold_no_more_than_the_budget(tmp_path: Path) -> None:
    await installed(tmp_path, probe(Respond()), secrets=SECRETS)
    async with Runtime.opened(DataDirectory(tmp_path), artefacts(), HostOptions(body_bytes_in_flight=16 * MIB)) as runtime:
        site = Site(runtime, create_app(runtime))
        senders = [Sender(site, f"203.0.113.{number}") for number in range(8)]
        for sender in senders:
            await sender.give(b"x" * 2 * MIB)
        beyond = Sender(site, "203.0.113.100")
        await beyond.give(b"x")
        assert await beyond.status() == 503
        for sender in senders:
            await sender.give(b"", more=False)
            assert await sender.status() == 200


@pytest.mark.promise("limits.bodies")
async def test_a_body_that_one_address_could_never_have_held_is_told_so(tmp_path: Path) -> None:
    await installed(tmp_path, probe(Respond()), secrets=SECRETS)
    async with Runtime.opened(DataDirectory(tmp_path), artefacts(), HostOptions(body_bytes_in_flight=8 * MIB)) as runtime:
        with runtime.database.transaction() as connection:
            choose(connection, "probe", limits={"input_bytes": 20 * MIB})
        site = Site(runtime, create_app(runtime))
        whole, more = Sender(site, "203.0.113.7"), Sender(site, "203.0.113.7")
        await whole.give(b"x" * 4 * MIB, more=False)
        assert await whole.status() == 200, "however small the budget, a largest body of the defaults has room"
        await more.give(b"x" * (4 * MIB + 1))
        assert await more.status() == 413


def test_an_address_can_hold_a_quarter_and_is_forgotten_when_it_holds_nothing() -> None:
    bodies = Bodies(256 * MIB)
    assert (bodies.room("a"), bodies.room(None)) == (64 * MIB, 256 * MIB)
    with bodies.holding("a") as take, bodies.holding("a") as other, bodies.holding("b") as neighbour:
        take(60 * MIB)
        other(4 * MIB)
        with pytest.raises(RequestError, match="from this address") as full:
            other(1)
        assert (full.value.status, full.value.code) == (503, "host.bodies")
        neighbour(64 * MIB)
        assert repr(bodies) == f"<Bodies [{128 * MIB} of {256 * MIB} bytes, 2 addresses]>"
    assert repr(bodies) == f"<Bodies [0 of {256 * MIB} bytes, 0 addresses]>"


def test_parts_are_counted_and_given_back() -> None:
    bodies = Bodies(10)
    with bodies.holding(None) as take, bodies.holding("b") as other:
        take(6)
        other(4)
        with pytest.raises(RequestError) as full:
            take(1)
        assert (full.value.status, full.value.code) == (503, "host.bodies")
        assert repr(bodies) == "<Bodies [10 of 10 bytes, 1 addresses]>"
    assert repr(bodies) == "<Bodies [0 of 10 bytes, 0 addresses]>"
