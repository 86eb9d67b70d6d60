"""The plugin: what an author's module makes one of, declares on, and asks the host through."""

from collections.abc import Callable, Mapping, Sequence
from inspect import cleandoc, signature
from typing import Literal, TypeAlias, TypeVar, cast

from plugin_sdk_py import declared, names
from plugin_sdk_py.api.clock import Clock
from plugin_sdk_py.api.config import Installation, Settings, installation
from plugin_sdk_py.api.customers import Customers
from plugin_sdk_py.api.log import Log
from plugin_sdk_py.api.messages import Messages
from plugin_sdk_py.api.random import Random
from plugin_sdk_py.api.secrets import Secrets
from plugin_sdk_py.api.sources import Sources
from plugin_sdk_py.api.store import Store
from plugin_sdk_py.auth import Auth, Challenge
from plugin_sdk_py.dedupe import Dedupe
from plugin_sdk_py.hooks import Hook, HookHandler
from plugin_sdk_py.routes import Handler, Route
from plugin_sdk_py.text import Json
from plugin_sdk_py.tools import NO_ARGUMENTS, Tool, ToolHandler

__all__ = ["Plugin"]

T = TypeVar("T")
H = TypeVar("H", bound=Handler)
E = TypeVar("E", bound=HookHandler)
C = TypeVar("C", bound=ToolHandler)
F = TypeVar("F", bound=Callable[..., None])
S = TypeVar("S", bound=Callable[[], None])
A = TypeVar("A", bound=Callable[[dict[str, Json]], None])
Stage: TypeAlias = Literal["initialize", "start", "settings-changed", "validate-auth", "stop"]
"""What happens to an installation, as the interface `lifecycle` has it."""


