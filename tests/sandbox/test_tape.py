"""Replay: what a guest did once on a fresh instance it does again from the tape alone, to the unit of fuel."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from host.model.case import Case
from host.model.errors import DeadlineExceeded, HostError, OutOfFuel, ReplayDiverged
from host.model.tape import Answer, Tape
from host.model.webhook import Request
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import Instance
from host.sandbox.tape import Recording, Replay
from tests.building import from_source

Load = Callable[..., Awaitable[Component]]
Guest = Callable[..., str]
NewCall = Callable[..., Call]
Run = Callable[..., Awaitable[Any]]
STARTED_AT = 1_700_000_000_000

IMPORTS = """
  (import "innkeeper:plugin/store@0.1.0" (instance $store
    (type $error (record (field "code" string) (field "message" string) (field "retry-after-ms" (option u32))))
    (export "host-error" (type $he (eq $error)))
    (export "get" (func (param "k" u32) (result (result u64 (error $he)))))
    (export "count" (func (param "k" u32) (result u64)))))
  (import "innkeeper:plugin/random@0.1.0" (instance $random (export "number" (func (result u64)))))
  (import "innkeeper:plugin/clock@0.1.0" (instance $clock (export "now" (func (result u64)))))
  (import "wasi:clocks/monotonic-clock@0.2.9" (instance $monotonic (export "now" (func (result u64)))))
  (import "wasi:random/random@0.2.9" (instance $wasi-random (export "get-random-u64" (func (result u64)))))"""
WITH_MEMORY = "(memory $memory) (realloc $realloc)"
LOWERED = {
    "get": f'(canon lower (func $store "get") {WITH_MEMORY}) => (param i32 i32)',
    "count": '(canon lower (func $store "count")) => (param i32) (result i64)',
    "number": '(canon lower (func $random "number")) => (result i64)',
    "time": '(canon lower (func $clock "now")) => (result i64)',
    "now": '(canon lower (func $monotonic "now")) => (result i64)',
    "draw": '(canon lower (func $wasi-random "get-random-u64")) => (result i64)',
}
CORE = """
  (global $state (mut i64) (i64.const 0))
  (func $mix (param i64) (global.set $state (i64.add (i64.mul (global.get $state) (i64.const 6364136223846793005)) (local.get 0))))
  (func (export "work") (param $rounds i32) (result i64) (local $spin i64)
    (loop $again
      (call $mix (call $now)) (call $mix (call $draw)) (call $mix (call $number)) (call $mix (call $time))
      (call $get (local.get $rounds) (i32.const 0))
      (if (i32.load8_u (i32.const 0)) (then (call $mix (i64.const 7))) (else (call $mix (i64.load (i32.const 8)))))
      (call $mix (call $count (local.get $rounds)))
      ;; computes for as long as the answers say, so that epochs interrupt it somewhere
      (local.set $spin (i64.rem_u (global.get $state) (i64.const 700000)))
      (loop $compute (br_if $compute (i64.gt_s (local.tee $spin (i64.sub (local.get $spin) (i64.const 1))) (i64.const 0))))
      (br_if $again (i32.gt_s (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))) (i32.const 0))))
    (global.get $state))"""
EXPORTS = '(func (export "work") (param "rounds" u32) (result u64) (canon lift (core func $i "work")))'


async def get(context: Recording, k: int) -> int:
    """Answers late, at another moment each time, and sometimes with an error."""
    for _ in range(random.randrange(4)):
        await asyncio.sleep(random.random() / 1000)
    if random.random() < 0.3:
        raise HostError("denied", "not now" * random.randrange(5), random.choice([None, 5]))
    return random.getrandbits(64)


def count(context: Recording, k: int) -> int:
    return random.getrandbits(64)


def number(context: Recording) -> int:
    return int.from_bytes(context.random_bytes(8), "little")


def now(context: Recording) -> int:
    return context.now_ms()


FUNCTIONS = {"store": {"get": get, "count": count}, "random": {"number": number}, "clock": {"now": now}}


async def nobody(context: Recording, k: int) -> int:
    raise AssertionError("a replay asks nobody")


def nobody_now(context: Recording, k: int) -> int:
    raise AssertionError("a replay asks nobody")


NOBODY = {"store": {"get": nobody, "count": nobody_now}, "random": {"number": number}, "clock": {"now": now}}


@pytest.fixture(scope="module")
def worker(guest: Guest) -> str:
    return guest(CORE, EXPORTS, IMPORTS, LOWERED)


async def once(component: Component, call: Call, run: Run, rounds: int = 12) -> tuple[Any, int]:
    """The result on a fresh instance, and the fuel."""
    instance = await Instance.start(component, call)
    try:
        return await run(instance, "work", [rounds], call), call.usage.fuel
    finally:
        if not instance.closed:
            instance.close()


async def recorded(component: Component, new_call: NewCall, run: Run, rounds: int = 12) -> tuple[Tape, tuple[Any, int]]:
    recording = Recording(random.randbytes(32), STARTED_AT, keep=True)
    outcome = await once(component, new_call(context=recording, tape=recording), run, rounds)
    return recording.tape, outcome


def replaying(tape: Tape, new_call: NewCall, **limits: int) -> Call:
    replay = Replay(tape)
    return new_call(context=replay, tape=replay, **limits)


@pytest.mark.promise("replay.fuel")
async def test_a_replay_repeats_result_and_fuel_to_the_unit(load: Load, worker: str, new_call: NewCall, run: Run) -> None:
    """Ten tapes, each replayed inline and on threads, many at once; no host function is asked."""
    live, dead = await load(worker, FUNCTIONS), await load(worker, NOBODY)
    for _ in range(10):
        live.calls_elsewhere = random.randrange(3)
        tape, outcome = await recorded(live, new_call, run)
        dead.calls_elsewhere = random.randrange(6)
        replays = [once(dead, replaying(tape, new_call), run) for _ in range(6)]
        assert await asyncio.gather(*replays) == [outcome] * 6


async def test_different_answers_give_different_results(load: Load, worker: str, new_call: NewCall, run: Run) -> None:
    component = await load(worker, FUNCTIONS)
    outcomes = [(await recorded(component, new_call, run))[1] for _ in range(5)]
    assert len(set(outcomes)) == 5


async def test_many_at_once_record_and_replay_without_touching_each_other(load: Load, worker: str, new_call: NewCall, run: Run) -> None:
    live, dead = await load(worker, FUNCTIONS), await load(worker, NOBODY)
    tapes = await asyncio.gather(*[recorded(live, new_call, run, 6) for _ in range(20)])
    outcomes = await asyncio.gather(*[once(dead, replaying(tape, new_call), run, 6) for tape, _ in tapes])
    assert outcomes == [outcome for _, outcome in tapes]


async def test_a_tape_that_ends_early_diverges(load: Load, worker: str, new_call: NewCall, run: Run) -> None:
    live, dead = await load(worker, FUNCTIONS), await load(worker, NOBODY)
    tape, _ = await recorded(live, new_call, run)
    for change, says in [
        ({"answers": tape.answers[:-1]}, "the tape ends here"),
        ({"answers": []}, r"the guest asks store\.get, but the tape ends here"),
        ({"readings": tape.readings[:-1]}, "reads the clock once more"),
        ({"readings": []}, "reads the clock once more"),
    ]:
        shorter = Tape(**{**{name: getattr(tape, name) for name in tape.__struct_fields__}, **change})
        with pytest.raises(ReplayDiverged, match=says):
            await once(dead, replaying(shorter, new_call), run)


async def test_an_answer_of_another_function_diverges(load: Load, worker: str, new_call: NewCall, run: Run) -> None:
    live, dead = await load(worker, FUNCTIONS), await load(worker, NOBODY)
    tape, _ = await recorded(live, new_call, run)
    answers = list(tape.answers)
    answers[2], answers[3] = answers[3], answers[2]
    with pytest.raises(ReplayDiverged, match=r"the guest asks store\.get, but the tape has an answer of store\.count here"):
        await once(dead, replaying(Tape(tape.seed, tape.started_at, tape.readings, answers), new_call), run)


async def test_another_answer_gives_another_result(load: Load, worker: str, new_call: NewCall, run: Run) -> None:
    live, dead = await load(worker, FUNCTIONS), await load(worker, NOBODY)
    tape, (result, _) = await recorded(live, new_call, run)
    answers = [Answer("store.count", 1) if answer.function == "store.count" else answer for answer in tape.answers]
    other, _ = await once(dead, replaying(Tape(tape.seed, tape.started_at, tape.readings, answers), new_call), run)
    assert other != result


async def test_a_call_that_ran_out_of_time_replays_as_one_that_runs_out_of_fuel(
    load: Load, worker: str, new_call: NewCall, run: Run
) -> None:
    live, dead = await load(worker, FUNCTIONS), await load(worker, NOBODY)
    recording = Recording(b"s" * 32, STARTED_AT, keep=True)
    late = new_call(context=recording, tape=recording, deadline_ms=60, fuel=10**12, host_calls=10**9)
    with pytest.raises(DeadlineExceeded):
        await once(live, late, run, 1_000_000)
    again = replaying(recording.tape, new_call, fuel=late.usage.fuel, host_calls=10**9)
    with pytest.raises((OutOfFuel, ReplayDiverged)):
        await once(dead, again, run, 1_000_000)
    assert again.usage.fuel <= late.usage.fuel


def test_the_random_stream_depends_on_its_key_alone() -> None:
    def drawn(seed: bytes, *counts: int) -> bytes:
        recording = Recording(seed, 0)
        return b"".join(recording.random_bytes(count) for count in counts)

    assert drawn(b"a" * 32, 100) == drawn(b"a" * 32, 1, 63, 36)
    assert drawn(b"a" * 32, 100) != drawn(b"b" * 32, 100)
    assert len(drawn(b"a" * 32, 0, 5, 64, 65)) == 134


def test_the_clock_begins_at_the_receipt_and_never_goes_back() -> None:
    recording = Recording(b"a" * 32, STARTED_AT, keep=True)
    readings = [recording.monotonic_ns() for _ in range(100)]
    assert readings == sorted(readings)
    assert readings[0] >= STARTED_AT * 1_000_000
    assert recording.now_ms() >= STARTED_AT
    assert len(recording.tape.readings) == 101


async def test_without_keeping_nothing_of_a_call_stays(load: Load, worker: str, new_call: NewCall, run: Run) -> None:
    recording = Recording(b"a" * 32, STARTED_AT)
    await once(await load(worker, FUNCTIONS), new_call(context=recording, tape=recording), run)
    assert recording.tape == Tape(b"a" * 32, STARTED_AT, [], [])


PYTHON = """
import json, os, random, time, uuid

