"""Signatures of webhooks as declarations: where a signature is, what it is of, and for how long it is good.

Each is an HMAC (RFC 2104) in a header. `SCHEMES` has those of providers under their names; a manifest may spell out any other.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from msgspec import Struct

Hash = Literal["sha1", "sha256", "sha512"]
Encoding = Literal["hex", "base64", "base64url"]


class Timestamp(Struct, frozen=True, kw_only=True):
    """When a request was signed, as digits behind `prefix`: the value of `header`, or a part of it where it is the signature's own.

    `tolerance_s` is by how many seconds it may differ from the host's clock, in both directions.
    """

    header: str
    prefix: str = ""
    unit: Literal["s", "ms"] = "s"
    tolerance_s: int = 300


class Signature(Struct, frozen=True, kw_only=True):
    """`signed` is a template of the bytes that are signed; `parts` has its rules.

    With a `separator` the header is a list: one of its parts that begin with `prefix` must be right, and others are no matter. `key` says
    how the secret is written: as it is, or in base64, perhaps behind `whsec_`.
    """

    header: str = ""
    hash: Hash = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    separator: str = ""
    timestamp: Timestamp | None = None
    signed: str = "{body}"
    key: Literal["text", "base64"] = "text"


SCHEMES = {
    # https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    "standard-webhooks": Signature(
        header="webhook-signature",
        encoding="base64",
        prefix="v1,",
        separator=" ",
        timestamp=Timestamp(header="webhook-timestamp"),
        signed="{header:webhook-id}.{timestamp}.{body}",
        key="base64",
    ),
    # https://docs.stripe.com/webhooks/signature
    "stripe": Signature(
        header="Stripe-Signature",
        prefix="v1=",
        separator=",",
        timestamp=Timestamp(header="Stripe-Signature", prefix="t="),
        signed="{timestamp}.{body}",
    ),
    # https://docs.slack.dev/authentication/verifying-requests-from-slack
    "slack": Signature(
        header="X-Slack-Signature", prefix="v0=", timestamp=Timestamp(header="X-Slack-Request-Timestamp"), signed="v0:{timestamp}:{body}"
    ),
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    "github": Signature(header="X-Hub-Signature-256", prefix="sha256="),
    # https://shopify.dev/docs/apps/build/webhooks/subscribe/https
    "shopify": Signature(header="X-Shopify-Hmac-SHA256", encoding="base64"),
    # https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
    "hubspot-v3": Signature(
        header="X-HubSpot-Signature-v3",
        encoding="base64",
        timestamp=Timestamp(header="X-HubSpot-Request-Timestamp", unit="ms"),
        signed="{method}{decoded-url}{body}{timestamp}",
    ),
}
"""By the names that a manifest may give."""

VARIABLES = ("body", "timestamp", "method", "url", "decoded-url")
HEADER = re.compile(r"header:([A-Za-z0-9!#$%&'*+.^_`|~-]{1,100})")
SPLIT = re.compile(r"\{([^{}]*)\}")


class Part(NamedTuple):
    """A text as it is, or a variable: one of `VARIABLES`, or `header` with the header's name in lower case."""

    text: str
    variable: str = ""


@lru_cache(maxsize=1024)
def parts(template: str) -> tuple[Part, ...]:
    """What a template like `v0:{timestamp}:{body}` is made of. Raises ValueError, with a sentence, where it is none.

    `{body}` is the raw body, and must be there, since a signature that leaves it out says nothing about it. `{url}` is the URL as the
    sender saw it, `{decoded-url}` the same with the percent-encodings decoded that HubSpot decodes, `{header:NAME}` a header's value.
    """
    texts_and_names = SPLIT.split(template)
    for text in texts_and_names[::2]:
        if "{" in text or "}" in text:
            raise ValueError(f"a brace without its other half, or one in another, in {template!r}")
    found = tuple(_parts(texts_and_names))
    if sum(part.variable == "body" for part in found) != 1:
        raise ValueError("must have {body} in it, once")
    return found


def faults(signature: Signature) -> Iterator[tuple[str, str]]:
    """What no schema can say: the property that is wrong, and how."""
    try:
        timed = any(part.variable == "timestamp" for part in parts(signature.signed))
    except ValueError as error:
        yield "signed", str(error)
        return
    if timed and signature.timestamp is None:
        yield "signed", "has {timestamp} in it, and no timestamp is declared"
    if signature.timestamp and not timed:
        yield "signed", "must have {timestamp} in it: anybody can change a timestamp that is not signed"
    if signature.separator and signature.separator in signature.prefix:
        yield "prefix", f"has the separator {signature.separator!r} in it"
    if signature.timestamp and signature.timestamp.header.lower() == signature.header.lower():
        yield from _beside(signature, signature.timestamp)


def _parts(texts_and_names: list[str]) -> Iterator[Part]:
    for number, text in enumerate(texts_and_names):
        if number % 2 == 0:
            if text:
                yield Part(text)
        elif header := HEADER.fullmatch(text):
            yield Part(header[1].lower(), "header")
        elif text in VARIABLES:
            yield Part("", text)
        else:
            known = ", ".join(f"{{{name}}}" for name in (*VARIABLES, "header:NAME"))
            raise ValueError(f"does not know {{{text}}}, but {known}")


def _beside(signature: Signature, timestamp: Timestamp) -> Iterator[tuple[str, str]]:
    """A timestamp in the signature's own header must be told from it."""
    if not signature.separator:
        yield "timestamp", "is in the signature's header, so this needs a separator"
    elif not timestamp.prefix or not signature.prefix or timestamp.prefix.startswith(signature.prefix):
        yield "timestamp", "is in the signature's header, so both need prefixes that tell them apart"
