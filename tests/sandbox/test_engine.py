"""The engine: one per process, its ticker, what it refuses, and the two hidden fields of a store."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from host.sandbox import callbacks, hidden, raw
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.engine import engine
from host.sandbox.instance import Instance

ROOT = Path(__file__).parents[2]
Tools = Callable[[dict[str, Any]], Awaitable[Component]]
NewCall = Callable[..., Call]
Run = Callable[..., Awaitable[Any]]


def test_there_is_one_engine() -> None:
    assert engine() is engine()


def test_the_hidden_fields_are_found_and_proven_again() -> None:
    assert hidden.find(engine().wasmtime) == engine().hidden


def test_a_store_begins_with_what_wasmtime_allows_to_copy() -> None:
    store, context = engine().new_store()
    memory = raw.allocation(context)
    raw.store_delete(store)
    assert hidden.WORD.unpack_from(memory, engine().hidden.copying)[0] == hidden.COPYING_BY_DEFAULT


async def test_the_ticker_rests_while_no_guest_is_polled(tools: Tools, new_call: NewCall, run: Run) -> None:
    asleep, answer = asyncio.Event(), asyncio.Event()

    async def get(context: Any, key: str) -> str:
        asleep.set()
        await answer.wait()
        return key

    instance = await Instance.start(await tools({"get": get}), new_call())
    task = asyncio.create_task(run(instance, "ask", ["x"], new_call()))
    await asleep.wait()
    assert not engine().ticker._busy.is_set()
    assert engine().ticker._active == 0
    answer.set()
    await task
    instance.close()


async def test_the_ticker_counts_right_when_many_threads_poll(tools: Tools, new_call: NewCall, run: Run) -> None:
    component = await tools({})

    async def one() -> None:
        instance = await Instance.start(component, new_call())
        component.calls_elsewhere = 1
        await run(instance, "count", [100_000], new_call())
        instance.close()

    await asyncio.gather(*[one() for _ in range(40)])
    assert engine().ticker._active == 0
    assert sum(thread.name == "innkeeper-epochs" for thread in threading.enumerate()) == 1


FORK = """
import os
from host.sandbox.engine import engine
engine()
pid = os.fork()
if pid == 0:
    try:
        engine().new_store()
    except RuntimeError as error:
        os._exit(7 if "spawn" in str(error) else 1)
    os._exit(2)
_, status = os.waitpid(pid, 0)
store, context = engine().new_store()
print(os.waitstatus_to_exitcode(status), bool(store))
"""


def python(source: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_forked_process_is_told_to_be_spawned() -> None:
    assert python(FORK).split() == ["7", "True"]


ENDS = """
import asyncio, sys
from pathlib import Path
from host.model.limits import Limits
from host.sandbox.cache import Cache, digest
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import Instance
from host.sandbox.tape import Recording
WAT = b'''(component (core module $m (func (export "f") (loop $l (br $l)))) (core instance $i (instantiate $m))
  (func (export "f") (canon lift (core func $i "f"))))'''

def call():
    return Call(Limits(fuel=10**15, deadline_ms=60000), Recording(b"k" * 32, 0))

async def main():
    component = Component(await Cache(Path(sys.argv[1])).artefact(digest(WAT), lambda: WAT), {})
    instances = [await Instance.start(component, call()) for _ in range(5)]
    tasks = [asyncio.create_task(i.call(component.export("", "f"), [], call())) for i in instances]
    for _ in range(50):
        await asyncio.sleep(0)
    print("ends", flush=True)

asyncio.run(main())
print("ended", flush=True)
"""


def test_a_process_ends_while_guests_compute_on_its_threads(tmp_path: Path) -> None:
    source = ENDS.replace("sys.argv[1]", repr(str(tmp_path / "cache")))
    assert python(source).split() == ["ends", "ended"]


async def test_instances_that_are_closed_are_forgotten(tools: Tools, new_call: NewCall) -> None:
    live = callbacks.live()
    instances = [await Instance.start(await tools({}), new_call()) for _ in range(10)]
    assert callbacks.live() == live + 10
    for instance in instances:
        instance.close()
    assert callbacks.live() == live


async def test_components_that_are_dropped_are_forgotten(tools: Tools, new_call: NewCall) -> None:
    gc.collect()
    before = len(callbacks._functions)
    components = [await tools({}) for _ in range(3)]
    assert len(callbacks._functions) > before
    components.clear()
    gc.collect()
    assert len(callbacks._functions) <= before
