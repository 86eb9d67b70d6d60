"""Each limit of an installation, with a guest or a sender that crosses it: seen to trip and to be set back by the command, beside a server
that answers the same plugin and a neighbour all the while."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from host.model.limits import LIMITS, tag
from stores.database import Database
from tests.cli.command import PATIENCE, Served, run, served
from tests.guests_wat import Respond, manifest, plugin
from tests.runtime.hosts import choose as choose_in
from tests.runtime.hosts import installed

ROUTE = {"name": "go", "path": "/go", "auth": {"type": "public"}}
WISHES = [{"name": "store", "reason": "to fill it"}]
CONSTANTS = '(data (i32.const 600) "1") (data (i32.const 608) "key")'
LINE = 200
"""Bytes of a log line: some memory that nobody wrote to."""


def times(count: int, instructions: str) -> str:
    return f"""(local.set $n (i32.const {count})) (loop $again {instructions}
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"""


def store_set(key: tuple[str, str], value: tuple[str, str]) -> str:
    """Address and length of each, as instructions."""
    return f"(call $set (i32.const 0) (i32.const 0) (i32.const 0) {' '.join((*key, *value))} (i32.const 512))"


KEY, ONE = ("(i32.const 608)", "(i32.const 3)"), ("(i32.const 600)", "(i32.const 1)")
NEW_KEY = ("(i32.load offset=68 (local.get $request))", "(i32.load offset=72 (local.get $request))")
"""The delivery's id: another one at each call."""
LARGE = """(local.set $p (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 50000)))
  (memory.fill (local.get $p) (i32.const 120) (i32.const 50000))
  (i32.store8 (local.get $p) (i32.const 34)) (i32.store8 offset=49999 (local.get $p) (i32.const 34))"""
SLEEP = "(call $block (local.tee $p (call $duration (i64.const 300000000)))) (call $drop (local.get $p))"


@dataclass(frozen=True)
class Case:
    """What a guest does (`before` it answers), what its sender sends, and under which `chosen` limits that is too much.

    `code` is the error's; without one nothing fails, and `seen` tells whether the delivery's record shows it.
    """

    chosen: dict[str, str]
    code: str | None
    status: int
    before: str = ""
    functions: Sequence[str] = ()
    core: str = ""
    answer: bytes = b"ok"
    body: bytes = b""
    burst: int = 1
    seen: Any = field(default=None)

    def plugin(self, name: str) -> bytes:
        code = f"(local $n i32) (local $p i32) {self.before}"
        described = manifest(ROUTE, name=name, capabilities=WISHES if {"set", "add"} & {*self.functions} else [])
        return plugin(described, Respond(body=self.answer, before=code), self.functions, CONSTANTS * bool(self.functions) + self.core)


CASES = {
    "fuel": Case({"fuel": "20k"}, "fuel", 504, before=times(100_000, "")),
    "deadline_ms": Case({"deadline": "10ms"}, "deadline", 504, before=times(30_000_000, "")),
    "memory": Case({"memory": "2MiB"}, "limit.memory", 502, before="(drop (memory.grow (i32.const 64)))"),
    "table_elements": Case(
        {"table-elements": "1000"}, "limit.table-elements", 502, core="(table $t 1 funcref)",
        before="""(if (i32.lt_u (table.size $t) (i32.const 5000)) (then
          (drop (table.grow $t (ref.null func) (i32.const 5000)))))""",
    ),
    "host_calls": Case(
        {"host-calls": "10"}, "limit.host-calls", 502, functions=["number"], before=times(50, "(drop (call $number))")
    ),
    "input_bytes": Case({"input-bytes": "64KiB"}, "body.too-large", 413, body=b"x" * 100_000),
    "output_bytes": Case({"output-bytes": "64KiB"}, "limit.output-bytes", 502, answer=b"x" * 100_000),
    "answer_bytes": Case(
        {"answer-bytes": "64KiB"}, "limit.answer-bytes", 502, functions=["hex"],
        before=times(20, "(call $hex (i32.const 4096) (i32.const 512))"),
    ),
    "log_bytes": Case(
        {"log-bytes": "1KiB"}, None, 200, functions=["write"], seen=lambda record: record["dropped_log_lines"] > 0,
        before=times(50, f"(call $write (i32.const 1) (i32.const 700) (i32.const {LINE}) (i32.const 0) (i32.const 0) (i32.const 0))"),
    ),
    "effects": Case(
        {"effects": "10"}, "limit.effects", 502, functions=["add"],
        before=times(20, f"(call $add (i32.const 0) (i32.const 0) (i32.const 0) {' '.join(KEY)} (i64.const 1) (i32.const 512))"),
    ),
    "effect_bytes": Case(
        {"effect-bytes": "100KiB"}, "limit.effect-bytes", 502, functions=["set"],
        before=LARGE + times(4, store_set(KEY, ("(local.get $p)", "(i32.const 50000)"))),
    ),
    "concurrent": Case(
        {"concurrent": "1", "deadline": "1s"}, "deadline", 504, functions=["duration", "block", "drop"], before=SLEEP, burst=6
    ),
    "queue": Case(
        {"queue": "0", "concurrent": "1"}, "limit.queue", 429, functions=["duration", "block", "drop"], before=SLEEP, burst=4
    ),
    "calls_per_minute": Case({"calls-per-minute": "2"}, "limit.calls-per-minute", 429, burst=4),
    "store_keys": Case({"store-keys": "1"}, "limit.store-keys", 502, functions=["set"], before=store_set(NEW_KEY, ONE)),
    "store_bytes": Case({"store-bytes": "20"}, "limit.store-bytes", 502, functions=["set"], before=store_set(NEW_KEY, ONE)),
}  # fmt: skip


def test_every_limit_has_a_case() -> None:
    assert set(CASES) == set(LIMITS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Every case's plugin in `acme`, a harmless one in `globex`. One address sends all; each installation fails as often as it likes."""
    data = tmp_path_factory.mktemp("limits") / "data"

    async def install() -> None:
        for name, case in CASES.items():
            await installed(data, case.plugin(tag(name)))
        await installed(data, plugin(manifest(ROUTE, name="harmless"), Respond(body=b"well")), organization="globex")

    asyncio.run(install())
    with Database(data / "innkeeper.db").transaction() as connection:
        choose_in(connection, "harmless", "globex", limits={"calls_per_minute": 10**6})
    with served(data, "--refusals-per-minute-per-address", "1M", "--breaker-failures", "0") as server:
        assert server.process.stderr is not None
        log = threading.Thread(target=server.process.stderr.read)  # a line for each failure: nobody may keep it waiting with them
        log.start()
        yield server
        server.process.terminate()
        log.join()


class Traffic:
    """Requests to a case's plugin and to its neighbour, one after the other, until it is left. The neighbour must not notice anything."""

    def __init__(self, server: Served, name: str, case: Case) -> None:
        self._server, self._name, self._case = server, name, case
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self.neighbour: list[int] = []

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        self._thread.join()
        assert len(self.neighbour) > 2
        assert set(self.neighbour) == {200}

    def _send(self) -> None:
        with httpx2.Client(trust_env=False, timeout=PATIENCE) as client:
            while not self._over.wait(0.05):
                client.post(f"{self._server.url}/v1/orgs/acme/plugins/{self._name}/go", content=self._case.body)
                self.neighbour.append(client.post(f"{self._server.url}/v1/orgs/globex/plugins/harmless/go").status_code)


def burst(server: Served, name: str, case: Case) -> list[httpx2.Response]:
    url = f"{server.url}/v1/orgs/acme/plugins/{name}/go"

    def post(number: int) -> httpx2.Response:
        return httpx2.post(url, content=case.body, trust_env=False, timeout=PATIENCE)

    with ThreadPoolExecutor(case.burst) as pool:
        return list(pool.map(post, range(case.burst)))


def choose(server: Served, name: str, options: dict[str, str]) -> None:
    """Runs the command beside the server."""
    arguments = [part for option, value in options.items() for part in (f"--{option}", value)]
    done = run("limits", name, "--org", "acme", *arguments, "--data", server.data)
    assert done.returncode == 0, done.stderr


@pytest.mark.promise("limits.typed-errors")
@pytest.mark.promise("limits.command")
@pytest.mark.parametrize("limit", CASES)
def test_a_limit_trips_and_is_set_back_by_the_command_while_requests_run(server: Served, limit: str) -> None:
    case, name = CASES[limit], tag(limit)
    assert {answer.status_code for answer in burst(server, name, case)} == {200}
    with Traffic(server, name, case):
        choose(server, name, case.chosen)
        answers = burst(server, name, case)
        record = newest(server, name)
        choose(server, name, dict.fromkeys(case.chosen, "default"))
        assert {answer.status_code for answer in burst(server, name, case)} == {200}

    failed = [answer for answer in answers if answer.status_code != 200]
    if case.code is None:
        assert not failed
        assert case.seen(record)
    else:
        assert {(answer.status_code, answer.json()["error"]["code"]) for answer in failed} == {(case.status, case.code)}
        assert all(1 <= int(answer.headers["retry-after"]) <= 120 for answer in failed if case.status == 429)


def newest(server: Served, name: str) -> dict[str, Any]:
    """The plugin's latest delivery, with all that is recorded of it."""
    found: dict[str, Any] = server.get(f"/v1/orgs/acme/deliveries?plugin={name}&limit=1", server.token()).json()["items"][0]
    return found
