"""Hostile guests in WAT against the sandbox alone: each ends within its limit with its own error, and a neighbour on the same event loop
goes on being answered."""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from host.model.errors import GuestError, InnkeeperError, LimitExceeded, NotAComponent, Trap, WrongWorld
from host.model.limits import MIB
from host.sandbox import callbacks
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import Instance

Load = Callable[..., Awaitable[Component]]
Tools = Callable[[dict[str, Any]], Awaitable[Component]]
Guest = Callable[..., str]
NewCall = Callable[..., Call]
Run = Callable[..., Awaitable[Any]]
HOUR = 3600 * 10**9
ENDLESS = {"fuel": 10**15, "host_calls": 10**9, "deadline_ms": 400}


class Neighbour:
    """A good guest whose calls go on while something else does."""

    def __init__(self, instance: Instance, new_call: NewCall, run: Run) -> None:
        self._instance, self._new_call, self._run = instance, new_call, run

    async def answers_while(self, work: Awaitable[Any]) -> tuple[int, BaseException | None]:
        """How many answers it gets until the work ends, and how that ends."""
        task = asyncio.ensure_future(work)
        answers = 0
        while not task.done():
            assert await self._run(self._instance, "ask", ["still"], self._new_call()) == "still"
            answers += 1
        return answers, task.exception()


@pytest.fixture
def neighbour(tools: Tools, new_call: NewCall, run: Run) -> Callable[[], Awaitable[Neighbour]]:
    async def get(context: Any, key: str) -> str:
        await asyncio.sleep(0)
        return key

    async def neighbour() -> Neighbour:
        return Neighbour(await Instance.start(await tools({"get": get}), new_call()), new_call, run)

    return neighbour


ATTACKS = [
    ("loops", "toolbox", "spin", [], ENDLESS, "deadline", 20),
    ("loops until its fuel is gone", "toolbox", "spin", [], {"fuel": 200_000_000}, "fuel", 1),
    ("calls host functions endlessly", "toolbox", "tell-often", [0], ENDLESS, "deadline", 20),
    ("calls host functions too often", "toolbox", "tell-often", [0], {}, "limit.host-calls", 1),
    ("recurses", "toolbox", "recurse", [], {}, "limit.stack", 1),
    ("allocates", "toolbox", "grow", [60_000], {}, "limit.memory", 1),
    ("grows a table", "toolbox", "grow-table", [10**6], {}, "limit.table-elements", 1),
    ("returns 50 MB", "toolbox", "return", [50 * MIB], {}, "limit.output-bytes", 1),
    ("sleeps an hour", "wasi", "sleep", [HOUR], ENDLESS, "deadline", 20),
    ("polls for an hour", "wasi", "poll", [HOUR, HOUR], ENDLESS, "deadline", 20),
    ("floods the log", "wasi", "flood", ["x" * 1000 + "\n", 0], ENDLESS, "deadline", 20),
    ("floods the log with empty lines", "wasi", "flood", ["\n" * 500_000, 0], ENDLESS, "deadline", 2),
    ("floods the log without lines", "wasi", "flood", ["x" * 500_000, 0], ENDLESS, "deadline", 2),
    ("makes endless pollables", "wasi", "hold", [0], {}, "limit.handles", 1),
    ("makes endless streams", "wasi", "hold-outputs", [0], {}, "limit.handles", 1),
    ("makes and drops pollables endlessly", "wasi", "come-and-go", [0], ENDLESS, "deadline", 20),
    ("writes four million bytes at once", "wasi", "write-at-once", [4_000_000], {}, "limit.output-bytes", 1),
    ("writes fifty million bytes at once", "wasi", "write-at-once", [50_000_000], {}, "limit.output-bytes", 1),
    ("polls ten thousand pollables", "wasi", "poll-many", [10_000], {}, "limit.output-bytes", 1),
    ("draws endless random bytes", "wasi", "random", [2**60], {}, "limit.random-bytes", 1),
    ("leaves", "wasi", "connect", [], {}, "trap", 1),
]  # fmt: skip


@pytest.mark.promise("limits.typed-errors")
@pytest.mark.parametrize(("which", "name", "arguments", "limits", "code", "answers"), [a[1:] for a in ATTACKS], ids=[a[0] for a in ATTACKS])
async def test_a_hostile_guest_ends_with_its_own_error_and_its_neighbour_is_answered(
    load: Load, tools: Tools, wasi_guest: str, new_call: NewCall, run: Run, neighbour: Callable[[], Awaitable[Neighbour]],
    which: str, name: str, arguments: list[Any], limits: dict[str, int], code: str, answers: int,
) -> None:  # fmt: skip
    good = await neighbour()
    instance = await Instance.start(await (tools({}) if which == "toolbox" else load(wasi_guest)), new_call())
    given, failure = await good.answers_while(run(instance, name, arguments, new_call(**{"input_bytes": 32 * MIB, **limits})))
    assert isinstance(failure, GuestError)
    assert failure.code == code
    assert given >= answers
    assert instance.closed


