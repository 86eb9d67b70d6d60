"""What a plugin says of itself beside its routes: settings, secrets, capabilities, a channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from plugin_sdk_py import names
from plugin_sdk_py.text import Json

__all__ = ["Channel", "Inject", "Need", "Purpose", "Secret", "Setting", "inject"]

TYPES: dict[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True, kw_only=True)
class Inject:
    header: str
    hosts: tuple[str, ...]
    template: str

    def describe(self) -> Json:
        return {"header": self.header, "hosts": list(self.hosts), "template": self.template}


def inject(*, header: str, hosts: Sequence[str], template: str = "{secret}") -> Inject:
    """The host puts the secret into `header` of requests to `hosts`, as `template` says; the plugin never sees it."""
    if "{secret}" not in template:
        raise ValueError(f"inject: the template {template!r} has no '{{secret}}'")
    if isinstance(hosts, str) or not hosts:
        raise TypeError(f"inject: hosts is a list of host names, not {hosts!r}")
    return Inject(header=header, hosts=tuple(hosts), template=template)


Purpose: TypeAlias = Literal["verify", "sign", "read"] | Inject


@dataclass(frozen=True, kw_only=True)
class Secret:
    name: str
    purpose: Purpose
    description: str
    required: bool

    def __post_init__(self) -> None:
        names.identifier("secret", self.name)
        if not isinstance(self.purpose, Inject) and self.purpose not in ("verify", "sign", "read"):
            raise ValueError(f"secret {self.name!r}: the purpose is 'verify', 'sign', 'read' or inject(...), not {self.purpose!r}")

    def describe(self) -> Json:
        purpose: Json = {"purpose": self.purpose}
        if isinstance(self.purpose, Inject):
            purpose = {"purpose": "inject", "inject": self.purpose.describe()}
        return {"name": self.name, **purpose, "description": self.description, "required": self.required}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """`schema` is the JSON Schema of the value."""

    name: str
    schema: Mapping[str, Json]
    required: bool


def setting(name: str, kind: type | Mapping[str, Json], description: str, required: bool, default: Json) -> Setting:
    """Raises TypeError or ValueError for a kind that is none, and for a required setting with a default."""
    if isinstance(kind, type) and kind not in TYPES:
        raise TypeError(f"setting {name!r}: the type is str, int, float, bool or a JSON Schema, not {kind.__name__}")
    if required and default is not None:
        raise ValueError(f"setting {name!r}: either it is required or it has a default")
    schema = dict(kind) if isinstance(kind, Mapping) else {"type": TYPES[kind]}
    schema |= {"description": description} if description else {}
    schema |= {"default": default} if default is not None else {}
    return Setting(name=name, schema=schema, required=required)


@dataclass(frozen=True, kw_only=True)
class Need:
    name: str
    reason: str

    def __post_init__(self) -> None:
        names.capability(self.name)
        if not self.reason:
            raise ValueError(f"capability {self.name!r}: an operator wants a reason")

    def describe(self) -> Json:
        return {"name": self.name, "reason": self.reason}


@dataclass(frozen=True, kw_only=True)
class Channel:
    source: str
    name: str
    description: str
    icon: str

    def __post_init__(self) -> None:
        names.slug("source", self.source)

    def describe(self) -> Json:
        return {key: value for key, value in vars(self).items() if value}
