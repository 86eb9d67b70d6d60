"""The smallest example, in a host."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec.json import decode

from host.runtime.receipt import Answer
from host.runtime.runtime import Runtime
from tests.building import EXAMPLES, example
from tests.runtime.hosts import ORGANIZATION, a_host, installed, receipt


async def get(runtime: Runtime, route: str, **changes: Any) -> Answer:
    installation = runtime.installation(ORGANIZATION, "simple-http-test")
    assert installation is not None
    return await runtime.handle(replace(receipt(installation, route, method="GET"), **changes))


async def test_it_answers_as_it_says(tmp_path: Path) -> None:
    await installed(tmp_path / "data", example("simple_http_test"), settings={"greeting": "hi"})
    async with a_host(tmp_path / "data") as runtime:
        before = time.time_ns() // 1_000_000
        health, ping, config = [await get(runtime, route) for route in ("health", "ping", "config")]
        headers = await get(runtime, "headers", headers=[("accept", "*/*"), ("x-a", "grün")])

        assert health.body == b'{"status":"ok","plugin":"simple-http-test","version":"1.0.0"}'
        assert ("content-type", "application/json") in health.headers
        pong = decode(ping.body)
        assert before <= pong.pop("timestamp") <= time.time_ns() // 1_000_000
        assert pong == {"success": True, "message": "pong", "pluginId": "simple-http-test", "pluginVersion": "1.0.0"}
        assert decode(config.body) == {"greeting": "hi"}
        assert decode(headers.body) == {"accept": "*/*", "x-a": "grün"}


async def test_it_echoes_any_bytes_with_their_content_type(tmp_path: Path) -> None:
    await installed(tmp_path / "data", example("simple_http_test"))
    async with a_host(tmp_path / "data") as runtime:
        for body, content_type in ((b"gr\xc3\xbcn", "text/plain; charset=utf-8"), (bytes(range(256)), "image/x"), (b"", "a/b")):
            answer = await get(runtime, "echo", method="POST", body=body, headers=[("content-type", content_type)])
            assert (answer.status, answer.body) == (200, body)
            assert ("content-type", content_type) in answer.headers
        plain = await get(runtime, "echo", method="POST", body=b"x", headers=[])
        assert ("content-type", "application/octet-stream") in plain.headers


def test_it_fits_in_40_lines() -> None:
    assert len((EXAMPLES / "simple_http_test" / "plugin.py").read_text().splitlines()) <= 40