STARTS = [
    ("a start function that loops", '(func $s (loop $l (br $l))) (start $s)', "fuel"),
    ("a start function that traps", '(func $s unreachable) (start $s)', "trap"),
    ("a huge memory", "(memory 60000)", "limit.memory"),
    ("a huge table", "(table 1000000 funcref)", "limit.table-elements"),
    ("many tables", "(table 1 funcref)" * 30, "limit.tables"),
    ("many memories", "(memory 1)" * 30, "limit.memories"),
    ("a data segment outside its memory", '(memory 1) (data (i32.const 65535) "xx")', "trap"),
    ("an element segment outside its table", "(table 1 funcref) (func $f) (elem (i32.const 1) $f)", "trap"),
]  # fmt: skip


@pytest.mark.parametrize(("core", "code"), [a[1:] for a in STARTS], ids=[a[0] for a in STARTS])
async def test_a_component_that_is_hostile_at_its_start_is_refused_there(load: Load, new_call: NewCall, core: str, code: str) -> None:
    component = await load(f"(component (core module $m {core}) (core instance (instantiate $m)))")
    live = callbacks.live()
    with pytest.raises(GuestError) as failed:
        await Instance.start(component, new_call(fuel=5_000_000))
    assert failed.value.code == code
    assert callbacks.live() == live


async def test_a_component_of_many_core_instances_is_refused_at_its_start(load: Load, new_call: NewCall) -> None:
    component = await load(f"(component (core module $m) {'(core instance (instantiate $m))' * 200})")
    with pytest.raises(LimitExceeded) as failed:
        await Instance.start(component, new_call())
    assert failed.value.code == "limit.core-instances"


def doubling(levels: int) -> str:
    """Types each twice the one before."""
    return "(type $t0 (tuple u8 u8))" + "".join(f"(type $t{n} (tuple $t{n - 1} $t{n - 1}))" for n in range(1, levels))


EXPORT = '(core module $m (func (export "f"))) (core instance $i (instantiate $m))'


@pytest.mark.parametrize(
    "wat",
    [
        f'(component (import "wasi:a/b" (instance {doubling(18)} (export "f" (func (param "a" $t17))))))',
        f'(component (import "innkeeper:plugin/store@0.1.0" (instance {doubling(18)} (export "f" (func (param "a" $t17))))))',
        f'(component (import "wasi:a/b" (instance {"".join(f"""(export "f{n}" (func))""" for n in range(3000))})))',
        f'(component {EXPORT} {"".join(f"""(func (export "f{n}") (canon lift (core func $i "f")))""" for n in range(3000))})',
        f'(component (import "wasi:a/b" (instance (export "f" (func (param "a" {"(list " * 500}u8{")" * 500}))))))',
        '(component (core module $m (memory i64 1)) (core instance (instantiate $m)))',
        '(component (core module $m (type $s (struct (field i32))) (func (drop (struct.new $s (i32.const 1))))))',
        '(component (type $s (stream u8)) (core func (canon stream.new $s)))',
        '(component (core func (canon waitable-set.new)))',
    ],
    ids=["wide types of WASI", "wide types of ours", "many imports", "many exports", "deep types", "64 bits", "gc", "streams", "waitables"],
)  # fmt: skip
async def test_a_component_that_is_hostile_by_its_types_is_refused_when_it_is_loaded(load: Load, wat: str) -> None:
    with pytest.raises((WrongWorld, NotAComponent)):
        await load(wat)


async def test_a_guest_that_names_its_functions_after_errors_deceives_nobody(load: Load, new_call: NewCall) -> None:
    for name in ("all fuel consumed by WebAssembly", "call stack exhausted", "Caused by:\\0a  all fuel consumed", "limit.memory"):
        wat = f'(component (core module $m (func $"{name}" unreachable) (start 0)) (core instance (instantiate $m)))'
        with pytest.raises(Trap):
            await Instance.start(await load(wat), new_call())


async def test_resources_of_its_own_are_limited(load: Load, new_call: NewCall, run: Run) -> None:
    wat = """(component
      (type $r (resource (rep i32)))
      (core func $new (canon resource.new $r))
      (core module $m (import "h" "new" (func $new (param i32) (result i32)))
        (func (export "f") (loop $l (drop (call $new (i32.const 0))) (br $l))))
      (core instance $h (export "new" (func $new)))
      (core instance $i (instantiate $m (with "h" (instance $h))))
      (func (export "f") (canon lift (core func $i "f"))))"""
    instance = await Instance.start(await load(wat), new_call())
    with pytest.raises(LimitExceeded) as failed:
        await run(instance, "f", [], new_call())
    assert failed.value.code == "limit.handles"


BAD_ECHO = """
  (func (export "echo") (param i32 i32) (result i32)
    (i32.store (i32.const 0) (i32.const 0x7fffffff)) (i32.store (i32.const 4) (i32.const 0x7fffffff)) (i32.const 0))
  (func (export "crooked") (result i32) (i32.const 0x7ffffffe))
  (func (export "not-text") (result i32)
    (i32.store8 (i32.const 64) (i32.const 0xff))
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 1)) (i32.const 0))
  (func (export "no-char") (result i32) (i32.const 0xd800))
  (func (export "no-case") (result i32) (i32.const 77))"""
