"""A host over a temporary directory, and requests to it that are already checked."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from host.model.delivery import Delivery
from host.model.installation import Installation
from host.model.options import HostOptions
from host.runtime.data import DataDirectory
from host.runtime.install import Installed, Order, install
from host.runtime.receipt import Answer, Receipt
from host.runtime.runtime import Runtime
from stores import deliveries, installations
from stores.statement import Connection
from tests.building import artefacts

ORGANIZATION = "acme"


async def installed(folder: Path, component: bytes, **order: object) -> Installed:
    """Installs a component, by default for `acme` with everything granted."""
    wanted = {"organization": ORGANIZATION, "create_organization": True, "grant_all": True, **order}
    return await install(DataDirectory(folder), artefacts(), component, Order(**wanted), lambda sentence: None)


def choose(connection: Connection, plugin: str, organization: str = ORGANIZATION, **changes: object) -> None:
    """Changes what the organisation's operator chose for a plugin: `limits`, `enabled`, `settings`."""
    before = installations.chosen(connection, organization, plugin)
    assert before is not None
    installations.choose(connection, organization, plugin, replace(before, **changes), 2)


@asynccontextmanager
async def a_host(folder: Path, options: HostOptions | None = None) -> AsyncIterator[Runtime]:
    async with Runtime.opened(DataDirectory(folder), artefacts(), options or HostOptions()) as runtime:
        yield runtime


def receipt(installation: Installation, route: str, body: bytes = b"", method: str = "POST") -> Receipt:
    """A request to a route that passed every check."""
    found = installation.manifest.route(route)
    assert found is not None
    return Receipt(
        installation=installation,
        route=found,
        method=method,
        url=f"http://localhost{found.path}",
        path=found.path,
        parameters=[],
        query=[],
        headers=[("content-type", "application/json")],
        body=body,
        verified=True,
    )


async def send(runtime: Runtime, plugin: str, route: str, body: bytes = b"", organization: str = ORGANIZATION) -> Answer:
    installation = runtime.installation(organization, plugin)
    assert installation is not None
    return await runtime.handle(receipt(installation, route, body))


def records(runtime: Runtime, organization: str = ORGANIZATION) -> list[Delivery]:
    """The deliveries of an organisation, oldest first."""
    return deliveries.page(runtime.reads, organization, None, None, 200).items[::-1]


async def under_way(runtime: Runtime, guests: int = 1) -> None:
    """Until so many guests run."""
    async with asyncio.timeout(20):
        while f"{guests} busy" not in repr(runtime):  # noqa: ASYNC110  # the pool tells nobody
            await asyncio.sleep(0.001)


@asynccontextmanager
async def before_the_commit(runtime: Runtime, meanwhile: Callable[[Connection], object]) -> AsyncIterator[None]:
    """Holds the writer up, so that what is sent inside can't commit; then does `meanwhile`, in a transaction before it."""
    reached, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(connection: Connection) -> None:
        loop.call_soon_threadsafe(reached.set)
        assert go_on.wait(60)
        meanwhile(connection)

    holding = asyncio.create_task(runtime.writer.commit(hold))
    await reached.wait()
    yield
    go_on.set()
    await holding


async def queued(runtime: Runtime) -> None:
    """Until a commit waits for the writer."""
    while "1 waiting" not in repr(runtime.writer):  # noqa: ASYNC110  # the writer tells nobody
        await asyncio.sleep(0)
