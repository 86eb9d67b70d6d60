"""Every request has an id, leaves a log line where that is wanted, and shows no token in it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from host.cli import logs
from host.model.options import HostOptions
from host.runtime.data import DataDirectory
from host.runtime.runtime import Runtime
from host.web.app import create_app
from tests.building import artefacts
from tests.guests_wat import Code, Respond
from tests.runtime.hosts import installed
from tests.web.site import SECRETS, Site, a_site, probe

OPEN = "/v1/orgs/acme/plugins/probe/open"


@pytest.fixture(autouse=True)
def json_lines() -> None:
    logs.configure(True)


@asynccontextmanager
async def observed(folder: Path, component: bytes | None = None) -> AsyncIterator[Site]:
    """A site that logs a line per request."""
    await installed(folder, component or probe(), secrets=SECRETS)
    async with Runtime.opened(DataDirectory(folder), artefacts(), HostOptions(access_log=True)) as runtime:
        yield Site(runtime, create_app(runtime))


def lines(capsys: pytest.CaptureFixture[str], event: str = "request") -> list[dict[str, Any]]:
    found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    return [line for line in found if line["event"] == event]


async def test_the_senders_id_is_taken_over_where_it_is_a_sane_token(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        for given in ("abc-123", "01a20dc6-6976-78b5-b2d6-910a1673b3e2", "a/b+c=", "x" * 128):
            assert (await site.ask("GET", "/healthz", headers=[("X-Request-Id", given)])).request_id == given


@pytest.mark.parametrize("given", [[""], ["a b"], ["x" * 129], ["ü"], ['a"b'], ["a\x1b[31m"], ["a", "b"], []])
async def test_else_it_gets_one_of_ours(tmp_path: Path, given: list[str]) -> None:
    async with a_site(tmp_path) as site:
        first, second = [(await site.ask("GET", "/healthz", headers=[("X-Request-Id", each) for each in given])) for _ in range(2)]

    assert first.request_id not in given
    assert len({first.request_id, second.request_id}) == 2


async def test_every_answer_has_it_errors_too(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        replies = [
            await site.ask(method, target, headers=[("X-Request-Id", "mine")])
            for method, target in [
                ("GET", OPEN),
                ("GET", "/nothing"),
                ("POST", "/healthz"),
                ("GET", "/v1/orgs/acme/deliveries"),
                ("GET", "/%zz"),
            ]
        ]
        site.runtime.reads.close()
        replies.append(await site.ask("GET", OPEN, headers=[("X-Request-Id", "mine")]))

    assert [reply.status for reply in replies] == [200, 404, 405, 401, 404, 500]
    assert {reply.request_id for reply in replies} == {"mine"}
    assert "request id mine" in replies[-1].json["error"]["message"]


async def test_a_plugin_can_not_answer_with_another(tmp_path: Path) -> None:
    async with a_site(tmp_path, probe(Respond(headers=[("X-Request-Id", b"forged")]))) as site:
        reply = await site.ask("GET", OPEN, headers=[("X-Request-Id", "mine")])

    assert reply.request_id == "mine"


async def test_the_log_line_of_a_request_has_both_ids_and_whom_it_is_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with observed(tmp_path) as site:
        await site.ask("POST", OPEN, headers=[("X-Request-Id", "mine")])
        [line] = lines(capsys)
        [record] = site.records()

    assert line.pop("duration_ms") > 0
    del line["timestamp"]
    assert line == {
        "event": "request", "level": "info", "request_id": "mine", "method": "POST", "path": OPEN, "status": 200,
        "organization": "acme", "plugin": "probe", "delivery": record.id,
    }  # fmt: skip


async def test_what_never_reaches_a_plugin_says_as_much_as_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with observed(tmp_path) as site:
        await site.ask("GET", "/healthz")
        await site.ask("POST", "/v1/orgs/acme/plugins/probe/any")  # without its signature
        await site.ask("GET", "/v1/orgs/acme/deliveries", headers=[site.token()])
        await site.ask("GET", "/v1/orgs/else/plugins/probe/any")
        found = [(line["status"], line.get("organization"), line.get("plugin"), "delivery" in line) for line in lines(capsys)]

    assert found == [(200, None, None, False), (401, "acme", "probe", True), (200, "acme", None, False), (404, None, None, False)]


@pytest.mark.promise("secrets.log")
async def test_no_query_no_header_and_no_body_is_in_any_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted = "plantedsecretvalue"
    async with observed(tmp_path) as site:
        for target in (f"{OPEN}?token={planted}", f"/v1/orgs/acme/plugins/probe/webhook?hub.mode=subscribe&hub.verify_token={planted}"):
            await site.ask("GET", target, headers=[("Authorization", f"Bearer {planted}"), ("Cookie", planted)])
        await site.ask("POST", "/v1/orgs/acme/plugins/probe/webhook", body=planted.encode(), headers=[("X-Signature", planted)])
        site.runtime.reads.close()
        await site.ask("POST", f"{OPEN}?token={planted}", body=planted.encode(), headers=[("Authorization", f"Bearer {planted}")])
        log = capsys.readouterr().err

    assert log.count('"event": "request"') == 4
    assert log.count('"event": "request.failed"') == 1
    assert planted not in log


async def test_every_line_about_a_guest_names_whose_it_is_and_the_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with observed(tmp_path, probe(Code("unreachable"))) as site:
        await site.ask("GET", OPEN, headers=[("X-Request-Id", "mine")])
        await site.runtime.writer.close()
        await site.ask("GET", OPEN, headers=[("X-Request-Id", "mine")])
        found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    assert [line["event"] for line in found] == ["delivery.failed", "request", "delivery.failed", "delivery.not_recorded", "request"]
    assert {(line["request_id"], line["organization"], line["plugin"]) for line in found} == {("mine", "acme", "probe")}
    assert len({line["delivery"] for line in found}) == 2


async def test_what_strangers_send_can_neither_forge_a_line_nor_reach_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = b'/v1/\x9b31m\xe2\x80\xae%0a{"event":"forged"}' + b"x" * 5000
    async with observed(tmp_path) as site:
        await site.ask("GET", path)
        text = capsys.readouterr().err

    [line] = text.splitlines()
    assert text.isascii()
    assert json.loads(line)["path"].startswith("/v1/%9B31m%E2%80%AE%0a")
    assert len(line) < 1500


async def test_without_being_asked_for_there_is_no_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with a_site(tmp_path) as site:
        await site.ask("GET", OPEN)

    assert lines(capsys) == []


async def test_a_body_that_is_not_complete_when_the_host_ends_is_answered_and_recorded(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        site.runtime.ending.drop()
        reply = await site.ask("POST", OPEN, body=b"x")
        [record] = site.records()

    assert (reply.status, reply.code, reply.header("retry-after")) == (503, "shutdown", ["1"])
    assert (record.outcome, record.error_code) == ("refused", "shutdown")