BAD_EXPORTS = """
  (type $e (enum "a" "b")) (export $en "e" (type $e))
  (func (export "echo") (param "s" string) (result string) (canon lift (core func $i "echo") (memory $memory) (realloc $realloc)))
  (func (export "crooked") (result string) (canon lift (core func $i "crooked") (memory $memory)))
  (func (export "not-text") (result string) (canon lift (core func $i "not-text") (memory $memory)))
  (func (export "no-char") (result char) (canon lift (core func $i "no-char")))
  (func (export "no-case") (result $en) (canon lift (core func $i "no-case")))"""


@pytest.mark.parametrize(("name", "arguments"), [("echo", ["x"]), ("crooked", []), ("not-text", []), ("no-char", []), ("no-case", [])])
async def test_values_that_are_none_trap(load: Load, guest: Guest, new_call: NewCall, run: Run, name: str, arguments: list[str]) -> None:
    instance = await Instance.start(await load(guest(BAD_ECHO, BAD_EXPORTS)), new_call())
    with pytest.raises(Trap):
        await run(instance, name, arguments, new_call())
    assert instance.closed


async def test_a_guest_that_calls_out_while_its_memory_is_being_arranged_traps(load: Load, new_call: NewCall, run: Run) -> None:
    """From `realloc`, and after its return: the canonical ABI forbids both."""
    asked: list[str] = []
    wat = """(component
      (import "innkeeper:plugin/store@0.1.0" (instance $s (export "now" (func))))
      (core func $now (canon lower (func $s "now")))
      (core module $m (import "h" "now" (func $now)) (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (call $now) (i32.const 64))
        (func (export "take") (param i32 i32)) (func (export "f")) (func (export "after") (call $now)))
      (core instance $h (export "now" (func $now)))
      (core instance $i (instantiate $m (with "h" (instance $h))))
      (func (export "take") (param "s" string)
        (canon lift (core func $i "take") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
      (func (export "after") (canon lift (core func $i "f") (post-return (core func $i "after")))))"""
    component = await load(wat, {"store": {"now": lambda context: asked.append("now")}})
    for name, arguments in (("take", ["text"]), ("after", [])):
        instance = await Instance.start(component, new_call())
        with pytest.raises(Trap, match="cannot leave component instance"):
            await run(instance, name, arguments, new_call())
    assert asked == []


async def test_types_that_wasi_does_not_have_are_the_guests_own_fault(load: Load, guest: Guest, new_call: NewCall, run: Run) -> None:
    imports = """(import "wasi:clocks/monotonic-clock@0.2.9" (instance $c (export "now" (func (result string)))))
      (import "wasi:random/random@0.2.9" (instance $r (export "get-random-bytes" (func (param "n" string)))))"""
    lowered = {
        "now": '(canon lower (func $c "now") (memory $memory) (realloc $realloc)) => (param i32)',
        "draw": '(canon lower (func $r "get-random-bytes") (memory $memory) (realloc $realloc)) => (param i32 i32)',
    }
    core = '(func (export "a") (call $now (i32.const 0))) (func (export "b") (call $draw (i32.const 0) (i32.const 1)))'
    exports = '(func (export "a") (canon lift (core func $i "a"))) (func (export "b") (canon lift (core func $i "b")))'
    component = await load(guest(core, exports, imports, lowered))
    for name in ("a", "b"):
        instance = await Instance.start(component, new_call())
        with pytest.raises(Trap, match="in the type that the component gives it"):
            await run(instance, name, [], new_call())


async def test_growing_by_nothing_forever_is_only_a_loop(load: Load, guest: Guest, new_call: NewCall, run: Run) -> None:
    core = '(func (export "f") (loop $l (drop (memory.grow (i32.const 0))) (br $l)))'
    instance = await Instance.start(await load(guest(core, '(func (export "f") (canon lift (core func $i "f")))')), new_call())
    with pytest.raises(InnkeeperError) as failed:
        await run(instance, "f", [], new_call(fuel=3_000_000))
    assert failed.value.code == "fuel"


async def test_a_thousand_attacks_leave_nothing_behind(tools: Tools, new_call: NewCall, run: Run) -> None:
    component = await tools({})
    attacks = [("spin", [], {"fuel": 50_000}), ("recurse", [], {}), ("grow", [60_000], {}), ("trap", [], {}), ("return", [9 * MIB], {})]

    async def attack(number: int) -> None:
        name, arguments, limits = attacks[number % len(attacks)]
        instance = await Instance.start(component, new_call())
        with pytest.raises(GuestError):
            await run(instance, name, arguments, new_call(**limits))

    for number in range(100):
        await attack(number)
    gc.collect()
    live, before = callbacks.live(), resident()
    for number in range(1000):
        await attack(number)
    gc.collect()
    assert callbacks.live() == live
    assert resident() <= before + 16 * MIB


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
