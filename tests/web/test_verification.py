"""Signatures: checked over the raw bytes, and refused whatever is wrong."""

import hmac
import time
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from host.model.options import HostOptions
from tests.guests_wat import Report, manifest, plugin
from tests.web.signing import PUBLISHED, STANDARD_WEBHOOKS, STRIPE
from tests.web.site import SECRETS, Site, a_site

ANY = "/v1/orgs/acme/plugins/probe/any"
WEBHOOK = "/v1/orgs/acme/plugins/probe/webhook"
BASE64 = "/v1/orgs/acme/plugins/probe/base64"
BODY = b'{ "n" : 1 }'
RIGHT = hmac.digest(b"s3cret", BODY, "sha256").hex()


async def test_a_right_signature_reaches_the_guest_as_verified(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", WEBHOOK, headers=[("X-Signature", f"sha256={RIGHT}")], body=BODY)
        upper = await site.ask("POST", WEBHOOK, headers=[("x-signature", f"sha256={RIGHT.upper()}")], body=BODY)
        open_route = await site.ask("POST", "/v1/orgs/acme/plugins/probe/open", body=BODY)

    assert (reply.told.verified, reply.told.body) == (True, BODY.decode())
    assert upper.told.verified
    assert not open_route.told.verified


async def test_the_known_example_of_rfc_4231_verifies(tmp_path: Path) -> None:
    body = b"what do ya want for nothing?"
    signature = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    async with a_site(tmp_path, secrets={**SECRETS, "app_secret": "Jefe"}) as site:
        reply = await site.ask("POST", ANY, headers=[("x-signature", f"sha256={signature}")], body=body)

    assert reply.told.verified


async def test_another_hash_and_encoding_without_a_prefix_verify_too(tmp_path: Path) -> None:
    signature = b64encode(hmac.digest(b"s3cret", BODY, "sha1")).decode()
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", BASE64, headers=[("x-signature", signature)], body=BODY)
        unpadded = await site.ask("POST", BASE64, headers=[("x-signature", signature.rstrip("="))], body=BODY)
        hexadecimal = await site.ask("POST", BASE64, headers=[("x-signature", hmac.digest(b"s3cret", BODY, "sha1").hex())], body=BODY)

    assert reply.told.verified
    assert (unpadded.status, hexadecimal.status) == (401, 401)


@pytest.mark.promise("signatures.fail-closed")
@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["sha256="],
        [RIGHT],
        [f"SHA256={RIGHT}"],
        [f"sha1={RIGHT}"],
        [f"sha256= {RIGHT}"],
        [f"sha256={RIGHT} "],
        [f"sha256={RIGHT[:-1]}"],
        [f"sha256={RIGHT[:-2]}"],
        [f"sha256={RIGHT[:2]}"],
        [f"sha256={RIGHT}00"],
        [f"sha256={RIGHT[:32]} {RIGHT[32:]}"],
        [f"sha256={'0' * 64}"],
        [f"sha256={RIGHT[:-1]}g"],
        [f"sha256={RIGHT[:-1]}é"],
        ["sha256=" + "é" * 64],
        ["sha256=" + "0" * 60_000],
        [f"sha256={RIGHT}", f"sha256={RIGHT}"],
        [f"sha256={'0' * 64}", f"sha256={RIGHT}"],
        [f"sha256={RIGHT}, sha256={RIGHT}"],
        [f"sha256={hmac.digest(b's3cret', BODY + b' ', 'sha256').hex()}"],
        [f"sha256={hmac.digest(b'', BODY, 'sha256').hex()}"],
    ],
)
async def test_whatever_else_is_in_the_header_is_401_and_nothing_runs(tmp_path: Path, values: list[str]) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", WEBHOOK, headers=[("x-signature", value) for value in values], body=BODY)
        records = site.records()

    assert (reply.status, reply.code) == (401, "signature.invalid")
    assert [(record.outcome, record.status, record.runs, record.error_code) for record in records] == [
        ("refused", 401, 0, "signature.invalid")
    ]
    assert len(records[0].log) == 1


