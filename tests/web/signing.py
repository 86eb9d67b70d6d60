"""Requests that were signed, as their providers or their libraries publish them, and a host that checks them at any time."""

from dataclasses import dataclass, replace
from typing import Any

from msgspec import convert

from host.model.installation import Installation, Secrets
from host.model.limits import Limits
from host.model.manifest import Manifest, Verify
from host.web.errors import Refusal
from host.web.head import Head
from host.web.verification import verify

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Signed:
    """A request, the declaration and secret that it is checked with, and when it was signed. `source` says where it is published."""

    auth: dict[str, Any]
    secret: str
    headers: Pairs
    body: bytes
    at_ms: int = 0
    method: str = "POST"
    url: str = "https://example.com/webhook"
    source: str = ""

    def with_header(self, name: str, value: str) -> "Signed":
        """The same with another value, once."""
        return replace(self, headers=(*(header for header in self.headers if header[0].lower() != name.lower()), (name, value)))

    def without_header(self, name: str) -> "Signed":
        return replace(self, headers=tuple(header for header in self.headers if header[0].lower() != name.lower()))

    def problem(self, now_ms: int | None = None) -> str | None:
        """What the plugin's log says is wrong; None where it verifies. By default the host's clock says what the sender's did."""
        rule = convert({"type": "verify", "secret": "key", **self.auth}, Verify)
        manifest = Manifest(name="probe", version="1.0.0", description="A plugin for tests")
        installation = Installation(
            organization="acme", plugin="probe", digest="", manifest=manifest, settings="{}", grants=frozenset(),
            secrets=Secrets({"key": self.secret}), limits=Limits(),
        )  # fmt: skip
        headers = [(name.lower(), value) for name, value in self.headers]
        head = Head(self.method, None, None, "probe", ["webhook"], self.url, [], headers)
        try:
            verify(rule, installation, head, self.body, self.at_ms if now_ms is None else now_ms)
        except Refusal as refusal:
            return told(refusal)
        return None


def told(refusal: Refusal) -> str:
    """What the log says, once it is certain that the sender learns nothing."""
    assert (refusal.status, refusal.code, refusal.message) == (401, "signature.invalid", "the signature is missing or wrong")
    assert refusal.line
    assert len(refusal.line) < 500
    return refusal.line


GITHUB = Signed(
    source="https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation",
    auth={"scheme": "github"},
    secret="It's a Secret to Everybody",
    headers=(("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),),
    body=b"Hello, World!",
)
STANDARD_WEBHOOKS = Signed(
    source="https://github.com/standard-webhooks/standard-webhooks, the vector that the tests of its reference libraries share",
    auth={"scheme": "standard-webhooks"},
    secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    headers=(
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ),
    body=b'{"test": 2432232314}',
    at_ms=1_614_265_330_000,
)
SLACK = Signed(
    source="https://docs.slack.dev/authentication/verifying-requests-from-slack",
    auth={"scheme": "slack"},
    secret="8f742231b10e8888abcd99yyyzzz85a5",
    headers=(
        ("X-Slack-Request-Timestamp", "1531420618"),
        ("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
    ),
    body=b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
    b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
    at_ms=1_531_420_618_000,
)
STRIPE = Signed(
    source="https://github.com/stripe/stripe-dotnet, src/StripeTests/Services/Events/EventUtilityTest.cs and event_test_signature.json",
    auth={"scheme": "stripe"},
    secret="webhook_secret",
    headers=(
        (
            "Stripe-Signature",
            "t=1533204620,v1=2220f87ef101a04665f11cdf770523143f875572008577fa0f20882ddb9cc3c7,"
            "v0=63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef",
        ),
    ),
    body=b"""{
  "id": "evt_123",
  "object": "event",
  "account": "acct_123",
  "api_version": "2017-05-25",
  "created": 1533204620,
  "data": {
    "object": {
      "id": "cus_123",
      "object": "customer",
      "created": 123456789,
      "email": "test@stripe.com",
      "livemode": false,
      "metadata": {}
    }
  },
  "livemode": false,
  "pending_webhooks": 1,
  "request": {
    "id": "req_123",
    "idempotency_key": "idempotency-key-123"
  },
  "type": "customer.created"
}
""",
    at_ms=1_533_204_620_000,
)
HUBSPOT = Signed(
    source="https://github.com/HubSpot/hubspot-api-python, tests/spec/utils/test_signature.py",
    auth={"scheme": "hubspot-v3"},
    secret="yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
    headers=(
        ("X-HubSpot-Request-Timestamp", "1693657560000"),
        ("X-HubSpot-Signature-v3", "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="),
    ),
    body=b"{'example_field':'example_value'}",
    at_ms=1_693_657_560_000,
    url="https://www.example.com/webhook_uri",
)
HUBSPOT_LATER = replace(
    HUBSPOT,
    source="https://github.com/HubSpot/hubspot-api-ruby, spec/helpers/signature_spec.rb",
    headers=(
        ("X-HubSpot-Request-Timestamp", "1700000300000"),
        ("X-HubSpot-Signature-v3", "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw="),
    ),
    at_ms=1_700_000_300_000,
)
SHOPIFY = Signed(
    source="none: Shopify publishes the algorithm and no signature; this one is from `openssl dgst -sha256 -hmac hush -binary | base64`",
    auth={"scheme": "shopify"},
    secret="hush",
    headers=(("X-Shopify-Hmac-Sha256", "D0UMXmhjwBRi4y66TmhJrDlhQABD7zI2fm3p6/QLMo8="),),
    body=b'{"id":820982911946154508,"email":"jon@example.com"}',
)
PUBLISHED = {
    "github": GITHUB,
    "standard-webhooks": STANDARD_WEBHOOKS,
    "slack": SLACK,
    "stripe": STRIPE,
    "hubspot-v3": HUBSPOT,
    "hubspot-v3-later": HUBSPOT_LATER,
    "shopify": SHOPIFY,
}
