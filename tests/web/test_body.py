"""Bodies: whole, raw, and no larger than the guest may get."""

import asyncio
import hmac
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.json import encode

from host.model.errors import RequestError
from host.model.limits import Limits
from host.web.body import ClientGone, read_body
from tests.guests_wat import Echo
from tests.web.site import Site, a_site, probe

OPEN = "/v1/orgs/acme/plugins/probe/open"
ANY = "/v1/orgs/acme/plugins/probe/any"
JSON = "/v1/orgs/acme/plugins/probe/json"
MIB = 1024 * 1024
CAP = Limits().input_bytes


def signed(body: bytes) -> tuple[str, str]:
    return "x-signature", "sha256=" + hmac.digest(b"s3cret", body, "sha256").hex()


def room(reply: Any) -> int:
    """The cap that a 413 names."""
    return int(reply.json["error"]["message"].split()[4])


def limited(site: Site, **limits: int) -> None:
    """Sets the installation's limits."""
    with site.runtime.database.transaction() as connection:
        connection.execute("UPDATE installations SET limits = ?", (encode(limits).decode(),))
        connection.execute("UPDATE config_epoch SET epoch = epoch + 1")


async def test_a_body_arrives_byte_for_byte(tmp_path: Path) -> None:
    text = 'line\r\n\x00 "ünïcode" \U0001f98a '.encode()
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", ANY, headers=[signed(text)], body=text)
        binary = await site.ask("POST", ANY, headers=[signed(b"\xff\xfe")], body=b"\xff\xfe")

    assert (reply.told.body.encode(), reply.told.base64) == (text, False)
    assert (binary.told.body, binary.told.base64) == ("//4=", True)


async def test_a_body_goes_in_and_out_byte_for_byte_whatever_it_is(tmp_path: Path) -> None:
    every = bytes(range(256))
    random = Random(1)
    bodies = [
        b"",
        b"\x00",
        b"\xff",
        every,
        every * 2000,
        "\ufeff\U0001f98a\r\n".encode(),
        b"\xed\xa0\x80",
        b"a\xc3",
        *(bytes([n]) for n in every),
    ]
    bodies += [random.randbytes(random.randrange(5000)) for _ in range(100)]
    async with a_site(tmp_path, probe(Echo())) as site:
        for body in bodies:
            reply = await site.ask("POST", OPEN, chunks=[body[:7], body[7:]])

            assert (reply.status, reply.body, reply.header("content-length")) == (200, body, [str(len(body))])


async def test_a_body_in_many_pieces_is_one_body(tmp_path: Path) -> None:
    pieces = [b"a", b"", b"\xc3", b"\xa4", b""]
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", ANY, headers=[signed(b"".join(pieces))], chunks=pieces)

    assert reply.told.body == "aä"


