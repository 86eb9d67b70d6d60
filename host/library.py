"""Innkeeper inside somebody else's program: the host as one object, with an ASGI application to mount, and functions to call."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog
from msgspec import ValidationError, convert
from msgspec.json import encode
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from host.model.errors import NotOpen, RequestError, UsageError, WrongLoop
from host.model.options import HostOptions
from host.model.options import checked as checked_options
from host.model.tool import ToolResult
from host.runtime.data import DataDirectory
from host.runtime.enable import disable, enable
from host.runtime.hooks import HookResult, emit
from host.runtime.install import Installed, Order, install_in
from host.runtime.lock import held
from host.runtime.platform import OwnPlatform
from host.runtime.platform import checked as checked_platform
from host.runtime.runtime import Runtime
from host.runtime.tools import ListedTool, Tools
from host.runtime.uninstall import uninstall
from host.web.app import create_app
from host.web.errors import refusal
from host.web.sending import send_answer

NEW, CLOSED = "not open yet", "closed already"

log = structlog.get_logger()


@dataclass(frozen=True)
class _Opened:
    """What is there while the host is open."""

    runtime: Runtime
    tools: Tools
    app: ASGIApp
    loop: asyncio.AbstractEventLoop


class PluginHost:
    """A host in this process. Making one touches nothing; it is open within `async with`, or within an application's lifespan:

        plugins = PluginHost(data="innkeeper-data")
        app = Starlette(routes=[Mount("/plugins", plugins.app)], lifespan=plugins.lifespan)

    `data` is a directory of its own, as that of `innkeeper serve`. `database` is a SQLite file in place of the one in there, as a path or
    `sqlite:///path`: it may be the application's own, where the host's tables stand beside others. `cache` keeps what was built and
    compiled; None: where the command keeps it. `platform` is what the application keeps itself.

    It belongs to the event loop that opens it, and one process at a time has a data directory open. Once closed it can be opened again.
    Everything that it raises is an `InnkeeperError` with a code: `UsageError` where an argument can't work, `NotOpen`, `WrongLoop`.
    """

    def __init__(
        self,
        *,
        data: str | Path,
        database: str | Path | None = None,
        cache: str | Path | None = None,
        options: HostOptions = HostOptions(),  # noqa: B008  # it is frozen
        platform: OwnPlatform = OwnPlatform(),  # noqa: B008
    ) -> None:
        self._data = DataDirectory(Path(data), database)
        self._chosen_cache = None if cache is None else Path(cache)
        self._options = checked_options(options)
        self._platform = checked_platform(platform)
        self._state = NEW
        self._opened: _Opened | None = None

    def __repr__(self) -> str:
        return f"<PluginHost {self._data.path} [{self._state}]>"

    async def __aenter__(self) -> Self:
        """Opens it. Raises `UsageError` where the data directory or the database can't be used, or another process has it open."""
        if self._state not in (NEW, CLOSED):
            raise UsageError(f"the plugin host of {self._data.path} is {self._state}: open it once, in the application's lifespan")
        before, self._state = self._state, "opening"
        try:
            async with AsyncExitStack() as stack:
                runtime = await self._runtime(stack)
                self._opened = _Opened(runtime, Tools(runtime), create_app(runtime), asyncio.get_running_loop())
                self._closing = stack.pop_all()
        except BaseException:  # boundary: whatever keeps it from opening, it can be tried again
            self._state = before
            raise
        self._state = "open"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Closes it: what is under way may finish within `options.grace_s`, and is dropped and recorded after it."""
        opened = self._current()
        self._opened, self._state = None, "closing"
        try:
            async with self._closing:
                opened.runtime.ending.begin()
                await opened.runtime.ending.quiet(self._options.grace_s)
        finally:
            self._state = CLOSED

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """The same as a lifespan of Starlette and FastAPI: `lifespan=plugins.lifespan`."""
        async with self:
            yield

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application: the URLs of plugins and the operator API, below wherever it is mounted. 503 while the host is not open.

        Where nothing mounts it and a server runs it by itself, it opens the host in its lifespan.
        """
        if scope["type"] == "lifespan":
            return await Router(lifespan=self.lifespan)(scope, receive, send)
        if self._opened is None and scope["type"] == "http":
            log.error("host.not_open", path=scope["path"], state=self._state)
            return await send_answer(send, refusal(RequestError(503, "unavailable", "the host of plugins is not open")))
        await self._current().app(scope, receive, send)

    async def emit(
        self, organization: str, event: str, data: dict[str, Any], *, id: str | None = None, occurred_at: int | None = None
    ) -> dict[str, HookResult]:
        """Tells an event to the hooks of all enabled plugins of an organisation that ask for it, at once; the results by plugin.

        `data` is a JSON object, `id` the event's (a new one where it is told for the first time), `occurred_at` in milliseconds since 1970
        (now). A hook that fails is a result that is not `ok`, and nobody else's business.
        """
        return await emit(self.runtime, organization, event, data, id=id, occurred_at=occurred_at)

    def tools(self, organization: str) -> list[ListedTool]:
        """The tools of an organisation's enabled plugins, with their JSON Schemas."""
        return self._current().tools.listed(organization)

    async def call_tool(self, organization: str, plugin: str, tool: str, arguments: dict[str, Any]) -> ToolResult:
        """What a plugin's tool gives. Raises errors with these codes, among others: `tool.unknown`, `tool.invalid-arguments` (it names the
        path; nothing ran, or the tool itself said so), `tool.failed`. Nothing that a failed call did is kept."""
        return await self._current().tools.call(organization, plugin, tool, arguments)

    async def install(
        self,
        plugin: str | Path | bytes,
        *,
        organization: str,
        create_organization: bool = False,
        grants: Sequence[str] = (),
        grant_all: bool = False,
        settings: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Installed:
        """Installs a component (its bytes, or its file) or a Python plugin's folder, which is built; or a new version of one.

        As `innkeeper install`: what is not given stays as it was, and nothing is stored where it fails. To build takes some ten seconds,
        and so does compiling what was never compiled; both happen beside the event loop. Raises `ComponentError` or `UsageError`.
        """
        runtime = self.runtime
        order = _order(
            organization=organization, create_organization=create_organization, grants=grants, grant_all=grant_all,
            settings={name: value if isinstance(value, str) else _json(name, value) for name, value in (settings or {}).items()},
            secrets=secrets or {},
        )  # fmt: skip
        wasm = plugin if isinstance(plugin, bytes) else await asyncio.to_thread(self._component, Path(plugin))
        return await install_in(runtime, wasm, order, _told)

    async def enable(self, organization: str, plugin: str) -> None:
        """As `innkeeper enable`. Raises `UsageError` where it is not installed."""
        await enable(self.runtime, organization, plugin)

    async def disable(self, organization: str, plugin: str) -> None:
        """As `innkeeper disable`. Raises `UsageError` where it is not installed."""
        await disable(self.runtime, organization, plugin)

    async def uninstall(self, organization: str, plugin: str, *, delete_data: bool = False) -> None:
        """As `innkeeper uninstall`: messages and customers stay, and what it stored unless `delete_data`. Raises `UsageError`."""
        await uninstall(self.runtime, organization, plugin, delete_data=delete_data)

    @property
    def runtime(self) -> Runtime:
        """What it is made of, for what has no method here. Raises `NotOpen` or `WrongLoop`."""
        return self._current().runtime

    @property
    def _cache(self) -> Path:
        from host.cli.build import default_cache

        return self._chosen_cache or default_cache()

    async def _runtime(self, stack: AsyncExitStack) -> Runtime:
        stack.enter_context(held(self._data.make().path, "within another program"))
        if self._data.shared:
            stack.enter_context(held(self._data.path, "within another program", self._data.database))
        runtime = await stack.enter_async_context(Runtime.opened(self._data, self._cache, self._options, self._platform))
        warming = asyncio.create_task(runtime.warm_up())
        stack.push_async_callback(_ended, warming)
        return runtime

    def _current(self) -> _Opened:
        opened = self._opened
        if opened is None:
            raise NotOpen(
                f"the plugin host of {self._data.path} is {self._state}: it is open within `async with`, or the application's lifespan "
                "(lifespan=plugins.lifespan)"
            )
        if _running_loop() is not opened.loop:
            raise WrongLoop(
                f"the plugin host of {self._data.path} was opened in another event loop and works only there: from another thread, hand "
                "over with asyncio.run_coroutine_threadsafe"
            )
        return opened

    def _component(self, path: Path) -> bytes:
        from host.cli.source import component

        return component(path, self._cache, _told)


def _told(sentence: str) -> None:
    log.info("plugin.installing", progress=sentence)


def _order(**given: Any) -> Order:
    try:
        return convert(given, Order)
    except ValidationError as error:
        raise UsageError(f"the plugin can't be installed: {error}") from None


def _json(name: str, value: Any) -> str:
    try:
        return encode(value).decode()
    except (TypeError, ValueError) as error:
        raise UsageError(f"the setting {name} takes JSON: {error}") from None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    with suppress(RuntimeError):
        return asyncio.get_running_loop()
    return None


async def _ended(warming: "asyncio.Task[None]") -> None:
    warming.cancel()
    await asyncio.wait([warming])
    if not warming.cancelled() and (error := warming.exception()):
        log.error("host.not_warm", reason=repr(error))
