"""Whose refusals are counted, over a real server: the connection's address, or what a trusted proxy says."""

from pathlib import Path

import httpx2
import pytest

from tests.cli.command import PATIENCE, Served, served


def refused(server: Served, address: str) -> int:
    headers = {"x-forwarded-for": address}
    return httpx2.get(f"{server.url}/nothing", headers=headers, trust_env=False, timeout=PATIENCE).status_code


@pytest.mark.promise("front.addresses")
def test_a_trusted_proxy_says_whose_requests_are_refused(tmp_path: Path) -> None:
    with served(tmp_path, "--refusals-per-minute-per-address", 2, "--trusted-proxies", "127.0.0.1") as server:
        assert [refused(server, "203.0.113.7") for _ in range(3)] == [404, 404, 429]
        assert refused(server, "203.0.113.8") == 404
        assert refused(server, "203.0.113.8, 203.0.113.7") == 429, "what stands before the proxy's own entry is the sender's word"


@pytest.mark.promise("front.addresses")
def test_nobody_else_can_say_so(tmp_path: Path) -> None:
    with served(tmp_path, "--refusals-per-minute-per-address", 2) as server:
        assert [refused(server, f"203.0.113.{number}") for number in range(3)] == [404, 404, 429]
