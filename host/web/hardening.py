"""What of a plugin's answer goes out, so that no plugin's page acts as the console, which has the same origin.

Headers pass by a list of those that say something about this one answer. Most others speak for the whole origin: they set cookies, clear
its data, open it to other origins, keep it on HTTPS, move it to another server, ask browsers for reports about it, register service
workers, ask for a password in its name. Browsers keep learning new ones, so a list of the harmless holds longer than one of the harmful.
`X-` and `Webhook-` headers pass too, since senders of webhooks wait for theirs (`X-Hook-Secret`, `WebHook-Allowed-Origin`), but for those
that browsers or proxies in front of us obey. Lengths, connections, dates and servers are the server's own business.
"""

import re
from dataclasses import replace

from host.runtime.receipt import Answer

PASSED = frozenset(
    {
        "accept-ranges",
        "age",
        "allow",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-range",
        "content-type",
        "deprecation",
        "etag",
        "expires",
        "last-modified",
        "location",
        "ratelimit",
        "ratelimit-limit",
        "ratelimit-policy",
        "ratelimit-remaining",
        "ratelimit-reset",
        "retry-after",
        "sunset",
        "vary",
    }
)

PREFIXES = ("x-", "webhook-")

OBEYED = (
    "x-accel-",  # nginx sends files of its own for X-Accel-Redirect
    "x-envoy-",  # Envoy takes a host out of service for X-Envoy-Immediate-Health-Check-Fail
    "x-sendfile",
    "x-lighttpd-",
    "x-litespeed-",
    "x-reproxy-",
    "x-content-type-options",
    "x-content-security-policy",
    "x-webkit-csp",
    "x-dns-prefetch-control",
    "x-download-options",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "x-ua-compatible",
    "x-xss-protection",
)
"""Beginnings of X- headers that browsers or proxies obey."""

RELATION = re.compile(r"""rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))""", re.IGNORECASE)
RELATIONS = frozenset(
    {
        "alternate",
        "author",
        "canonical",
        "collection",
        "describedby",
        "first",
        "hub",
        "item",
        "last",
        "license",
        "next",
        "prev",
        "previous",
        "related",
        "self",
        "service-desc",
        "service-doc",
        "status",
        "up",
    }
)
"""Of links that only programs follow. Browsers fetch others by themselves (preload, stylesheet), or connect for them (preconnect)."""

REPLAYED = ("idempotent-replayed", "true")
"""Tells a sender that it had this answer before."""

PROTECTION = [
    (b"content-security-policy", b"sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"x-organization-id"),
]
"""On every answer. A page in a sandbox has an origin of its own: no cookies, no storage, no requests in the console's name, no scripts.
A cache in front of us keeps the answers apart of organisations that are named in a header."""


def passed(answer: Answer) -> Answer:
    """The same answer with the headers that go out."""
    headers = [header for header in answer.headers if _passes(*header)]
    return replace(answer, headers=[*headers, REPLAYED] if answer.replayed else headers)


def _passes(name: str, value: str) -> bool:
    if name == "link":
        return _only_for_programs(value)
    return name in PASSED or (name.startswith(PREFIXES) and not name.startswith(OBEYED))


def _only_for_programs(links: str) -> bool:
    relations = {relation for quoted, plain in RELATION.findall(links) for relation in (quoted or plain).lower().split()}
    return bool(relations) and relations <= RELATIONS
