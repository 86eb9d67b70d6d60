"""The host as a server: a socket, a runtime, and an end that lets requests finish."""

import asyncio
import errno
import math
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import structlog
import uvicorn
import uvloop

from host.cli.configuration import Place
from host.cli.protocol import limited, most_connections
from host.model.errors import UsageError
from host.model.options import HostOptions
from host.runtime.data import DataDirectory
from host.runtime.ending import PATIENCE_S, Ending
from host.runtime.lock import held
from host.runtime.runtime import Runtime
from host.web.app import create_app
from stores import tokens
from stores.statement import Connection

BACKLOG = 2048
"""Connections that wait to be accepted."""

log = structlog.get_logger()


class Address(NamedTuple):
    host: str
    port: int


def serve(place: Place, options: HostOptions, ready: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM. `ready` gets the URL once requests are answered.

    Raises `UsageError` when the address or the data directory can't be used.
    """
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    with listening(Address(place.host, place.port)) as listener:
        directory = DataDirectory(place.data).make()
        with held(directory.path, url_of(listener)), runner:
            runner.run(_serve(listener, directory, place.cache, options, ready))


@contextmanager
def listening(address: Address) -> Iterator[socket.socket]:
    """A socket that listens there: what can't be had is known before anything else is touched."""
    with bound(address) as listener:
        listener.listen(BACKLOG)
        yield listener


@contextmanager
def bound(address: Address) -> Iterator[socket.socket]:
    """A socket with that address. Raises `UsageError` where it can't be had."""
    listener = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"port {address.port} of {address.host} is in use: choose another with --port (0 takes a free one)") from None
        raise UsageError(f"can't listen on {address.host} port {address.port}: {error.strerror}") from None
    with listener:
        yield listener


class Server(uvicorn.Server):
    """Leaves the signals to the event loop, says when it is ready, and ends in time. `grace_s` is what requests have to finish."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], ending: Ending, grace_s: float) -> None:
        super().__init__(config)
        self._ready = ready
        self._ending = ending
        self._grace_s = grace_s

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn would end by sending itself the signal again, which is no success."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self._dropping.cancel()

    def stop(self) -> None:
        """Lets requests finish within the time of grace; a second time, it drops them at once."""
        if self.should_exit:
            self.force_exit = True
            return self._ending.drop()
        self.should_exit = True
        self._ending.begin()
        self._dropping = asyncio.get_running_loop().call_later(self._grace_s, self._ending.drop)
        log.info("server.ending", grace_s=self._grace_s, requests=len(self.server_state.tasks))


async def _serve(listener: socket.socket, data: DataDirectory, cache: Path, options: HostOptions, ready: Callable[[str], None]) -> None:
    url = url_of(listener)
    async with Runtime.opened(data, cache, options) as runtime:
        config = uvicorn.Config(
            create_app(runtime), http=limited(most_connections()), ws="none", lifespan="off", log_config=None, access_log=False,
            server_header=False, proxy_headers=bool(options.trusted_proxies), forwarded_allow_ips=list(options.trusted_proxies),
            timeout_graceful_shutdown=math.ceil(options.grace_s + PATIENCE_S),
        )  # fmt: skip
        server = Server(config, lambda: ready(url), runtime.ending, options.grace_s)
        await write_first_token(runtime)
        warming = asyncio.create_task(runtime.warm_up())
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(each, _stop, server, warming)
        await asyncio.wait([warming])
        if not warming.cancelled():
            warming.result()
            log.info("server.started", url=url, data=str(data.path.resolve()))
            await server.serve(sockets=[listener])
            log.info("server.ended", url=url)


def _stop(server: Server, warming: "asyncio.Task[None]") -> None:
    """Whatever it is doing just now. Compiling ends at once; another start does it again."""
    server.stop()
    warming.cancel()


async def write_first_token(runtime: Runtime) -> None:
    """The operator's token, for all organisations, where this directory has none yet."""
    if runtime.data.operator_token.exists() and tokens.all(runtime.reads):
        return

    def create(connection: Connection) -> str:
        return tokens.create(connection, "operator", at=time.time_ns() // 1_000_000)

    runtime.data.write_token(await runtime.writer.commit(create))
    log.info("operator.token_written", path=str(runtime.data.operator_token.resolve()))


def url_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
