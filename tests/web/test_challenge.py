"""The handshake of a subscription: answered by the host, without a guest."""

from pathlib import Path

import pytest

from tests.guests_wat import Code
from tests.web.site import a_site, probe

WEBHOOK = "/v1/orgs/acme/plugins/probe/webhook"
RIGHT = "hub.mode=subscribe&hub.verify_token=let+me%20in&hub.challenge=1158201444"


async def test_the_right_token_gets_its_challenge_back_as_plain_text_and_no_guest_runs(tmp_path: Path) -> None:
    async with a_site(tmp_path, probe(Code("unreachable"))) as site:
        reply = await site.ask("GET", f"{WEBHOOK}?{RIGHT}")
        records = site.records()

    assert (reply.status, reply.body) == (200, b"1158201444")
    assert reply.header("content-type") == ["text/plain; charset=utf-8"]
    assert reply.header("x-content-type-options") == ["nosniff"]
    assert records == []


async def test_head_gets_the_length_of_the_challenge_alone(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("HEAD", f"{WEBHOOK}?{RIGHT}")

    assert (reply.status, reply.body, reply.header("content-length")) == (200, b"", ["10"])


async def test_a_challenge_in_any_script_comes_back_as_utf_8(tmp_path: Path) -> None:
    query = RIGHT.replace("1158201444", "%3Cscript%3E%E6%97%A5")
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", f"{WEBHOOK}?{query}")

    assert reply.body.decode() == "<script>日"
    assert "sandbox" in reply.header("content-security-policy")[0]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=let+me+in%00&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=%ff%fe&hub.challenge=1",
        "hub.mode=unsubscribe&hub.verify_token=let+me+in&hub.challenge=1",
        "hub.verify_token=let+me+in&hub.challenge=1",
        f"hub.mode=subscribe&{RIGHT}",
        f"{RIGHT}&hub.verify_token=let+me+in",
        f"{RIGHT}&hub.challenge=2",
        "hub.mode=subscribe&hub.verify_token=let+me+in",
        "hub.mode=subscribe&hub.verify_token=let+me+in&hub.challenge=",
        f"hub.mode=subscribe&hub.verify_token=let+me+in&hub.challenge={'x' * 1025}",
    ],
)
async def test_anything_else_is_403_and_recorded(tmp_path: Path, query: str) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", f"{WEBHOOK}?{query}")
        record = site.records()[0]

    assert (reply.status, reply.code) == (403, "challenge.failed")
    assert (record.outcome, record.status, record.method, len(record.log)) == ("refused", 403, "GET", 1)
    assert "let me in" not in record.log[0].message + reply.body.decode()


async def test_the_largest_challenge_is_a_kibibyte(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", f"{WEBHOOK}?{RIGHT.replace('1158201444', 'x' * 1024)}")

    assert reply.body == b"x" * 1024


async def test_without_the_secret_no_token_is_right_and_the_log_says_what_to_set(tmp_path: Path) -> None:
    async with a_site(tmp_path, secrets={}) as site:
        reply = await site.ask("GET", f"{WEBHOOK}?hub.mode=subscribe&hub.verify_token=&hub.challenge=1")
        record = site.records()[0]

    assert (reply.status, reply.code) == (403, "challenge.failed")
    assert "innkeeper secrets set probe verify_token --org acme" in record.log[0].message
