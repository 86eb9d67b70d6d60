"""Schemes of signatures: what their providers publish verifies, and nothing that differs from it by a byte does."""

import hmac
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from tests.web.signing import GITHUB, HUBSPOT, PUBLISHED, SHOPIFY, SLACK, STANDARD_WEBHOOKS, STRIPE, Signed

TIMED = [name for name, signed in PUBLISHED.items() if signed.at_ms]
MINUTES_5 = 300_000
BODY = b'{"n":1}'
NOW_MS = 1_700_000_000_000


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_the_provider_publishes_verifies(name: str) -> None:
    assert PUBLISHED[name].problem() is None


@pytest.mark.promise("signatures.fail-closed")
@pytest.mark.parametrize("name", PUBLISHED)
def test_under_another_secret_or_none_it_does_not(name: str) -> None:
    signed = PUBLISHED[name]

    assert "under the secret key" in str(replace(signed, secret=signed.secret[:-1] + "Q").problem())
    assert "the secret key is not set" in str(replace(signed, secret="").problem())


@pytest.mark.promise("signatures.time-window")
@pytest.mark.parametrize("name", TIMED)
def test_five_minutes_are_allowed_in_both_directions_and_no_more(name: str) -> None:
    signed = PUBLISHED[name]

    assert [signed.problem(signed.at_ms + shift) for shift in (-MINUTES_5, MINUTES_5)] == [None, None]
    assert "seconds old" in str(signed.problem(signed.at_ms + MINUTES_5 + 1))
    assert "ahead of this host's clock" in str(signed.problem(signed.at_ms - MINUTES_5 - 1))
    assert signed.problem(0)
    assert signed.problem(2**62)


def written(signed: Signed, hexadecimal: bool) -> dict[str, str]:
    """The headers, with the digits of their signature in one case."""
    return {
        name: re.sub(r"(?<==)[0-9a-fA-F]{64}", lambda found: found[0].lower() if hexadecimal else found[0], value)
        for name, value in signed.headers
    }


@st.composite
def changes(draw: st.DrawFn) -> tuple[Signed, Signed]:
    """A published request, and the same with one byte changed: of its body, or of a header that belongs to the signature."""
    signed = PUBLISHED[draw(st.sampled_from(list(PUBLISHED)))]
    if signed.auth == STRIPE.auth:  # which ignores its v0
        signed = signed.with_header("Stripe-Signature", signed.headers[0][1].rpartition(",")[0])
    place = draw(st.integers(-1, len(signed.headers) - 1))
    if place < 0:
        at, byte = draw(st.integers(0, len(signed.body) - 1)), draw(st.integers(0, 255))
        return signed, replace(signed, body=signed.body[:at] + bytes([byte]) + signed.body[at + 1 :])
    name, value = signed.headers[place]
    at, character = draw(st.integers(0, len(value) - 1)), draw(st.characters(min_codepoint=0, max_codepoint=255))
    return signed, signed.with_header(name, value[:at] + character + value[at + 1 :])


@pytest.mark.promise("signatures.fail-closed")
@settings(max_examples=500)
@given(changes())
def test_no_request_with_one_byte_changed_verifies(change: tuple[Signed, Signed]) -> None:
    before, after = change
    hexadecimal = before.auth["scheme"] in ("github", "slack", "stripe")  # whose digits may be upper case

    assert (after.problem() is None) == (before.body == after.body and (written(before, hexadecimal) == written(after, hexadecimal)))


@pytest.mark.promise("signatures.fail-closed")
@given(st.sampled_from(list(PUBLISHED)), st.data())
def test_no_request_with_a_byte_more_or_less_verifies(name: str, data: st.DataObject) -> None:
    signed = PUBLISHED[name]
    at = data.draw(st.integers(0, len(signed.body) - 1))

    assert replace(signed, body=signed.body[:at] + signed.body[at + 1 :]).problem()
    assert replace(signed, body=signed.body[:at] + data.draw(st.binary(min_size=1)) + signed.body[at:]).problem()


@pytest.mark.promise("signatures.fail-closed")
@given(st.integers(0, len(HUBSPOT.url) - 1), st.characters(min_codepoint=33, max_codepoint=126))
def test_a_signature_over_a_url_is_good_for_that_url_alone(at: int, character: str) -> None:
    url = HUBSPOT.url[:at] + character + HUBSPOT.url[at + 1 :]

    assert (replace(HUBSPOT, url=url).problem() is None) == (url == HUBSPOT.url)
    assert replace(HUBSPOT, method="PUT").problem()


