"""Ten organisations with a plugin each that misbehaves in its own way, and an eleventh with an ordinary one, in one runtime."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.json import decode

from host.model.limits import MIB
from host.model.options import HostOptions
from host.runtime.receipt import Answer
from host.runtime.runtime import Runtime
from stores.database import Database
from tests.building import FIXTURES, example, from_source
from tests.guests_wat import RESULT, Code, Handler, manifest, plugin
from tests.runtime.hosts import a_host, choose, installed, send
from tests.waiting_guest import waiting

FLOODING = """
from plugin_sdk_py import Plugin, Request, Response, token

plugin = Plugin("neighbour", version="1.0.0", description="Asks and tells the host without end")
plugin.needs("store", reason="to fill it")


@plugin.post("/attack", auth=token())
def attack(request: Request) -> Response:
    return WAYS[request.text]()


def log():
    for number in range(20_000):
        plugin.log.info("x" * 1000, number=number)


def store():
    for number in range(10**9):
        plugin.store.set(f"key {number}", "x" * 1000)


def ask():
    while True:
        plugin.clock.now()


WAYS = {"floods its log": log, "floods its store": store, "asks the host without end": ask}
"""
ROUTE = {"name": "attack", "path": "/attack", "auth": {"type": "token"}}
PATIENT = {"deadline_ms": 120_000}
"""For what another limit ends: under load that can take a while."""
HURRIED = {"fuel": 10**15, "deadline_ms": 300}


@dataclass(frozen=True)
class Way:
    """How a plugin misbehaves: what it is, under which limits, and what each of its requests comes to."""

    component: bytes
    limits: dict[str, int]
    status: int
    code: str | None


def _wat(handler: Handler) -> bytes:
    return plugin(manifest(ROUTE, name="neighbour"), handler)


_SPIN = Code("(loop $again (br $again)) (unreachable)")
_GROW = Code("(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)")
_RECURSE = Code("(call $answer (local.get $request))")
_LARGE = Code(f"""
    (call $reserve (i32.const {9 * MIB}))
    (memory.fill (i32.const {RESULT}) (i32.const 0) (i32.const 32))
    (i32.store16 offset=4 (i32.const {RESULT}) (i32.const 200))
    (i32.store offset=20 (i32.const {RESULT}) (i32.const {MIB // 2}))
    (i32.store offset=24 (i32.const {RESULT}) (i32.const {8 * MIB - 1024}))
    (i32.const {RESULT})""")


def ways(folder: Path) -> dict[str, Way]:
    flooding = from_source(folder / "flooding", FLOODING)
    return {
        "spins until its fuel is gone": Way(_wat(_SPIN), {**PATIENT, "fuel": 200_000_000}, 504, "fuel"),
        "spins until its deadline": Way(_wat(_SPIN), HURRIED, 504, "deadline"),
        "sleeps until its deadline": Way(waiting(manifest(ROUTE, name="neighbour")), HURRIED, 504, "deadline"),
        "grows its memory": Way(_wat(_GROW), PATIENT, 502, "limit.memory"),
        "recurses": Way(_wat(_RECURSE), PATIENT, 502, "limit.stack"),
        "traps at once": Way(_wat(Code("unreachable")), PATIENT, 502, "trap"),
        "answers with eight megabytes": Way(_wat(_LARGE), PATIENT, 200, None),
        "floods its log": Way(flooding, PATIENT, 204, None),
        "floods its store": Way(flooding, {**PATIENT, "effects": 2_000}, 502, "limit.effects"),
        "asks the host without end": Way(flooding, {**PATIENT, "host_calls": 20_000}, 502, "limit.host-calls"),
    }


@dataclass
class Attack:
    """One misbehaving organisation. `answered` counts what the ordinary one was answered while a request here was under way."""

    name: str
    way: Way
    organization: str
    answered: int = 0
    outcomes: set[tuple[int, str | None]] = field(default_factory=set)


class Neighbourhood:
    """`served` are the answers that the ordinary organisation got so far."""

    def __init__(self, runtime: Runtime, attacks: list[Attack]) -> None:
        self.runtime = runtime
        self.attacks = attacks
        self.served: list[Answer] = []

    async def ask(self) -> Answer:
        """One webhook with a message of its own to the ordinary plugin."""
        number = len(self.served)
        body = (FIXTURES / "whatsapp" / "text.json").read_bytes().replace(b"ODEwMTQ001", b"ODEwMTQ%08d" % number)
        answer = await send(self.runtime, "whatsapp", "webhook", body, "ordinary")
        self.served.append(answer)
        return answer

    @asynccontextmanager
    async def under_attack(self, attacks: Sequence[Attack] | None = None, at_once: int = 2) -> AsyncIterator[None]:
        """All, or those given, misbehave within, again and again, so many requests of each at once. What is under way ends before this."""
        over = asyncio.Event()
        tasks = [asyncio.create_task(self._misbehave(attack, over)) for attack in attacks or self.attacks for _ in range(at_once)]
        try:
            yield
        finally:
            over.set()
            await asyncio.gather(*tasks)

    async def _misbehave(self, attack: Attack, over: asyncio.Event) -> None:
        while not over.is_set():
            before = len(self.served)
            answer = await send(self.runtime, "neighbour", "attack", attack.name.encode(), attack.organization)
            attack.answered += len(self.served) - before
            attack.outcomes.add((answer.status, decode(answer.body)["error"]["code"] if answer.status >= 400 else None))


@asynccontextmanager
async def a_neighbourhood(folder: Path) -> AsyncIterator[Neighbourhood]:
    data = folder / "data"
    attacks = [Attack(name, way, f"org-{number}") for number, (name, way) in enumerate(ways(folder).items())]
    for attack in attacks:
        await installed(data, attack.way.component, organization=attack.organization)
    with Database(data / "innkeeper.db").transaction() as connection:
        for attack in attacks:
            choose(connection, "neighbour", attack.organization, limits=attack.way.limits)
    secrets = {"app_secret": "an app secret", "webhook_verify_token": "a token"}
    settings = {"phone_number_id": "106540352242922"}
    await installed(data, example("whatsapp"), organization="ordinary", settings=settings, secrets=secrets)
    async with a_host(data, HostOptions(breaker_failures=0)) as runtime:  # it would keep them from misbehaving
        await runtime.warm_up()
        yield Neighbourhood(runtime, attacks)
