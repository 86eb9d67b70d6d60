"""Servers to measure, each a process of its own, and the requests to them."""

import hmac
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.building import EXAMPLES, FIXTURES

SECRET = "an app secret"
CONSTANT = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def answer(request):
    await request.body()
    return JSONResponse({"ok": True})

server = uvicorn.Server(uvicorn.Config(Starlette(routes=[Route("/", answer, methods=["POST"])]), port=0, log_level="critical"))
config = server.config
config.load()
socket = config.bind_socket()
print(f"http://127.0.0.1:{socket.getsockname()[1]}", flush=True)
server.run(sockets=[socket])
"""


def innkeeper(*arguments: str) -> str:
    """Runs a command; gives what it printed."""
    command = [sys.executable, "-m", "host.cli", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def install_whatsapp(data: Path, organization: str) -> None:
    innkeeper(
        "install", str(EXAMPLES / "whatsapp"), "--data", str(data), "--org", organization, "--create-org", "--grant-all",
        "--set", "phone_number_id=106540352242922", "--secret", f"app_secret={SECRET}", "--secret", "webhook_verify_token=token",
    )  # fmt: skip


@contextmanager
def serving(data: Path) -> Iterator[str]:
    """`innkeeper serve`: its URL."""
    yield from _started(
        [sys.executable, "-m", "host.cli", "serve", "--data", str(data), "--port", "0", "--json"], lambda line: json.loads(line)["url"]
    )


@contextmanager
def answering_constantly() -> Iterator[str]:
    """Starlette and uvicorn with nothing behind them: what every figure stands beside."""
    yield from _started([sys.executable, "-c", CONSTANT], str.strip)


def _started(command: list[str], url: Any) -> Iterator[str]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield url(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout and process.stdout.close()


def webhook(number: int) -> tuple[bytes, dict[str, str]]:
    """A text message that was not sent before, and its headers."""
    body = (FIXTURES / "whatsapp" / "text.json").read_bytes().replace(b"ODEwMTQ001", b"ODEwMTQ%08d" % number)
    signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
    return body, {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}
