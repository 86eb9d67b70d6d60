"""Who may call a route: each route says one of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from plugin_sdk_py.text import Json

__all__ = [
    "Auth",
    "Challenge",
    "Hmac",
    "Public",
    "Scheme",
    "Token",
    "challenge",
    "github",
    "hmac",
    "hubspot",
    "public",
    "shopify",
    "slack",
    "standard_webhooks",
    "stripe",
    "token",
]


@dataclass(frozen=True)
class Public:
    def describe(self) -> Json:
        return {"type": "public"}


@dataclass(frozen=True)
class Token:
    def describe(self) -> Json:
        return {"type": "token"}


@dataclass(frozen=True, kw_only=True)
class Hmac:
    secret: str
    header: str
    hash: Literal["sha1", "sha256", "sha512"]
    encoding: Literal["hex", "base64", "base64url"]
    prefix: str
    separator: Literal[",", ";", " "] | None
    timestamp: Mapping[str, Json] | None
    signed: str | None
    key: Literal["text", "base64"] | None

    def describe(self) -> Json:
        return {"type": "verify", **{name: value for name, value in vars(self).items() if value is not None}}


@dataclass(frozen=True, kw_only=True)
class Scheme:
    scheme: str
    secret: str

    def describe(self) -> Json:
        return {"type": "verify", **vars(self)}


@dataclass(frozen=True, kw_only=True)
class Challenge:
    secret: str
    token_parameter: str
    challenge_parameter: str
    expect: dict[str, str] = field(default_factory=dict)

    def describe(self) -> Json:
        return dict(vars(self))


Auth: TypeAlias = Public | Token | Hmac | Scheme


def public() -> Public:
    """Anybody may call the route, if an operator consents to public routes."""
    return Public()


def token() -> Token:
    """Only with a bearer token of the operator API for this organisation."""
    return Token()


def hmac(
    *,
    secret: str,
    header: str,
    hash: Literal["sha1", "sha256", "sha512"] = "sha256",
    encoding: Literal["hex", "base64", "base64url"] = "hex",
    prefix: str = "",
    separator: Literal[",", ";", " "] | None = None,
    signed: str | None = None,
    timestamp: str | None = None,
    timestamp_prefix: str = "",
    timestamp_unit: Literal["s", "ms"] = "s",
    tolerance_s: int = 300,
    key: Literal["text", "base64"] | None = None,
) -> Hmac:
    """Only with `header` holding `prefix` and the HMAC of the raw body under the secret of that name. The host checks it.

    With a `separator` the header is a list, and one of its parts that begin with `prefix` must be right. `signed` is a template of what is
    signed, such as `{timestamp}.{body}`; besides these two it knows `{method}`, `{url}`, `{decoded-url}` and `{header:NAME}`. `timestamp`
    is the header with the time of signing, which may differ from the host's clock by `tolerance_s` seconds. With key `base64` the secret
    is written in base64.
    """
    when = {"header": timestamp, "prefix": timestamp_prefix, "unit": timestamp_unit, "tolerance_s": tolerance_s}
    return Hmac(
        secret=secret,
        header=header,
        hash=hash,
        encoding=encoding,
        prefix=prefix,
        separator=separator,
        timestamp=when if timestamp else None,
        signed=signed,
        key=key,
    )


def standard_webhooks(*, secret: str) -> Scheme:
    """Only signed as standardwebhooks.com says. The secret is what the sender shows, `whsec_` and base64."""
    return Scheme(scheme="standard-webhooks", secret=secret)


def stripe(*, secret: str) -> Scheme:
    """Only signed by Stripe. The secret is the endpoint's signing secret, with its `whsec_`."""
    return Scheme(scheme="stripe", secret=secret)


def slack(*, secret: str) -> Scheme:
    """Only signed by Slack. The secret is the app's signing secret."""
    return Scheme(scheme="slack", secret=secret)


def github(*, secret: str) -> Scheme:
    """Only signed by GitHub. The secret is the webhook's."""
    return Scheme(scheme="github", secret=secret)


def shopify(*, secret: str) -> Scheme:
    """Only signed by Shopify. The secret is the app's client secret."""
    return Scheme(scheme="shopify", secret=secret)


def hubspot(*, secret: str) -> Scheme:
    """Only signed by HubSpot, version 3. The secret is the app's client secret; the URL is signed too, so the host must know its own."""
    return Scheme(scheme="hubspot-v3", secret=secret)


def challenge(*, secret: str, token_parameter: str, challenge_parameter: str, expect: dict[str, str] | None = None) -> Challenge:
    """A GET handshake that the host answers without the plugin.

    The query parameter `token_parameter` must be the secret of that name and those in `expect` must have their values; the answer is the
    value of `challenge_parameter`.
    """
    return Challenge(secret=secret, token_parameter=token_parameter, challenge_parameter=challenge_parameter, expect=expect or {})
