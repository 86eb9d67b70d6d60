"""Hostile plugins in Python, in a whole host: each gets its typed error within its limit, and a neighbour is answered all the while."""

import asyncio
import shutil
from pathlib import Path

import pytest
from msgspec.json import decode

from host.model.limits import MIB
from host.runtime.runtime import Runtime
from stores.database import Database
from tests.building import example, from_source
from tests.runtime.hosts import a_host, choose, installed, records, send

HOSTILE = """
import socket
import time

from plugin_sdk_py import Plugin, Request, Response, token

plugin = Plugin("hostile", version="1.0.0", description="Does what nobody should")
plugin.needs("store", reason="to fill it")


@plugin.post("/attack", auth=token())
def attack(request: Request) -> Response:
    return Response.json({"got": ATTACKS[request.text]()})


def loop():
    while True:
        pass


def allocate():
    hoard = []
    while True:
        hoard.append(bytearray(1024 * 1024))


def recurse(depth=0):
    return recurse(depth + 1)


def nest():
    import json
    return len(str(json.loads("[" * 100_000)))


def sleep():
    time.sleep(3600)


def print_flood():
    for i in range(2_000):
        print("x" * 1000)
    return "done"


def log_flood():
    for i in range(5_000):
        plugin.log.info("x" * 1000)
    return "done"


def answer():
    return "x" * 50 * 1024 * 1024


def connect():
    socket.create_connection(("127.0.0.1", 80))


def bind():
    socket.socket().bind(("127.0.0.1", 0))


def resolve():
    return socket.getaddrinfo("localhost", 80)


def read():
    return open("/etc/passwd").read()


def write():
    open("/tmp/mine", "w").write("x")


def environment():
    import os
    return dict(os.environ)


def fill():
    for i in range(100_000):
        plugin.store.set(f"key {i}", "x" * 1000)


def fill_big():
    for i in range(1_000):
        plugin.store.set(f"key {i}", "x" * 250_000)


def thread():
    import threading
    threading.Thread(target=print).start()


def process():
    import subprocess
    subprocess.run(["true"])


ATTACKS = {f.__name__: f for f in [
    loop, allocate, recurse, nest, sleep, print_flood, log_flood, answer, connect, bind, resolve, read, write, environment, fill, fill_big,
    thread, process,
]}
"""
OUTCOMES = {
    "loop": "deadline",
    "allocate": "limit.memory",
    "recurse": "failed",
    "nest": "limit.stack",
    "sleep": "deadline",
    "answer": "limit.output-bytes",
    "connect": "failed",
    "bind": "failed",
    "resolve": "failed",
    "read": "failed",
    "write": "failed",
    "fill": "limit.effects",
    "fill_big": "limit.effect-bytes",
    "thread": "failed",
    "process": "failed",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the hostile plugin in one organisation and a harmless one in another."""
    folder = tmp_path_factory.mktemp("hostile")

    async def install_both() -> None:
        await installed(folder / "data", from_source(folder / "hostile", HOSTILE))
        await installed(folder / "data", example("simple_http_test"), organization="neighbour")

    asyncio.run(install_both())
    return folder / "data"


def prepared(template: Path, folder: Path, limits: dict[str, int]) -> Path:
    """A copy of the template, with these limits for the hostile plugin."""
    data = Path(shutil.copytree(template, folder / "data"))
    with Database(data / "innkeeper.db").transaction() as connection:
        choose(connection, "hostile", limits=limits)
    return data


async def answered_meanwhile(runtime: Runtime, attack: "asyncio.Task[object]") -> int:
    """How often the neighbour is answered until the attack is over."""
    count = 0
    while not attack.done():
        assert (await send(runtime, "simple-http-test", "ping", organization="neighbour")).status == 200
        count += 1
    return count


@pytest.mark.promise("limits.typed-errors")
@pytest.mark.parametrize("attack", OUTCOMES)
async def test_each_attack_gets_its_typed_error_and_the_neighbour_does_not_notice(template: Path, tmp_path: Path, attack: str) -> None:
    memory = 64 * MIB if OUTCOMES[attack] == "limit.memory" else 512 * MIB
    data = prepared(template, tmp_path, {"fuel": 10**13, "deadline_ms": 1_500, "memory": memory, "effects": 1_000})
    async with a_host(data) as runtime:
        await send(runtime, "simple-http-test", "ping", organization="neighbour")
        task = asyncio.create_task(send(runtime, "hostile", "attack", attack.encode()))
        answered = await answered_meanwhile(runtime, task)
        answer = await task
        assert decode(answer.body)["error"]["code"] == OUTCOMES[attack], answer.body
        assert records(runtime)[-1].effects == 0
        # The first answer may come before the attack has begun. Where nothing else runs there are 30 and more.
        assert answered > (20 if OUTCOMES[attack] == "deadline" else 1)
        assert (await send(runtime, "hostile", "attack", b"environment")).status == 200


@pytest.mark.promise("limits.log")
@pytest.mark.parametrize("attack", ["print_flood", "log_flood"])
async def test_a_flooded_log_is_cut_and_counted_and_fails_nothing(template: Path, tmp_path: Path, attack: str) -> None:
    data = prepared(template, tmp_path, {"log_bytes": 10_000, "host_calls": 100_000})
    async with a_host(data) as runtime:
        answer = await send(runtime, "hostile", "attack", attack.encode())
        assert answer.status == 200, answer.body
        (record,) = records(runtime)
        assert sum(len(line.message) for line in record.log) <= 10_000
        assert len(record.log) + record.dropped_log_lines == (2_000 if attack == "print_flood" else 5_000)


@pytest.mark.promise("capabilities.no-system")
async def test_the_environment_is_empty(template: Path, tmp_path: Path) -> None:
    data = prepared(template, tmp_path, {})
    async with a_host(data) as runtime:
        answer = await send(runtime, "hostile", "attack", b"environment")
        assert decode(answer.body) == {"got": {}}


@pytest.mark.parametrize(("attack", "hint"), [("connect", "socket"), ("read", "file"), ("thread", "thread"), ("process", "process")])
async def test_the_author_is_told_what_a_guest_can_not_do(template: Path, tmp_path: Path, attack: str, hint: str) -> None:
    data = prepared(template, tmp_path, {})
    async with a_host(data) as runtime:
        answer = await send(runtime, "hostile", "attack", attack.encode())
        (record,) = records(runtime)
        assert hint in str(record.error_message)
        assert hint not in decode(answer.body)["error"]["message"]  # a stranger is told only that it failed
