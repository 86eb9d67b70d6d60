"""The manifest: a plugin's description of itself. The JSON Schema wit/manifest.schema.json says what is valid; these are its types.

Decoding here happens after validation against that schema, so a field that is absent has its default and nothing else is unknown.
"""

from collections.abc import Collection
from typing import Any, Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType, convert, field

from host.model.signature import SCHEMES, Signature

Json: TypeAlias = Any  # open-ended JSON data
LifecycleFunction: TypeAlias = Literal["initialize", "start", "settings-changed", "validate-auth", "stop"]

PUBLIC = "routes.public"
"""The grant that public routes need."""


class Public(Struct, frozen=True, tag="public", tag_field="type"):
    """Anybody may call the route. Needs the grant `routes.public`."""


class Token(Struct, frozen=True, tag="token", tag_field="type"):
    """Only with a bearer token of the operator API for this organisation."""


class Verify(Signature, frozen=True, kw_only=True, tag="verify", tag_field="type"):
    """The host checks a signature under a secret of purpose `verify`: the one that is spelled out here, or that of a provider's scheme."""

    secret: str
    scheme: Literal["hmac", "standard-webhooks", "stripe", "slack", "github", "shopify", "hubspot-v3"] = "hmac"

    @property
    def signature(self) -> Signature:
        return self if self.scheme == "hmac" else SCHEMES[self.scheme]


class Challenge(Struct, frozen=True, kw_only=True):
    """A GET handshake that the host answers itself: the token parameter must equal the secret, the answer is the challenge parameter.

    `expect` names further query parameters and the values they must have.
    """

    secret: str
    token_parameter: str
    challenge_parameter: str
    expect: dict[str, str] = {}


class Dedupe(Struct, frozen=True, kw_only=True):
    """What a verified request has that one of the same meaning has too: the value of `header`, or what `json`, a JSON Pointer (RFC 6901),
    finds in its body. One of the two is given. `expires_s` is for how many seconds it is remembered."""

    header: str | None = None
    json: str | None = None
    expires_s: int = 8 * 24 * 60 * 60


class Route(Struct, frozen=True, kw_only=True):
    """A path below the plugin's root, `/` first, with `{name}` for one segment."""

    name: str
    path: str
    auth: Public | Token | Verify
    methods: list[str] = field(default_factory=lambda: ["POST"])
    mode: Literal["sync", "queued"] = "sync"
    content_types: list[str] = []
    """Media types in lower case, `type/*` for all of a type; the host refuses others with 415. Any, where there are none."""
    body: Literal["any", "json"] = "any"
    """With `json` the host refuses a body that is not JSON with 400."""
    challenge: Challenge | None = None
    dedupe: Dedupe | None = None
    """Only where `auth` is `Verify`: a stranger could take keys that a sender needs."""
    description: str = ""

    def granted(self, grants: Collection[str]) -> bool:
        """Whether it may be asked: a public one only with consent."""
        return not isinstance(self.auth, Public) or PUBLIC in grants


class Injection(Struct, frozen=True, kw_only=True):
    """Where a secret of purpose `inject` goes: `{secret}` in `template` is replaced, for requests to `hosts` only."""

    header: str
    hosts: list[str]
    template: str = "{secret}"


class Secret(Struct, frozen=True, kw_only=True):
    name: str
    purpose: Literal["verify", "sign", "inject", "read"]
    description: str = ""
    required: bool = True
    inject: Injection | None = None


class Wish(Struct, frozen=True, kw_only=True):
    """A capability that the plugin asks for, and why."""

    name: str
    reason: str


class Channel(Struct, frozen=True, kw_only=True):
    """The source that this plugin brings along; registered at install. `deliver`: messages go out through the export `channel`."""

    source: str
    name: str
    description: str | None = None
    icon: str | None = None
    deliver: bool = False
    resend_unknown: bool = False


class Tool(Struct, frozen=True, kw_only=True, rename="camel"):
    name: str
    description: str
    input_schema: Json
    output_schema: Json | None = None


class Hook(Struct, frozen=True, kw_only=True):
    event: str


class Action(Struct, frozen=True, kw_only=True):
    name: str
    label: str
    on: list[Literal["approval", "task", "workspace"]]
    description: str = ""


class Job(Struct, frozen=True, kw_only=True):
    """`every` is in seconds; None for a job that only `run-later` starts."""

    name: str
    every: int | None = None


class Manifest(Struct, frozen=True, kw_only=True):
    """`settings` is a JSON Schema of an object; `lifecycle` names the functions of that export which are called, the others are not."""

    name: str
    version: str
    description: str
    author: str = ""
    license: str = ""
    instance: Literal["reused", "fresh"] = "reused"
    routes: list[Route] = []
    settings: Json = field(default_factory=lambda: {"type": "object", "properties": {}})
    secrets: list[Secret] = []
    capabilities: list[Wish] = []
    channel: Channel | None = None
    lifecycle: list[LifecycleFunction] = []
    tools: list[Tool] = []
    hooks: list[Hook] = []
    actions: list[Action] = []
    jobs: list[Job] = []
    mcp: list[Json] = []
    ui: Json | UnsetType = UNSET

    def route(self, name: str) -> Route | None:
        return next((route for route in self.routes if route.name == name), None)

    def secret(self, name: str) -> Secret | None:
        return next((secret for secret in self.secrets if secret.name == name), None)

    def tool(self, name: str) -> Tool | None:
        return next((tool for tool in self.tools if tool.name == name), None)

    def hook(self, event: str) -> Hook | None:
        return next((hook for hook in self.hooks if hook.event == event), None)

    def wishes(self) -> list[Wish]:
        """Every capability that the plugin needs granted: those it lists, and those that its routes and secrets imply."""
        public = [route.name for route in self.routes if isinstance(route.auth, Public)]
        implied = [Wish(name=PUBLIC, reason=f"anybody may call: {', '.join(public)}")] if public else []
        implied += [
            Wish(name=f"secrets:{secret.name}", reason=secret.description or f"purpose: {secret.purpose}")
            for secret in self.secrets
            if secret.purpose != "verify"
        ]
        listed = {wish.name for wish in self.capabilities}
        return [*self.capabilities, *(wish for wish in implied if wish.name not in listed)]

    def exports(self) -> dict[str, str]:
        """The interfaces that the component must export, each with what in the manifest asks for it."""
        needed = {
            "webhooks": [f"route {route.name!r}" for route in self.routes],
            "channel": [f"channel {self.channel.source!r}"] if self.channel and self.channel.deliver else [],
            "lifecycle": [f"lifecycle function {name!r}" for name in self.lifecycle],
            "tools": [f"tool {tool.name!r}" for tool in self.tools],
            "hooks": [f"hook {hook.event!r}" for hook in self.hooks],
            "actions": [f"action {action.name!r}" for action in self.actions],
            "jobs": [f"job {job.name!r}" for job in self.jobs],
        }
        return {interface: ", ".join(reasons) for interface, reasons in needed.items() if reasons}


def decode(data: Json) -> Manifest:
    """The manifest in `data`, which is valid against the schema."""
    return convert(data, Manifest)
