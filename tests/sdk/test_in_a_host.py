"""The SDK inside its component, in a whole host: what goes wrong, what a guest can't do, what it can, what the host gives."""

import asyncio
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.json import decode

from host.cli.build import build
from host.model.delivery import Delivery
from tests.runtime.hosts import ORGANIZATION, a_host, installed, records, send

GUESTS = Path(__file__).parent / "guests"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the exercising plugin in it."""
    folder = tmp_path_factory.mktemp("exercise")
    secrets = {"signing": "a signing key", "readable": "a readable value"}
    asyncio.run(installed(folder / "data", build(GUESTS / "exercise").read_bytes(), secrets=secrets))
    return folder / "data"


async def outcome(template: Path, folder: Path, route: str, body: bytes = b"") -> tuple[int, Any, Delivery]:
    """Status, JSON body, and the record of one request, in a host of its own."""
    data = Path(shutil.copytree(template, folder / "data"))
    async with a_host(data) as runtime:
        answer = await send(runtime, "exercise", route, body)
        return answer.status, decode(answer.body) if answer.body.startswith(b"{") else answer.body, records(runtime)[-1]


def lines(record: Delivery) -> list[tuple[str, str]]:
    return [(line.level, line.message) for line in record.log]


async def test_an_exception_becomes_failed_with_its_traceback_in_one_line_of_the_log(template: Path, tmp_path: Path) -> None:
    status, body, record = await outcome(template, tmp_path, "divide")

    assert (status, body["error"]["code"]) == (502, "failed")
    assert record.error_message == "ZeroDivisionError: division by zero"
    assert [(level, re.sub(r"line \d+", "line N", text)) for level, text in lines(record)] == [
        (
            "error",
            """\
Traceback (most recent call last):
  File "plugin.py", line N, in divide
    return Response.json({"half": half_of_nothing()})
                                  ~~~~~~~~~~~~~~~^^
  File "plugin.py", line N, in half_of_nothing
    return 1 / 0
           ~~^~~