@pytest.mark.promise("signatures.fail-closed")
@given(st.sampled_from(list(PUBLISHED)), st.data())
def test_a_header_of_a_signature_comes_once_or_nothing_verifies(name: str, data: st.DataObject) -> None:
    signed = PUBLISHED[name]
    header, value = data.draw(st.sampled_from(signed.headers))
    other = data.draw(st.sampled_from([value, "", "0"]))

    assert "came 2 times" in str(replace(signed, headers=((header.upper(), other), *signed.headers)).problem())
    assert "came 2 times" in str(replace(signed, headers=(*signed.headers, (header, other))).problem())
    assert "came 0 times" in str(signed.without_header(header).problem())


@given(st.sampled_from(list(PUBLISHED)), st.data())
def test_whatever_stands_in_a_header_is_refused_and_not_a_failure(name: str, data: st.DataObject) -> None:
    signed = PUBLISHED[name]
    header, value = data.draw(st.sampled_from(signed.headers))
    anything = data.draw(st.text(st.characters(max_codepoint=255)) | st.integers().map(str) | st.just(value * 1000))

    assert anything == value or signed.with_header(header, anything).problem()


LISTS = {"stripe": ["{} ", " {}", "\t{}"], "standard-webhooks": ["{} ", " {}", "\t{}", "{}, {}"]}
"""White space around the parts of a list says nothing, and neither does a part that is none."""


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize(
    "change", ["{} ", " {}", "\t{}", "{},{}", "{}, {}", "{}\r\n {}", "{}\x00", "{}\n", '"{}"', "{}=", "={}", "{}\xa0", "{}é"]
)
def test_a_signature_with_something_beside_it_does_not_verify(name: str, change: str) -> None:
    header, value = PUBLISHED[name].headers[-1]
    bare = {"Stripe-Signature": value.rpartition(",")[0]}.get(header, value)
    changed = change.format(bare, bare)

    assert (PUBLISHED[name].with_header(header, changed).problem() is None) == (change in LISTS.get(name, []))


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("value", ["", " ", "-1", "+1", "1e9", "1.0", "0x10", "1_0", "١٢٣", "9" * 16, "9" * 60_000, "NaN", "now"])
def test_a_timestamp_that_is_no_number_is_refused(name: str, value: str) -> None:
    signed = PUBLISHED[name]
    header = next(name for name, _ in signed.headers if "timestamp" in name.lower() or name == "Stripe-Signature")
    sent = value if header != "Stripe-Signature" else signed.headers[0][1].replace("1533204620", value)

    assert "is not" in str(signed.with_header(header, sent).problem(10))


def stripe(secret: bytes, body: bytes, timestamp: str) -> str:
    """https://docs.stripe.com/webhooks/signature, written out."""
    return hmac.new(secret, timestamp.encode() + b"." + body, "sha256").hexdigest()


def test_of_several_stripe_signatures_one_must_be_right() -> None:
    right = stripe(b"webhook_secret", BODY, "1700000000")
    signed = replace(STRIPE, body=BODY, at_ms=NOW_MS)
    parts = {"right": f"v1={right}", "wrong": f"v1={'0' * 64}", "old": f"v0={right}", "t": "t=1700000000", "later": "t=1700000001"}

    def problem(*names: str) -> str | None:
        return signed.with_header("stripe-signature", ",".join(parts[name] for name in names)).problem()

    assert [problem("t", "wrong", "right"), problem("right", "old", "t"), problem("t", "right", "right")] == [None, None, None]
    assert "v1=<sha256 in hex>" in str(problem("t", "old"))
    assert "is not that of the request" in str(problem("t", "wrong"))
    assert "has 2 parts that begin with t=" in str(problem("t", "t", "right"))
    assert "has 2 parts that begin with t=" in str(problem("t", "later", "right"))
    assert "has 0 parts that begin with t=" in str(problem("right"))
    assert problem("later", "right")
    assert "more than 32 parts" in str(problem("t", *["wrong"] * 32))
    assert "more than 32 parts" in str(signed.with_header("stripe-signature", "," * 60_000).problem())


def test_stripe_s_secret_is_taken_as_it_is_written() -> None:
    right = stripe(b"whsec_abc", BODY, "1700000000")
    signed = Signed({"scheme": "stripe"}, "whsec_abc", (("Stripe-Signature", f"t=1700000000,v1={right}"),), BODY, NOW_MS)

    assert signed.problem() is None


