"""Signatures of webhooks: an HMAC (RFC 2104) over the raw body, and over more where the scheme says so."""

import hmac
import re
from base64 import b64decode, b64encode, urlsafe_b64encode

from host.model import remedies
from host.model.installation import Installation
from host.model.manifest import Verify
from host.model.signature import Signature, Timestamp, parts
from host.web.errors import Refusal
from host.web.head import Head

MOST = 32
"""Parts of a header that is a list. Senders that change secrets send two."""
DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)
DECODED = re.compile(r"%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
"""What HubSpot decodes in a URL before it signs it, and nothing else: `: / ? @ ! $ ' ( ) * , ;`."""
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
UNIT_MS = {"s": 1000, "ms": 1}


def verify(rule: Verify, installation: Installation, head: Head, body: bytes, now_ms: int) -> None:
    """Checks a request's signature; `now_ms` is the host's clock. Fails closed: `Refusal` with 401, whatever is wrong.

    What is wrong stands in the plugin's log; the sender learns only that something is.
    """
    signature = rule.signature
    key = _key(signature, installation, rule.secret)
    listed = _listed(signature, _one(head, signature.header))
    timestamp = _timestamp(signature, signature.timestamp, head, listed, now_ms) if signature.timestamp else ""
    message = _message(signature.signed, head, body, timestamp)
    if not _matches(signature, listed, hmac.digest(key, message, signature.hash)):
        raise _wrong(f"the signature in {signature.header} is not that of the request under the secret {rule.secret}")


def missing_secret(installation: Installation, name: str) -> str:
    """What to do about it. An empty secret is none: anybody could sign with it."""
    command = remedies.set_secret(installation.plugin, name, installation.organization)
    wrong = "does not open any more" if name in installation.secrets.shut else "is not set"
    return f"the secret {name} {wrong}, so nothing can be checked with it; set it with: {command}"


def _key(signature: Signature, installation: Installation, name: str) -> bytes:
    secret = installation.secrets.get(name)
    if not secret:
        raise _wrong(missing_secret(installation, name))
    if signature.key == "text":
        return secret.encode()
    text = secret.removeprefix("whsec_")
    try:
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise _wrong(f"the secret {name} is not in base64, so nothing can be checked with it: take it as the provider shows it")
    return key


def _one(head: Head, name: str) -> str:
    """The header that comes once, on one line. Of two, another reader of the request may see the other one."""
    values = head.values(name.lower())
    if len(values) != 1:
        raise _wrong(f"the header {name} came {len(values)} times; it must come once")
    if CONTROL.search(values[0]):
        raise _wrong(f"the header {name} has a control character in it")
    return values[0]


def _listed(signature: Signature, value: str) -> list[str]:
    """The header's parts; the one that it is, where it is no list."""
    if not signature.separator:
        return [value]
    listed = value.split(signature.separator, MOST)
    if len(listed) > MOST:
        raise _wrong(f"the header {signature.header} has more than {MOST} parts")
    return [part.strip(" \t") for part in listed]


def _timestamp(signature: Signature, rule: Timestamp, head: Head, listed: list[str], now_ms: int) -> str:
    """The digits as they came, once they are within the tolerance. Too far ahead is as wrong as too old: it would be good for longer."""
    beside = rule.header.lower() == signature.header.lower()
    values = [part for part in listed if part.startswith(rule.prefix)] if beside else [_one(head, rule.header)]
    if len(values) != 1:
        raise _wrong(f"the header {rule.header} has {len(values)} parts that begin with {rule.prefix}; it must have one")
    digits = values[0].removeprefix(rule.prefix)
    if not values[0].startswith(rule.prefix) or not DIGITS.fullmatch(digits):
        raise _wrong(f"the timestamp in {rule.header} is not {rule.prefix}<digits>")
    late_ms = now_ms - int(digits) * UNIT_MS[rule.unit]
    if abs(late_ms) > rule.tolerance_s * 1000:
        when = f"{late_ms / 1000:.0f} seconds old" if late_ms > 0 else f"{-late_ms / 1000:.0f} seconds ahead of this host's clock"
        raise _wrong(f"the timestamp in {rule.header} is {when}; {rule.tolerance_s} are allowed")
    return digits


def _message(template: str, head: Head, body: bytes, timestamp: str) -> bytes:
    """The bytes that the sender signed."""
    if template == "{body}":
        return body
    found = parts(template)
    return b"".join(
        [
            body if part.variable == "body" else _text(part.variable, part.text, head, timestamp, following.text if following else "")
            for part, following in zip(found, [*found[1:], None], strict=True)
        ]
    )


def _text(variable: str, text: str, head: Head, timestamp: str, following: str) -> bytes:
    """Of one part of a template. `following` is the text behind it, which a header's value must not have in it.

    With it a sender's bytes could be moved from the header to the body, and the other way round, under the same signature.
    """
    if not variable:
        return text.encode()
    if variable == "header":
        value = _one(head, text)
        if following and following in value:
            raise _wrong(f"the header {text} has {following!r} in it, which ends it where it is signed")
        return value.encode("latin-1")
    texts = {"timestamp": timestamp, "method": head.method, "url": head.url}
    return (_decoded(head.url) if variable == "decoded-url" else texts[variable]).encode("latin-1")


def _decoded(url: str) -> str:
    """As HubSpot signs it. A question mark that is encoded in a path would make it another URL under the same signature."""
    if "%3F" in url.partition("?")[0].upper():
        raise _wrong("the URL has an encoded question mark in its path")
    return DECODED.sub(lambda found: chr(int(found[1], 16)), url)


def _matches(signature: Signature, listed: list[str], right: bytes) -> bool:
    """Whether one part is `right` as it is written, to the last bit of its encoding, in constant time for each."""
    candidates = [part.removeprefix(signature.prefix) for part in listed if part.startswith(signature.prefix)]
    written = [(text, _written(signature, right, text)) for text in candidates]
    like = [(text, wanted) for text, wanted in written if len(text) == len(wanted)]
    if not like:
        raise _wrong(f"the header {signature.header} is not {signature.prefix}<{signature.hash} in {signature.encoding}>")
    return any(hmac.compare_digest(_normal(signature, text), wanted) for text, wanted in like)


def _written(signature: Signature, right: bytes, like: str) -> bytes:
    """The signature as text. Base64 for URLs comes with its padding and without."""
    if signature.encoding == "hex":
        return right.hex().encode()
    if signature.encoding == "base64":
        return b64encode(right)
    return urlsafe_b64encode(right) if like.endswith("=") else urlsafe_b64encode(right).rstrip(b"=")


def _normal(signature: Signature, text: str) -> bytes:
    return text.encode("latin-1").lower() if signature.encoding == "hex" else text.encode("latin-1")


def _wrong(line: str) -> Refusal:
    return Refusal(401, "signature.invalid", "the signature is missing or wrong", line=line)