ZeroDivisionError: division by zero""",
        )
    ]


@pytest.mark.parametrize(
    ("route", "message", "last"),
    [
        ("leave", "SystemExit: 3", "SystemExit: 3"),
        ("interrupt", "KeyboardInterrupt", "KeyboardInterrupt"),
        ("unspeakable", "Unspeakable", "plugin.Unspeakable: <exception str() failed>"),
        ("recurse", "RecursionError: maximum recursion depth exceeded", "RecursionError: maximum recursion depth exceeded"),
        ("uncaught", "NotFound: no message 'nothing'", "plugin_sdk_py.errors.NotFound: no message 'nothing'"),
        (
            "receive-a-number",
            "TypeError: sender_external_id: text is needed, not int",
            "TypeError: sender_external_id: text is needed, not int",
        ),
    ],
)
async def test_whatever_is_raised_is_failed_and_no_trap(template: Path, tmp_path: Path, route: str, message: str, last: str) -> None:
    status, body, record = await outcome(template, tmp_path, route)

    assert (status, body["error"]["code"], record.error_message) == (502, "failed", message)
    ((level, text),) = lines(record)
    assert level == "error"
    assert text.startswith('Traceback (most recent call last):\n  File "plugin.py", line ')
    assert text.endswith(last)
    assert len(text.splitlines()) < 20


async def test_an_exception_group_is_logged_with_what_is_in_it(template: Path, tmp_path: Path) -> None:
    _, _, record = await outcome(template, tmp_path, "group")

    assert record.error_message == "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)"
    assert "ValueError: in a task" in record.log[0].message


async def test_rejected_is_422_and_no_line_in_the_log(template: Path, tmp_path: Path) -> None:
    status, _, record = await outcome(template, tmp_path, "reject")

    assert (status, record.error_code, record.error_message, record.log) == (422, "rejected", "no such item", [])


async def test_failed_says_what_the_author_said_and_logs_only_a_cause(template: Path, tmp_path: Path) -> None:
    _, _, plain = await outcome(template, tmp_path / "plain", "fail")
    _, _, caused = await outcome(template, tmp_path / "caused", "fail-with-cause")

    assert (plain.error_message, plain.log) == ("the provider is down", [])
    assert caused.error_message == "the provider is down"
    assert "ZeroDivisionError: division by zero\n\nThe above exception was the direct cause" in caused.log[0].message


async def test_an_answer_of_another_type_is_failed(template: Path, tmp_path: Path) -> None:
    _, _, record = await outcome(template, tmp_path, "answer-nonsense")

    assert record.error_message == "TypeError: a handler answers with a Response, a dict or None, not int"


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b"[" * 501 + b"]" * 501])
async def test_a_body_that_is_no_json_is_rejected_by_the_handler_that_asks_for_it(template: Path, tmp_path: Path, body: bytes) -> None:
    status, _, record = await outcome(template, tmp_path, "parse", body)

    assert (status, record.error_code) == (422, "rejected")
    assert str(record.error_message).startswith("the body is not ")


async def test_json_as_deep_as_it_may_be_is_parsed_and_answered(template: Path, tmp_path: Path) -> None:
    status, _, _ = await outcome(template, tmp_path, "parse", b"[" * 490 + b"]" * 490)

    assert status == 200


async def test_half_a_character_goes_out_as_a_replacement_character(template: Path, tmp_path: Path) -> None:
    status, body, record = await outcome(template, tmp_path, "half-a-character")

    assert (status, body.decode()) == (200, "half a \ufffd character")
    assert lines(record) == [("info", "half a \ufffd character")]


@pytest.mark.parametrize(
    ("what", "advice"),
    [
        ("thread", "a guest has one thread: do it one after the other, or with asyncio"),
        ("executor", "a guest has one thread"),
        ("process", "a guest has no processes"),
        ("fork", "a guest has no processes"),
        ("connection", "a guest has no sockets"),
        ("socket", "a guest has no sockets"),
        ("name", "a guest has no sockets"),
        ("file", "a guest has no files: read them at the top of your module"),
        ("new-file", "a guest has no files"),
        ("temporary-file", "a guest has no files"),
        ("database", "a guest has no files"),
        ("module", "import it at the top of your module: a guest has no standard library on disk at run time"),
        ("package", "import it at the top of your module: a guest has no installed package on disk at run time"),
        ("native", "ctypes does not exist inside a guest: there is no native code"),
        ("tls", "ssl does not exist inside a guest"),
        ("zone", "a guest has no time zone data"),
        ("encoding", "name it at the top of your module: codecs.lookup('koi8-r')"),
        ("wait", "a guest has no threads and no sockets"),
    ],
)
async def test_what_a_guest_can_not_do_comes_with_advice(template: Path, tmp_path: Path, what: str, advice: str) -> None:
    status, _, record = await outcome(template, tmp_path, "impossible", what.encode())

    assert (status, record.error_code) == (502, "failed")
    assert advice in str(record.error_message)
    assert advice in record.log[0].message


async def test_what_a_guest_can_do(template: Path, tmp_path: Path) -> None:
    status, body, record = await outcome(template, tmp_path, "possible")

    assert status == 200, record.error_message
    assert body == {
        "asyncio": [0, 2, 4, 6],
        "strptime": 2,
        "hmac": "5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0",
        "idna": "xn--bcher-kva.example",
        "cp1252": "80",
        "mail": "To: =?utf-8?q?=C3=A4?= <a@example.com>",
        "toml": {"a": 1},
        "uuid": 4,
        "warning": None,
        "logging": None,
        "sqlite in memory": 2,
        "file read at build": "read while the component was built\n",
        "json": {"a": [1.5, None]},
        "codec": "iso8859-1",
    }


async def test_the_host_tells_who_runs_and_when_and_keeps_what_is_logged_and_printed(template: Path, tmp_path: Path) -> None:
    _, body, record = await outcome(template, tmp_path, "surroundings")

    assert 0 <= body.pop("now") < 60_000
    assert body == {
        "installation": {"organization": ORGANIZATION, "plugin": "exercise", "version": "1.0.0", "environment": "production"},
        "settings": {"greeting": "hello", "rules": ["be kind"]},
        "later": True,
        "number": True,
        "hex": 8,
        "uuid": "7",
        "attempt": 1,
        "verified": True,
    }
    assert sorted(lines(record)) == [("info", "printed"), ("warn", "logged")]
    (fields,) = [line.fields for line in record.log if line.fields]
    assert decode(fields) == {"number": 1, "other": "<class 'object'>", "message": "half a \ufffd character", "ratio": "nan"}


async def test_the_store_keeps_json_by_scope_and_tells_conflicts(template: Path, tmp_path: Path) -> None:
    _, body, _ = await outcome(template, tmp_path, "keep")

    assert body == {
        "a": "new",
        "b": "gone",
        "count": 5,
        "theirs": "theirs",
        "scopes": [None, None, None],
        "conflict": ["Conflict", "conflict"],
        "invalid": ["Invalid", "invalid"],
    }


async def test_a_scan_goes_on_from_page_to_page(template: Path, tmp_path: Path) -> None:
    _, body, _ = await outcome(template, tmp_path, "scan")

    assert body == {"values": list(range(450))}


async def test_messages_are_received_read_and_closed(template: Path, tmp_path: Path) -> None:
    _, body, record = await outcome(template, tmp_path, "converse")

    message = body.pop("message")
    assert message[:4] == ["image", "Grüße", "inbound", "m0"]
    assert message[4]["raw"] == [1]
    assert message[4]["status"]["by"] == "Bo"
    assert message[5] == 1_700_000_000_000
    assert body == {
        "duplicates": [False, True],
        "attachment": [True, {"sha256": "x"}],
        "page": [1, None],
        "conversation": ["chat", "open", True],
        "closed": "closed",
        "foreign": ["NotFound", "not-found"],
    }, record.error_message


async def test_customers_are_found_by_identity_and_changed_field_by_field(template: Path, tmp_path: Path) -> None:
    _, body, _ = await outcome(template, tmp_path, "people")

    assert body == {
        "customer": ["Bo", "bo@example.com", "+1", {"a": 1, "b": 2}, [["second", "bo"]]],
        "same": True,
        "nobody": None,
        "missing": ["NotFound", "not-found"],
    }


async def test_secrets_are_used_for_their_purpose(template: Path, tmp_path: Path) -> None:
    _, body, _ = await outcome(template, tmp_path, "sign")

    assert body == {
        "exists": [True, False],
        "text": True,
        "bytes": True,
        "base64url": 44,
        "read": True,
        "unset": ["NotFound", "not-found"],
        "wrong purpose": ["Denied", "denied"],
    }
