"""Who may call a route: each route says one of these."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from plugin_sdk_py.text import Json

__all__ = ["Auth", "Challenge", "Hmac", "Public", "Token", "challenge", "hmac", "public", "token"]


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
    encoding: Literal["hex", "base64"]
    prefix: str

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


Auth: TypeAlias = Public | Token | Hmac


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
    encoding: Literal["hex", "base64"] = "hex",
    prefix: str = "",
) -> Hmac:
    """Only with `header` holding `prefix` and the HMAC of the raw body under the secret of that name. The host checks it."""
    return Hmac(secret=secret, header=header, hash=hash, encoding=encoding, prefix=prefix)


def challenge(*, secret: str, token_parameter: str, challenge_parameter: str, expect: dict[str, str] | None = None) -> Challenge:
    """A GET handshake that the host answers without the plugin.

    The query parameter `token_parameter` must be the secret of that name and those in `expect` must have their values; the answer is the
    value of `challenge_parameter`.
    """
    return Challenge(secret=secret, token_parameter=token_parameter, challenge_parameter=challenge_parameter, expect=expect or {})