@given(st.binary(min_size=24, max_size=64), st.text(st.characters(codec="utf-8")), st.from_regex(r"\Amsg_[A-Za-z0-9]+\Z"))
def test_what_the_reference_library_of_standard_webhooks_signs_verifies(key: bytes, text: str, message: str) -> None:
    secret = "whsec_" + b64encode(key).decode()
    signature = Webhook(secret).sign(message, datetime.fromtimestamp(1_700_000_000, UTC), text)
    headers = (("webhook-id", message), ("webhook-timestamp", "1700000000"), ("webhook-signature", signature))
    signed = Signed({"scheme": "standard-webhooks"}, secret, headers, text.encode(), NOW_MS)

    assert signed.problem() is None
    assert replace(signed, secret=b64encode(key).decode().rstrip("=")).problem() is None


def test_of_several_standard_webhooks_signatures_one_must_be_right() -> None:
    right = STANDARD_WEBHOOKS.headers[-1][1]
    wrong, asymmetric = "v1," + b64encode(bytes(32)).decode(), "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZ"

    def problem(value: str) -> str | None:
        return STANDARD_WEBHOOKS.with_header("webhook-signature", value).problem()

    assert [problem(f"{wrong} {right}"), problem(f"{right} {asymmetric}"), problem(f"{asymmetric} {right}")] == [None] * 3
    assert None not in [problem(each) for each in (wrong, asymmetric, right.replace("v1,", "v1a,"), right.replace("v1,", "v2,"))]


@pytest.mark.promise("signatures.fail-closed")
def test_bytes_can_not_move_from_the_body_to_the_id() -> None:
    """The specification: ids must not have a full stop in them, `to prevent certain attacks`."""
    key = b64decode(STANDARD_WEBHOOKS.secret.removeprefix("whsec_"))
    body = b'1614265330.{"of": "the sender"}'
    right = "v1," + b64encode(hmac.digest(key, b"msg_1.1614265330." + body, "sha256")).decode()
    honest = STANDARD_WEBHOOKS.with_header("webhook-id", "msg_1").with_header("webhook-signature", right)
    moved = honest.with_header("webhook-id", "msg_1.1614265330")

    assert replace(honest, body=body).problem() is None
    assert "has '.' in it, which ends it where it is signed" in str(replace(moved, body=b'{"of": "the sender"}').problem())