async def test_the_sender_is_not_told_what_is_wrong_and_the_log_is(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        missing = await site.ask("POST", ANY, body=BODY)
        wrong = await site.ask("POST", ANY, headers=[("x-signature", f"sha256={'0' * 64}")], body=BODY)
        lines = [record.log[0].message for record in site.records()]

    assert missing.json["error"]["message"] == wrong.json["error"]["message"]
    assert "came 0 times" in lines[0]
    assert "under the secret app_secret" in lines[1]
    assert not any("s3cret" in line or RIGHT in line for line in lines)


async def test_an_empty_body_has_a_signature_too(tmp_path: Path) -> None:
    right = hmac.digest(b"s3cret", b"", "sha256").hex()
    async with a_site(tmp_path) as site:
        accepted = await site.ask("POST", ANY, headers=[("x-signature", f"sha256={right}")])
        replayed = await site.ask("POST", ANY, headers=[("x-signature", f"sha256={right}")], body=b"{}")
        malformed = await site.ask("POST", WEBHOOK, headers=[("x-signature", f"sha256={right}")])

    assert (accepted.told.verified, accepted.told.body) == (True, "")
    assert replayed.status == 401
    assert (malformed.status, malformed.code) == (400, "body.malformed")


async def test_the_signature_is_checked_before_the_json(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", WEBHOOK, body=b"{")

    assert reply.status == 401


@pytest.mark.promise("signatures.fail-closed")
@pytest.mark.parametrize("secrets", [{}, {"app_secret": ""}])
async def test_without_the_secret_nothing_verifies_and_the_log_says_what_to_set(tmp_path: Path, secrets: dict[str, str]) -> None:
    with_empty_key = hmac.digest(b"", BODY, "sha256").hex()
    async with a_site(tmp_path, secrets=secrets) as site:
        reply = await site.ask("POST", ANY, headers=[("x-signature", f"sha256={with_empty_key}")], body=BODY)
        record = site.records()[0]

    assert (reply.status, reply.code) == (401, "signature.invalid")
    assert "app_secret" not in reply.body.decode()
    assert record.log[0].level == "warn"
    assert "innkeeper secrets set probe app_secret --org acme" in record.log[0].message


SCHEMES = ["hubspot-v3", "stripe", "standard-webhooks", "github"]
SIGNED = [
    *({"name": scheme, "path": f"/{scheme}", "auth": {"type": "verify", "scheme": scheme, "secret": scheme}} for scheme in SCHEMES),
    {"name": "other", "path": "/hubspot-v3/other", "auth": {"type": "verify", "scheme": "hubspot-v3", "secret": "hubspot-v3"}},
    {
        "name": "asked",
        "path": "/asked",
        "auth": {"type": "verify", "scheme": "hubspot-v3", "secret": "hubspot-v3"},
        "methods": ["GET", "PUT"],
    },
]
OF_SCHEMES = {scheme: PUBLISHED[scheme].secret for scheme in SCHEMES}
BASE = "/v1/orgs/acme/plugins/probe"


def schemes() -> bytes:
    """A plugin with a route for each of some schemes."""
    secrets = [{"name": scheme, "purpose": "verify"} for scheme in SCHEMES]
    return plugin(manifest(*SIGNED, secrets=secrets), Report())


def hubspot(url: str, method: str = "POST", body: bytes = BODY, at_ms: int | None = None) -> list[tuple[str, str]]:
    at = str(time.time_ns() // 1_000_000 if at_ms is None else at_ms)
    right = hmac.new(OF_SCHEMES["hubspot-v3"].encode(), method.encode() + url.encode() + body + at.encode(), "sha256").digest()
    return [("X-HubSpot-Signature-v3", b64encode(right).decode()), ("X-HubSpot-Request-Timestamp", at)]


async def test_each_scheme_reaches_the_guest_as_verified(tmp_path: Path) -> None:
    now = int(time.time())
    stripe = hmac.new(STRIPE.secret.encode(), f"{now}.".encode() + BODY, "sha256").hexdigest()
    standard = Webhook(STANDARD_WEBHOOKS.secret)
    headers: dict[str, Any] = {
        "hubspot-v3": hubspot(f"http://testserver{BASE}/hubspot-v3"),
        "stripe": [("Stripe-Signature", f"t={now},v1={'0' * 64},v1={stripe}")],
        "standard-webhooks": [
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", str(now)),
            ("webhook-signature", standard.sign("msg_1", datetime.fromtimestamp(now, UTC), BODY.decode())),
        ],
        "github": [("X-Hub-Signature-256", "sha256=" + hmac.new(OF_SCHEMES["github"].encode(), BODY, "sha256").hexdigest())],
    }
    async with a_site(tmp_path, schemes(), secrets=OF_SCHEMES) as site:
        told = [(await site.ask("POST", f"{BASE}/{scheme}", headers=headers[scheme], body=BODY)).told for scheme in SCHEMES]

    assert [(each.route, each.verified, each.body) for each in told] == [(scheme, True, BODY.decode()) for scheme in SCHEMES]


@pytest.mark.promise("signatures.time-window")
@pytest.mark.parametrize("scheme", ["hubspot-v3", "stripe", "standard-webhooks"])
async def test_what_was_right_years_ago_is_refused_by_the_host_s_clock(tmp_path: Path, scheme: str) -> None:
    published = PUBLISHED[scheme]
    async with a_site(tmp_path, schemes(), options=HostOptions(public_url="https://www.example.com"), secrets=OF_SCHEMES) as site:
        reply = await site.ask("POST", f"{BASE}/{scheme}", headers=published.headers, body=published.body)
        record = site.records()[0]

    assert (reply.status, reply.code) == (401, "signature.invalid")
    assert "seconds old; 300 are allowed" in record.log[0].message


async def refused(site: Site, target: str, headers: list[tuple[str, str]], host: str = "testserver", method: str = "POST") -> bool:
    reply = await site.ask(method, target, headers=headers, body=BODY, host=host)
    return (reply.status, reply.code) == (401, "signature.invalid")


@pytest.mark.promise("signatures.fail-closed")
async def test_a_signature_of_a_url_is_good_for_no_other_route_query_host_or_method(tmp_path: Path) -> None:
    right = hubspot(f"http://testserver{BASE}/hubspot-v3?a=1&b=2")
    async with a_site(tmp_path, schemes(), secrets=OF_SCHEMES) as site:
        told = (await site.ask("POST", f"{BASE}/hubspot-v3?a=1&b=2", headers=right, body=BODY)).told
        others = [
            await refused(site, f"{BASE}/hubspot-v3/other?a=1&b=2", right),
            await refused(site, f"{BASE}/hubspot-v3", right),
            await refused(site, f"{BASE}/hubspot-v3?b=2&a=1", right),
            await refused(site, f"{BASE}/hubspot-v3?a=1&b=2&organizationId=acme", right),
            await refused(site, f"{BASE}/%68ubspot-v3?a=1&b=2", right),
            await refused(site, "/v1/plugins/probe/hubspot-v3?a=1&b=2", [*right, ("x-organization-id", "acme")]),
            await refused(site, f"{BASE}/hubspot-v3?a=1&b=2", right, host="evil.example"),
            await refused(site, f"{BASE}/hubspot-v3?a=1&b=2", [*right, right[0]]),
            await refused(site, f"{BASE}/hubspot-v3?a=1&b=2", [*right, right[1]]),
            await refused(site, f"{BASE}/asked", hubspot(f"http://testserver{BASE}/asked", "GET"), method="PUT"),
        ]

    assert told.verified
    assert others == [True] * len(others)


async def test_the_method_that_is_signed_is_the_sender_s(tmp_path: Path) -> None:
    async with a_site(tmp_path, schemes(), secrets=OF_SCHEMES) as site:
        head = await site.ask("HEAD", f"{BASE}/asked", headers=hubspot(f"http://testserver{BASE}/asked", "HEAD", b""))
        as_get = await site.ask("HEAD", f"{BASE}/asked", headers=hubspot(f"http://testserver{BASE}/asked", "GET", b""))

    assert (head.status, as_get.status) == (200, 401)


async def test_the_url_that_is_signed_is_the_public_one(tmp_path: Path) -> None:
    target = f"{BASE}/hubspot-v3?at=10%3A30&c=%2Fx%20y"
    seen = "https://example.com/in" + target.replace("%3A", ":").replace("%2F", "/")
    async with a_site(
        tmp_path, schemes(), options=HostOptions(public_url="https://example.com/in", base_domain="example.org"), secrets=OF_SCHEMES
    ) as site:
        public = await site.ask("POST", target, headers=hubspot(seen), body=BODY, host="10.0.0.7:8080")
        own = await site.ask(
            "POST", target, headers=hubspot(seen.replace("example.com", "acme.example.org")), body=BODY, host="acme.example.org"
        )
        internal = await refused(site, target, hubspot(f"http://10.0.0.7:8080{target}"), host="10.0.0.7:8080")
        forwarded = await refused(
            site,
            target,
            [*hubspot(seen.replace("example.com", "evil.example")), ("x-forwarded-host", "evil.example")],
            host="10.0.0.7:8080",
        )

    assert (public.told.verified, public.told.url) == (True, f"https://example.com/in{target}")
    assert (own.told.verified, own.told.url) == (True, f"https://acme.example.org/in{target}")
    assert internal
    assert forwarded


@pytest.mark.promise("signatures.fail-closed")
async def test_giant_and_malformed_headers_of_signatures_are_refused_as_any_other(tmp_path: Path) -> None:
    values = ["," * 60_000, "t=1," * 15_000, "v1=" + "0" * 60_000, "t=" + "9" * 60_000 + ",v1=0", "\x00", "t=1,v1=\xff", "=,=,=", ""]
    async with a_site(tmp_path, schemes(), secrets=OF_SCHEMES) as site:
        refusals = [await refused(site, f"{BASE}/stripe", [("stripe-signature", value)]) for value in values]
        too_large = await site.ask("POST", f"{BASE}/stripe", headers=[("stripe-signature", "x" * 70_000)])
        runs = [record.runs for record in site.records()]

    assert refusals == [True] * len(values)
    assert too_large.status == 431
    assert runs == [0] * len(values)
