"""Signatures of webhooks: an HMAC (RFC 2104) over the raw body."""

import hmac
from base64 import b64decode
from binascii import unhexlify

from host.model import remedies
from host.model.installation import Installation
from host.model.manifest import Verify
from host.web.errors import Refusal


def verify(rule: Verify, installation: Installation, signatures: list[str], body: bytes) -> None:
    """Checks the values of the signature's header. Fails closed: `Refusal` with 401, whatever is wrong.

    What is wrong stands in the plugin's log; the sender learns only that something is.
    """
    secret = installation.secrets.get(rule.secret)
    if not secret:
        raise _wrong(missing_secret(installation, rule.secret))
    if len(signatures) != 1:
        raise _wrong(f"the header {rule.header} came {len(signatures)} times; it must come once")
    given = _decoded(rule, signatures[0])
    if given is None:
        raise _wrong(f"the header {rule.header} is not {rule.prefix}<{rule.hash} in {rule.encoding}>")
    if not hmac.compare_digest(given, hmac.digest(secret.encode(), body, rule.hash)):
        raise _wrong(f"the signature in {rule.header} is not that of the body under the secret {rule.secret}")


def missing_secret(installation: Installation, name: str) -> str:
    """What to do about it. An empty secret is none: anybody could sign with it."""
    command = remedies.set_secret(installation.plugin, name, installation.organization)
    return f"the secret {name} is not set, so nothing can be checked with it; set it with: {command}"


def _decoded(rule: Verify, value: str) -> bytes | None:
    """The signature's bytes, or None. What is not exactly the declared encoding is none: no white space, no missing padding."""
    if not value.startswith(rule.prefix):
        return None
    text = value[len(rule.prefix) :]
    try:
        return unhexlify(text) if rule.encoding == "hex" else b64decode(text, validate=True)
    except ValueError:
        return None


def _wrong(line: str) -> Refusal:
    return Refusal(401, "signature.invalid", "the signature is missing or wrong", line=line)