@pytest.mark.parametrize("secret", ["whsec_", "whsec_é", "not base64!", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", "=", "A"])
def test_a_secret_that_is_not_base64_verifies_nothing_and_the_log_says_so(secret: str) -> None:
    assert "the secret key is not in base64" in str(replace(STANDARD_WEBHOOKS, secret=secret).problem())


def hubspot(url: bytes, body: bytes) -> Signed:
    """https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation, written out: `url` is as it
    is signed."""
    right = b64encode(hmac.new(b"hush", b"POST" + url + body + b"1700000000000", "sha256").digest()).decode()
    headers = (("X-HubSpot-Signature-v3", right), ("X-HubSpot-Request-Timestamp", "1700000000000"))
    return Signed({"scheme": "hubspot-v3"}, "hush", headers, body, NOW_MS)


def test_hubspot_signs_the_url_with_these_characters_decoded_and_no_others() -> None:
    sent = "https://a.example/x?a=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B&b=%3a%2f%2a&c=%20%26%3D%25%2B%23%253A+"
    signed = hubspot(b"https://a.example/x?a=:/?@!$'()*,;&b=:/*&c=%20%26%3D%25%2B%23%253A+", BODY)

    assert replace(signed, url=sent).problem() is None
    assert replace(hubspot(sent.encode(), BODY), url=sent).problem()


@pytest.mark.promise("signatures.fail-closed")
def test_an_encoded_question_mark_does_not_make_another_url_under_one_signature() -> None:
    signed = hubspot(b"https://example.com/items?id=1", BODY)

    assert replace(signed, url="https://example.com/items?id=1").problem() is None
    assert "encoded question mark" in str(replace(signed, url="https://example.com/items%3Fid=1").problem())
    assert "encoded question mark" in str(replace(signed, url="https://example.com/items%3fid=1").problem())


def test_hubspot_s_timestamp_is_in_milliseconds() -> None:
    assert "seconds old" in str(
        hubspot(b"https://example.com/webhook", BODY).with_header("X-HubSpot-Request-Timestamp", "1700000000").problem()
    )


def test_a_body_of_any_bytes_is_signed_as_it_is() -> None:
    body = bytes(range(256))
    github = "sha256=" + hmac.new(GITHUB.secret.encode(), body, "sha256").hexdigest()
    shopify = b64encode(hmac.new(b"hush", body, "sha256").digest()).decode()
    slack = "v0=" + hmac.new(SLACK.secret.encode(), b"v0:1531420618:" + body, "sha256").hexdigest()

    assert replace(GITHUB.with_header("X-Hub-Signature-256", github), body=body).problem() is None
    assert replace(SHOPIFY.with_header("X-Shopify-Hmac-Sha256", shopify), body=body).problem() is None
    assert replace(SLACK.with_header("X-Slack-Signature", slack), body=body).problem() is None
    assert replace(hubspot(b"https://example.com/webhook", body), body=body).problem() is None


PLAIN = b"\xff\xfe\xfb" * 11
"""Its signatures below have characters in which the two alphabets of base64 differ."""


def spelled_out(value: bytes | str, **auth: Any) -> Signed:
    text = value.decode() if isinstance(value, bytes) else value
    return Signed({"header": "X-Sig", **auth}, "hush", (("x-sig", text), ("x-time", "1700000000"), ("x-id", "a-1")), PLAIN, NOW_MS)


def mac(message: bytes, hash: str = "sha256") -> bytes:
    return hmac.new(b"hush", message, hash).digest()


@pytest.mark.parametrize(
    "signed",
    [
        spelled_out(mac(PLAIN, "sha1").hex(), hash="sha1"),
        spelled_out(mac(PLAIN, "sha512").hex().upper(), hash="sha512"),
        spelled_out(b64encode(mac(PLAIN)), encoding="base64"),
        spelled_out(urlsafe_b64encode(mac(PLAIN)), encoding="base64url"),
        spelled_out(urlsafe_b64encode(mac(PLAIN)).rstrip(b"="), encoding="base64url"),
        spelled_out("a=1; sig=" + mac(PLAIN).hex(), prefix="sig=", separator=";"),
        spelled_out(mac(b"POST https://example.com/webhook\n" + PLAIN).hex(), signed="{method} {url}\n{body}"),
        spelled_out(
            mac(b"1700000000:a-1:" + PLAIN).hex(),
            signed="{timestamp}:{header:X-Id}:{body}",
            timestamp={"header": "X-Time", "tolerance_s": 1},
        ),
        replace(spelled_out(mac(PLAIN).hex(), key="base64"), secret=b64encode(b"hush").decode()),
    ],
)
def test_what_is_spelled_out_verifies(signed: Signed) -> None:
    assert signed.problem() is None
    assert "is not that of the request" in str(replace(signed, body=signed.body + b"x").problem())


def test_a_signature_is_right_to_the_last_bit_of_its_encoding() -> None:
    text = b64encode(mac(PLAIN)).decode()
    padding_bits = text[:-2] + chr(ord(text[-2]) + 1) + "="
    assert b64decode(padding_bits) == b64decode(text)

    assert spelled_out(padding_bits, encoding="base64").problem()
    assert spelled_out(text.rstrip("="), encoding="base64").problem()
    assert spelled_out(text + "=", encoding="base64url").problem()
    assert spelled_out(urlsafe_b64encode(mac(PLAIN)), encoding="base64").problem() or text == urlsafe_b64encode(mac(PLAIN)).decode()


def test_the_tolerance_is_the_declared_one() -> None:
    signed = spelled_out(mac(b"1700000000." + PLAIN).hex(), signed="{timestamp}.{body}", timestamp={"header": "x-time", "tolerance_s": 10})

    assert [signed.problem(NOW_MS + shift) is None for shift in (-10_001, -10_000, 10_000, 10_001)] == [False, True, True, False]


def test_a_header_that_is_signed_comes_once() -> None:
    signed = spelled_out(mac(b"a-1" + PLAIN).hex(), signed="{header:x-id}{body}")

    assert signed.problem() is None
    assert "the header x-id came 0 times" in str(signed.without_header("x-id").problem())
    assert "the header x-id came 2 times" in str(replace(signed, headers=(*signed.headers, ("X-ID", "a-1"))).problem())
