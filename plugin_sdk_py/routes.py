"""Routes: a path, who may call it, and the handler."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from plugin_sdk_py import names
from plugin_sdk_py.auth import Auth, Challenge, Hmac, Public, Scheme, Token
from plugin_sdk_py.dedupe import Dedupe
from plugin_sdk_py.request import Request
from plugin_sdk_py.response import Answer
from plugin_sdk_py.text import Json

__all__ = ["METHODS", "Handler", "Route"]

Handler: TypeAlias = Callable[[Request], Answer]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PATH = re.compile(r"/|(/([A-Za-z0-9._~!$&'()*+,;=:@%-]+|\{[a-z][a-z0-9_]*\}))+")
TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/(\*|[a-z0-9!#$&^_.+-]+)")


@dataclass(frozen=True, kw_only=True)
class Route:
    name: str
    path: str
    methods: tuple[str, ...]
    auth: Auth
    mode: Literal["sync", "queued"]
    content_types: tuple[str, ...]
    body: Literal["any", "json"]
    challenge: Challenge | None
    dedupe: Dedupe | None
    description: str
    handler: Handler

    def __post_init__(self) -> None:
        """Raises TypeError or ValueError for what the manifest can't say."""
        names.identifier("route", self.name)
        if not PATH.fullmatch(self.path):
            raise ValueError(f"route {self.name!r}: {self.path!r} is no path: '/' first, then segments, each plain or a '{{name}}'")
        if not self.methods or not set(self.methods) <= set(METHODS):
            raise ValueError(f"route {self.name!r}: methods are one or more of {', '.join(METHODS)}, not {list(self.methods)!r}")
        if not isinstance(self.auth, (Public, Token, Hmac, Scheme)):
            raise TypeError(
                f"route {self.name!r}: auth is public(), token(), hmac(...) or a provider's, such as stripe(...), not {self.auth!r}"
            )
        if not all(TYPE.fullmatch(each) for each in self.content_types):
            raise ValueError(f"route {self.name!r}: content_types are media types in lower case, not {list(self.content_types)!r}")
        if self.challenge and "GET" in self.methods:
            raise ValueError(f"route {self.name!r}: GET belongs to the challenge, which the host answers")
        if self.dedupe and not isinstance(self.auth, (Hmac, Scheme)):
            raise ValueError(f"route {self.name!r}: only a route whose signature the host checks can dedupe")
        names.plain_function("route", self.name, self.handler)

    def describe(self) -> Json:
        return {
            "name": self.name,
            "path": self.path,
            "methods": list(self.methods),
            "auth": self.auth.describe(),
            "mode": self.mode,
            **({"content_types": list(self.content_types)} if self.content_types else {}),
            "body": self.body,
            **({"challenge": self.challenge.describe()} if self.challenge else {}),
            **({"dedupe": self.dedupe.describe()} if self.dedupe else {}),
            "description": self.description,
        }

    def secrets(self) -> list[str]:
        """The names of the secrets that the host needs before it lets a request in."""
        return [part.secret for part in (self.auth, self.challenge) if isinstance(part, (Hmac, Scheme, Challenge))]