class Plugin:
    """Declares on import, acts while a handler runs.

    `name` is lower-case letters, digits and hyphens, `version` semantic. `instance` says whether the next request may run in the same
    instance, with its module globals as they were left (`reused`), or each gets its own (`fresh`).
    """

    def __init__(
        self,
        name: str,
        *,
        version: str,
        description: str,
        author: str = "",
        license: str = "",
        instance: Literal["reused", "fresh"] = "reused",
    ) -> None:
        self.name = names.slug("plugin", name)
        self.version = names.version("version", version)
        if not description:
            raise ValueError(f"plugin {name!r}: operators want a description")
        self._about = {"description": description, "author": author, "license": license, "instance": instance}
        self._routes: dict[str, Route] = {}
        self._hooks: dict[str, Hook] = {}
        self._tools: dict[str, Tool] = {}
        self._settings: dict[str, declared.Setting] = {}
        self._secrets: dict[str, declared.Secret] = {}
        self._needs: dict[str, declared.Need] = {}
        self._channel: declared.Channel | None = None
        self._stages: dict[str, Callable[..., None]] = {}
        self.messages = Messages()
        self.customers = Customers()
        self.sources = Sources()
        self.store = Store()
        self.settings = Settings()
        self.secrets = Secrets()
        self.log = Log()
        self.clock = Clock()
        self.random = Random()

    @property
    def installation(self) -> Installation:
        """Which organisation the handler runs for."""
        return installation()

    def route(
        self,
        path: str,
        *,
        methods: Sequence[str],
        auth: Auth,
        name: str | None = None,
        mode: Literal["sync", "queued"] = "sync",
        content_types: Sequence[str] = (),
        body: Literal["any", "json"] = "any",
        challenge: Challenge | None = None,
        dedupe: Dedupe | None = None,
    ) -> Callable[[H], H]:
        """Declares the decorated function as the handler of `path`, in which `{name}` stands for one segment.

        The route is named after the function, unless `name` says otherwise, and described by its docstring's first line. In the mode
        `queued` the host answers at once and runs the handler later. `content_types` are the media types that it takes, such as
        `application/json` or `image/*`; the host refuses others with 415, and with body `json` a body that is not JSON with 400.
        `dedupe` says by what the host knows a request that it has run already.
        """

        def declare(handler: H) -> H:
            route = Route(
                name=name or handler.__name__.strip("_").replace("_", "-"),
                path=path,
                methods=tuple(methods),
                auth=auth,
                mode=mode,
                content_types=tuple(content_types),
                body=body,
                challenge=challenge,
                dedupe=dedupe,
                description=(handler.__doc__ or "").strip().partition("\n")[0],
                handler=handler,
            )
            _add(self._routes, "route", route.name, route)
            return handler

        return declare

    def get(self, path: str, *, auth: Auth, name: str | None = None) -> Callable[[H], H]:
        """The same for GET alone."""
        return self.route(path, methods=["GET"], auth=auth, name=name)

    def post(
        self,
        path: str,
        *,
        auth: Auth,
        name: str | None = None,
        mode: Literal["sync", "queued"] = "sync",
        content_types: Sequence[str] = (),
        body: Literal["any", "json"] = "any",
        challenge: Challenge | None = None,
        dedupe: Dedupe | None = None,
    ) -> Callable[[H], H]:
        """The same for POST alone."""
        return self.route(
            path,
            methods=["POST"],
            auth=auth,
            name=name,
            mode=mode,
            content_types=content_types,
            body=body,
            challenge=challenge,
            dedupe=dedupe,
        )

    def hook(self, event: str) -> Callable[[E], E]:
        """Declares the decorated function as what happens when the organisation's `event` does, such as `task.created`.

        It gets an `Event` and may answer with a dict, where the event asks for an answer. What it did is kept unless it raises.
        """

        def declare(handler: E) -> E:
            _add(self._hooks, "hook", event, Hook(event=event, handler=handler))
            return handler

        return declare

    def tool(
        self,
        *,
        description: str = "",
        input_schema: Mapping[str, Json] = NO_ARGUMENTS,
        output_schema: Mapping[str, Json] | None = None,
        name: str | None = None,
    ) -> Callable[[C], C]:
        """Declares the decorated function as a tool that agents can call.

        It gets its arguments as a dict, which the host has checked against `input_schema` (JSON Schema of an object), and answers with
        text, a dict (valid against `output_schema`) or a `ToolResult`. `Rejected` tells the agent that the arguments are wrong, `Failed`
        that it may work later. The tool is named after the function, unless `name` says otherwise, and described by its docstring, unless
        `description` does.
        """

        def declare(handler: C) -> C:
            tool = Tool(
                name=name or getattr(handler, "__name__", "").strip("_"),
                description=description or cleandoc(handler.__doc__ or ""),
                input_schema=input_schema,
                output_schema=output_schema,
                handler=handler,
            )
            _add(self._tools, "tool", tool.name, tool)
            return handler

        return declare

    def setting(
        self, name: str, kind: type | Mapping[str, Json], *, description: str = "", required: bool = False, default: Json = None
    ) -> None:
        """Something that an operator sets per organisation; `kind` is str, int, float, bool or a JSON Schema.

        One that is not set has its default; without a default it is absent from `settings`.
        """
        _add(self._settings, "setting", name, declared.setting(name, kind, description, required, default))

    def secret(self, name: str, *, purpose: declared.Purpose, description: str = "", required: bool = True) -> None:
        """A secret that an operator sets per organisation, for one purpose.

        `verify`: the host checks signatures with it. `sign`: `secrets.hmac`. `inject(...)`: the host puts it into requests. `read`: the
        plugin sees it, which operators grant with reluctance.
        """
        _add(self._secrets, "secret", name, declared.Secret(name=name, purpose=purpose, description=description, required=required))

    def needs(self, capability: str, *, reason: str) -> None:
        """Asks for a capability; an operator reads `reason` before granting it."""
        _add(self._needs, "capability", capability, declared.Need(name=capability, reason=reason))

    def channel(self, *, source: str, name: str, description: str = "", icon: str = "") -> None:
        """The source that this plugin's messages come from, registered when the plugin is installed."""
        if self._channel:
            raise ValueError(f"a plugin has one channel, and {self._channel.source!r} is declared")
        self._channel = declared.Channel(source=source, name=name, description=description, icon=icon)

    def on_initialize(self, handler: S) -> S:
        """Declares the decorated function as what is done once per organisation and version, before the first start.

        Whatever it raises fails it: it is run again before the next start, and a new version is not installed.
        """
        return self._on("initialize", handler)

    def on_start(self, handler: S) -> S:
        """What is done at install, enable and upgrade.

        Where it raises, requests are served all the same, but a new version is not installed.
        """
        return self._on("start", handler)

    def on_settings_changed(self, handler: S) -> S:
        """What is done once an operator has changed the settings: `settings` gives the new ones. What it raises undoes nothing."""
        return self._on("settings-changed", handler)

    def on_validate_auth(self, handler: A) -> A:
        """What looks at settings before they are stored: it gets them as a dict, with the defaults.

        Raise `Rejected("why")` where they are wrong: the operator reads that. Any other exception says that it could not tell; they are not
        stored either.
        """
        return self._on("validate-auth", handler)

    def on_stop(self, handler: S) -> S:
        """What is done before the plugin is disabled or uninstalled, which happens whatever it does."""
        return self._on("stop", handler)

    def _on(self, stage: Stage, handler: F) -> F:
        decorator = f"on_{stage.replace('-', '_')}"
        if not callable(handler):
            raise TypeError(f"{decorator} decorates a function, and is written without parentheses")
        names.plain_function("lifecycle function", stage, handler)
        given: tuple[Json, ...] = ({},) if stage == "validate-auth" else ()
        try:
            signature(handler).bind(*given)
        except TypeError:
            raise TypeError(f"{decorator}: the function takes {'the settings, a dict' if given else 'nothing'}") from None
        _add(self._stages, "lifecycle function", stage, cast(Callable[..., None], handler))
        return handler

    def at_stage(self, stage: Stage) -> Callable[..., None] | None:
        """What is declared for it."""
        return self._stages.get(stage)

    def describe(self) -> dict[str, Json]:
        """The manifest. Raises ValueError when a route names a secret that is not declared for the purpose `verify`."""
        for route in self._routes.values():
            for secret in route.secrets():
                if secret not in self._secrets or self._secrets[secret].purpose != "verify":
                    raise ValueError(f"route {route.name!r}: declare its secret with plugin.secret({secret!r}, purpose='verify')")
        return {
            "name": self.name,
            "version": self.version,
            **self._about,
            "routes": [route.describe() for route in self._routes.values()],
            "settings": {
                "type": "object",
                "properties": {setting.name: dict(setting.schema) for setting in self._settings.values()},
                "required": [setting.name for setting in self._settings.values() if setting.required],
                "additionalProperties": False,
            },
            "secrets": [secret.describe() for secret in self._secrets.values()],
            "capabilities": [need.describe() for need in self._needs.values()],
            **({"channel": self._channel.describe()} if self._channel else {}),
            **({"lifecycle": [*self._stages]} if self._stages else {}),
            **({"hooks": [hook.describe() for hook in self._hooks.values()]} if self._hooks else {}),
            **({"tools": [tool.describe() for tool in self._tools.values()]} if self._tools else {}),
        }

    def handler(self, route: str) -> Handler:
        """The handler of a route. Raises LookupError when there is no such route."""
        if route not in self._routes:
            raise LookupError(f"{self.name} {self.version} declares no route {route!r}")
        return self._routes[route].handler

    def hook_handler(self, event: str) -> HookHandler | None:
        """What happens at an event; None where nothing does."""
        return self._hooks[event].handler if event in self._hooks else None

    def tool_handler(self, tool: str) -> ToolHandler | None:
        """What a tool does; None where there is no such tool."""
        return self._tools[tool].handler if tool in self._tools else None

    def __repr__(self) -> str:
        return f"<Plugin {self.name} {self.version} [{len(self._routes)} routes]>"


def _add(declarations: dict[str, T], kind: str, name: str, declaration: T) -> None:
    if name in declarations:
        raise ValueError(f"{kind} {name!r} is declared twice")
    declarations[name] = declaration