from plugin_sdk_py import Plugin, Request, Response, public

plugin = Plugin("tape", version="1.0.0", description="Asks for everything that differs from run to run")


@plugin.get("/work", auth=public())
def work(request: Request) -> Response:
    state = [time.time(), time.monotonic_ns(), random.random(), os.urandom(8).hex(), str(uuid.uuid4()), hash("x")]
    time.sleep(0.01)
    print("halfway", state)
    total = sum(random.randrange(1000) * n for n in range(20_000))
    return Response.json([state, total, sorted({str(n) for n in state}), time.time()])
"""


@pytest.mark.promise("replay.fuel")
async def test_a_python_guest_replays_to_the_unit_of_fuel(load: Load, tmp_path: Path, new_call: NewCall) -> None:
    component = await load(from_source(tmp_path / "tape", PYTHON), {})
    request = Request("GET", "http://x/work", "/work", [], [], [], Case("text", ""), "d", 1, 0, False)

    async def outcome(recording: Recording) -> tuple[Any, int, list[str]]:
        lines: list[str] = []
        start = new_call(tape=Recording(b"s" * 32, STARTED_AT))
        instance = await Instance.start(component, start)
        call = new_call(tape=recording, log=lambda level, text: lines.append(text))
        export = component.export("webhooks", "handle")
        assert export is not None
        answer = await instance.call(export, ["work", request], call)
        instance.close()
        return answer.value.body, call.usage.fuel, lines

    recording = Recording(random.randbytes(32), STARTED_AT, keep=True)
    first = await outcome(recording)
    assert first[2][0].startswith("halfway")
    assert await asyncio.gather(*[outcome(Replay(recording.tape)) for _ in range(5)]) == [first] * 5
    assert (await outcome(Recording(random.randbytes(32), STARTED_AT)))[0] != first[0]
