"""Signatures: checked over the raw bytes, and refused whatever is wrong."""

import hmac
from base64 import b64encode
from pathlib import Path

import pytest

from tests.web.site import SECRETS, a_site

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
