"""The interface `secrets`: use of secrets, mostly without seeing them."""

import hmac as rfc2104
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable

from host.capabilities.invocation import Invocation
from host.capabilities.registry import function
from host.model.case import Case
from host.model.errors import HostError, not_found
from host.model.payload import from_payload

ENCODINGS: dict[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "base64": lambda digest: b64encode(digest).decode(),
    "base64url": lambda digest: urlsafe_b64encode(digest).decode(),
}
"""Both kinds of base64 are padded (RFC 4648, sections 4 and 5)."""


def _grant(name: str, *_: object) -> str:
    return f"secrets:{name}"


@function("secrets", "exists")
def exists(invocation: Invocation, name: str) -> bool:
    """A secret that the manifest does not declare does not exist, whatever is set: a guest learns nothing of others."""
    installation = invocation.installation
    return installation.manifest.secret(name) is not None and name in installation.secrets


@function("secrets", "hmac", grant=_grant)
def hmac(invocation: Invocation, name: str, hash: str, data: Case, encoding: str) -> str:
    """The digest of the payload's bytes, computed by OpenSSL, whose work depends on the data's length alone."""
    secret = _secret(invocation, name, "sign")
    return ENCODINGS[encoding](rfc2104.digest(secret.encode(), from_payload(data), hash))


@function("secrets", "read", grant=_grant)
def read(invocation: Invocation, name: str) -> str:
    return _secret(invocation, name, "read")


def _secret(invocation: Invocation, name: str, purpose: str) -> str:
    """The value, for a purpose. Raises `HostError` `denied` for another purpose, `not-found` when it is not set."""
    declared = invocation.installation.manifest.secret(name)
    if declared is None:
        raise not_found("secret", name)
    if declared.purpose != purpose:
        raise HostError("denied", f"the manifest gives secret {name!r} the purpose {declared.purpose!r}, and this takes {purpose!r}")
    value = invocation.installation.secrets.get(name)
    if value is None:
        raise not_found("secret", name)
    return value
