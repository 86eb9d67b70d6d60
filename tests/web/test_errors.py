"""Errors have one shape, and show nothing of the inside."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from host.web.errors import UnexpectedErrors
from tests.guests_wat import Code
from tests.web.site import a_site, exchange, probe

OPEN = "/v1/orgs/acme/plugins/probe/open"
SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "path": "/x"}


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/", 404, "not-found"),
        ("GET", "/healthz/", 404, "not-found"),
        ("POST", "/healthz", 405, "method.not-allowed"),
        ("DELETE", "/v1/orgs/acme/conversations", 405, "method.not-allowed"),
        ("GET", "/v1/orgs/acme/nothing", 404, "not-found"),
        ("GET", OPEN.replace("open", "no"), 404, "not-found"),
        ("PATCH", OPEN, 405, "method.not-allowed"),
        ("GET", "/v1/orgs/acme/deliveries", 401, "unauthenticated"),
    ],
)
async def test_every_error_has_the_one_shape(tmp_path: Path, method: str, target: str, status: int, code: str) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask(method, target)

    assert (reply.status, reply.code) == (status, code)
    assert bool(reply.header("allow")) == (status == 405)


async def test_a_trap_is_502_with_the_id_of_its_delivery(tmp_path: Path) -> None:
    async with a_site(tmp_path, probe(Code("unreachable"))) as site:
        reply = await site.ask("GET", OPEN)
        record = site.records()[0]

    assert (reply.status, reply.code) == (502, "trap")
    assert reply.json["error"]["delivery_id"] == record.id
    assert (record.outcome, record.status) == ("failed", 502)


async def test_what_nobody_foresaw_is_500_with_an_id_that_the_log_has_too() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        secret = "hunter2"  # noqa: F841  # a local variable that no log may show
        raise KeyError("the inside")

    with capture_logs() as logs:
        reply = await exchange(UnexpectedErrors(broken), SCOPE, [])

    [request_id] = reply.header("x-request-id")
    assert (reply.status, reply.code) == (500, "internal")
    assert request_id in reply.json["error"]["message"]
    assert b"inside" not in reply.body
    assert [(log["event"], log["request_id"]) for log in logs] == [("request.failed", request_id)]
    assert "KeyError: 'the inside'" in logs[0]["traceback"]
    assert "hunter2" not in str(logs)


async def test_a_cancelled_request_stays_cancelled() -> None:
    async def cancelled(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await exchange(UnexpectedErrors(cancelled), SCOPE, [])


async def test_an_answer_that_has_begun_is_broken_off() -> None:
    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError("half way")

    with pytest.raises(KeyError):
        await exchange(UnexpectedErrors(half), SCOPE, [])


async def test_a_defect_below_an_endpoint_is_answered_too(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        token = site.token()
        site.runtime.reads.close()
        with capture_logs() as logs:
            api = await site.ask("GET", "/v1/orgs/acme/conversations", headers=[token])
            webhook = await site.ask("GET", OPEN)

    assert [(reply.status, reply.code) for reply in (api, webhook)] == [(500, "internal"), (500, "internal")]
    assert [log["event"] for log in logs] == ["request.failed", "request.failed"]