@pytest.mark.promise("limits.body")
async def test_a_body_over_the_cap_is_refused_and_recorded(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", ANY, body=b"x" * CAP)
        record = site.records()[0]

    assert (reply.status, reply.code) == (413, "body.too-large")
    assert (record.outcome, record.status, record.error_code) == ("refused", 413, "body.too-large")
    assert reply.json["error"]["delivery_id"] == record.id


@pytest.mark.promise("limits.body")
async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    async def never() -> dict[str, Any]:
        raise AssertionError("something was read")

    with pytest.raises(RequestError) as refused:
        await read_body(never, ["101"], 100)

    assert refused.value.status == 413


@pytest.mark.promise("limits.body")
@pytest.mark.parametrize("length", ["0", "-5", "1", "x", "", "²", "1e3"])
async def test_a_length_that_lies_does_not_help(tmp_path: Path, length: str) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", ANY, headers=[("content-length", length)], chunks=[b"x" * MIB] * 4)

    assert (reply.status, reply.code) == (413, "body.too-large")


@pytest.mark.promise("limits.body")
@pytest.mark.parametrize("length", ["9" * 5000, str(CAP + 1), f"{CAP * 2:028}"])
async def test_a_length_over_the_cap_is_enough(tmp_path: Path, length: str) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", ANY, headers=[("content-length", "0"), ("content-length", length)])

    assert (reply.status, reply.code) == (413, "body.too-large")


@pytest.mark.promise("limits.body")
async def test_no_more_is_read_than_the_cap_and_one_piece(tmp_path: Path) -> None:
    asked = 0

    async def endless() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    with pytest.raises(RequestError) as refused:
        await read_body(endless, [], 10_500)

    assert (refused.value.status, asked) == (413, 11)


@pytest.mark.promise("limits.body")
async def test_the_largest_body_reaches_the_guest_and_one_byte_more_does_not(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        limited(site, input_bytes=20_000)
        cap = room(await site.ask("POST", ANY, body=b"x" * 30_000, headers=[signed(b"")]))
        most = await site.ask("POST", ANY, body=b"x" * cap, headers=[signed(b"x" * cap)])
        over = await site.ask("POST", ANY, body=b"x" * (cap + 1), headers=[signed(b"x" * (cap + 1))])

    assert 16_000 < cap < 20_000
    assert len(most.told.body) == cap
    assert over.status == 413


async def test_a_body_that_crosses_as_base64_is_measured_as_that(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        limited(site, input_bytes=20_000)
        cap = room(await site.ask("POST", ANY, body=b"\xff" * 30_000, headers=[signed(b"")]))
        most = b"\xff" * (cap * 3 // 4 - 3)
        over = b"\xff" * (cap * 3 // 4 + 3)
        fits = await site.ask("POST", ANY, body=most, headers=[signed(most)])
        refused = await site.ask("POST", ANY, body=over, headers=[signed(over)])

    assert fits.told.base64
    assert (refused.status, refused.code) == (413, "body.too-large")


async def test_headers_and_query_take_from_the_room_of_the_body(tmp_path: Path) -> None:
    many = [(f"x-{number}", "é" * 50) for number in range(100)]
    query = "&".join(f"p{number}=%E6%97%A5" for number in range(100))
    async with a_site(tmp_path) as site:
        limited(site, input_bytes=100_000)
        cap = room(await site.ask("POST", f"{ANY}?{query}", body=b"x" * 100_000, headers=[signed(b""), *many]))
        reply = await site.ask("POST", f"{ANY}?{query}", body=b"x" * cap, headers=[signed(b"x" * cap), *many])

    assert cap < 100_000 - 200 * 128
    assert (len(reply.told.body), len(reply.told.query)) == (cap, 100)


async def test_limits_that_leave_no_room_refuse_every_body(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        limited(site, input_bytes=10)
        reply = await site.ask("POST", ANY, body=b"x", headers=[signed(b"x")])

    assert (reply.status, room(reply)) == (413, 0)


async def test_the_default_cap_is_a_little_below_the_limit_of_a_call_s_arguments(tmp_path: Path) -> None:
    body = b"x" * (Limits().input_bytes - 8 * 1024)
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", ANY, headers=[signed(body)], chunks=[body[:MIB], body[MIB:]])

    assert len(reply.told.body) == len(body)


async def test_a_sender_that_leaves_before_the_end_is_not_answered_and_nothing_runs(tmp_path: Path) -> None:
    sent: list[Any] = []
    messages = [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    async with a_site(tmp_path) as site:
        scope = {
            "type": "http", "method": "POST", "path": ANY, "raw_path": ANY.encode(), "query_string": b"", "headers": [], "scheme": "http",
        }  # fmt: skip
        await site.app(scope, receive, send)
        records = site.records()

    assert (sent, records) == ([], [])


async def test_a_sender_that_stops_sending_is_refused_in_the_end() -> None:
    with pytest.raises(RequestError) as refused:
        await read_body(asyncio.Event().wait, [], 100, seconds=0.01)  # type: ignore[arg-type]  # never comes back

    assert (refused.value.status, refused.value.code) == (408, "body.timeout")


async def test_a_disconnect_is_no_body() -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        await read_body(gone, [], 100)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}x",
        b"{'a':1}",
        b"[1,]",
        b"NaN",
        b"01",
        b'"\x01"',
        b'"\\x"',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b"\x00",
        b"[" * 100_000,
        '{"a":1}'.encode("utf-16"),
        b"nul",
        b'{"a" 1}',
        b"\xff",
    ],
)
async def test_a_body_that_is_not_json_is_refused_where_json_is_declared(tmp_path: Path, body: bytes) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", JSON, body=body)
        record = site.records()[0]

    assert (reply.status, reply.code) == (400, "body.malformed")
    assert (record.outcome, record.status, record.error_code) == ("refused", 400, "body.malformed")


@pytest.mark.parametrize(
    "body", [b"{}", b" [1, 2.5e3, null] ", b'"x"', b"0", b'{"a":1,"a":2}', b"[" * 400 + b"]" * 400, '{"ä":"🦊"}'.encode()]
)
async def test_every_json_document_passes_as_it_came(tmp_path: Path, body: bytes) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("POST", JSON, body=body)

    assert reply.told.body.encode() == body


async def test_a_get_without_a_body_need_not_be_json(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        without = await site.ask("GET", JSON)
        malformed = await site.ask("GET", JSON, body=b"{")

    assert without.told.route == "json"
    assert malformed.status == 400


async def test_where_any_body_is_declared_none_is_refused_for_what_it_is(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask(
            "POST", "/v1/orgs/acme/plugins/probe/open", body=b"{not json", headers=[("content-type", "application/json")]
        )

    assert reply.told.body == "{not json"
