"""What the sandbox's tests share: guests in WAT, components from one cache, calls."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from host.model.limits import Limits
from host.sandbox.cache import Cache, digest
from host.sandbox.call import Call, discard
from host.sandbox.component import Component, HostFunctions
from host.sandbox.instance import Instance
from host.sandbox.tape import Recording
from tests.sandbox import wasi_guest as wasi

SEED = b"k" * 32
STARTED_AT = 1_700_000_000_000

LIBRARY = """
  (core module $library
    (memory (export "memory") 4)
    (global $next (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (block $fits (loop $grow
        (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (drop (memory.grow (i32.const 16)))
        (br $grow)))
      (local.get $at))
    (func (export "free") (global.set $next (i32.const 65536))))
  (core instance $library (instantiate $library))
  (alias core export $library "memory" (core memory $memory))
  (alias core export $library "realloc" (core func $realloc))
"""


class NewCall(Protocol):
    def __call__(
        self, context: Any = None, log: Callable[[str, str], None] = discard, tape: Recording | None = None, **limits: int
    ) -> Call: ...


class Guest(Protocol):
    def __call__(self, core: str, exports: str, imports: str = "", lowered: dict[str, str] | None = None) -> str: ...


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """One for all tests, so that each guest is compiled once."""
    chosen = os.environ.get("INNKEEPER_CACHE")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    return Cache(Path(chosen) / "artefacts" if chosen else shared / "artefacts")


@pytest.fixture(scope="session")
def load(cache: Cache) -> Callable[..., Awaitable[Component]]:
    """A component of WAT text (or of bytes), with the host's functions by interface."""

    async def load(source: str | bytes, functions: HostFunctions | None = None) -> Component:
        wasm = source.encode() if isinstance(source, str) else source
        return Component(await cache.artefact(digest(wasm), lambda: wasm), functions or {})

    return load


@pytest.fixture(scope="session")
def new_call() -> NewCall:
    """A call with these limits."""

    def new_call(context: Any = None, log: Callable[[str, str], None] = discard, tape: Recording | None = None, **limits: int) -> Call:
        return Call(Limits(**limits), tape or Recording(SEED, STARTED_AT), context, log)

    return new_call


@pytest.fixture(scope="session")
def guest() -> Guest:
    """A component's text: `core` are functions of its one core module, `exports` lift them, `imports` is what it imports.

    `lowered` gives the core module its imports: by name the canonical function's text, an arrow, and its core type. In `core`, `$memory`
    is the memory; in `exports` and `lowered`, `(core func $i "name")`, `$memory` and `$realloc` are there.
    """

    def guest(core: str, exports: str, imports: str = "", lowered: dict[str, str] | None = None) -> str:
        canon = parts = wanted = ""
        for name, text in (lowered or {}).items():
            function, _, core_type = text.partition(" => ")
            canon += f"(core func ${name} {function})\n"
            parts += f'(export "{name}" (func ${name}))\n'
            wanted += f'(import "host" "{name}" (func ${name} {core_type}))\n'
        return f"""(component
          {imports} {LIBRARY} {canon}
          (core module $m (import "library" "memory" (memory $memory 1)) {wanted} {core})
          (core instance $host {parts})
          (core instance $i (instantiate $m (with "library" (instance $library)) (with "host" (instance $host))))
          {exports})"""

    return guest


@pytest.fixture(scope="session")
def toolbox(guest: Guest) -> str:
    """A guest that can do one of everything.

    It imports, of the interface `store`: `get(k) -> string`, `look(k) -> result<string, host-error>`, `tell(k)`, `yes() -> bool`.
    """
    imports = """
      (import "innkeeper:plugin/store@0.1.0" (instance $store
        (type $error (record (field "code" string) (field "message" string) (field "retry-after-ms" (option u32))))
        (export "host-error" (type $he (eq $error)))
        (export "get" (func (param "k" string) (result string)))
        (export "look" (func (param "k" string) (result (result string (error $he)))))
        (export "tell" (func (param "k" string)))
        (export "yes" (func (result bool)))))
      (alias export $store "host-error" (type $he))"""
    options = "(memory $memory) (realloc $realloc)"
    lowered = {
        "get": f'(canon lower (func $store "get") {options}) => (param i32 i32 i32)',
        "look": f'(canon lower (func $store "look") {options}) => (param i32 i32 i32)',
        "tell": f'(canon lower (func $store "tell") {options}) => (param i32 i32)',
        "yes": '(canon lower (func $store "yes")) => (result i32)',
    }
    core = """
      (table 1 funcref)
      (global $calls (mut i32) (i32.const 0))
      (func (export "echo") (param i32 i32) (result i32)
        (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0))
      (func (export "ask") (param i32 i32) (result i32) (call $get (local.get 0) (local.get 1) (i32.const 0)) (i32.const 0))
      (func (export "look") (param i32 i32) (result i32) (call $look (local.get 0) (local.get 1) (i32.const 0)) (i32.const 0))
      (func (export "tell") (param i32 i32) (call $tell (local.get 0) (local.get 1)))
      (func (export "yes") (result i32) (call $yes))
      (func (export "tell-often") (param i32) (loop $again
        (call $tell (i32.const 0) (i32.const 0))
        (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
      (func (export "ask-and-spin") (param i32 i32) (result i32)
        (call $get (i32.const 0) (i32.const 0) (i32.const 0)) (loop $l (br $l)) (unreachable))
      (func (export "count") (param i64) (result i64) (local i64) (loop $again
        (local.set 1 (i64.add (local.get 1) (i64.const 1)))
        (br_if $again (i64.lt_u (local.get 1) (local.get 0))))
        (local.get 1))
      (func (export "calls") (result i32) (global.set $calls (i32.add (global.get $calls) (i32.const 1))) (global.get $calls))
      (func (export "spin") (loop $l (br $l)))
      (func $recurse (export "recurse") (call $recurse))
      (func (export "trap") (unreachable))
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "grow-table") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))
      (func (export "return") (param i32) (result i32)
        (drop (memory.grow (i32.div_u (local.get 0) (i32.const 65536))))
        (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (local.get 0)) (i32.const 0))"""
    text = f'(param "s" string) (result string) => {options}'
    lifted = {
        "echo": text, "ask": text, "ask-and-spin": text, "look": f'(param "s" string) (result (result string (error $he))) => {options}',
        "tell": f'(param "s" string) => {options}', "tell-often": '(param "n" u32) =>', "yes": "(result bool) =>",
        "count": '(param "n" u64) (result u64) =>', "calls": "(result u32) =>", "spin": "=>", "recurse": "=>", "trap": "=>",
        "grow": '(param "n" u32) (result s32) =>', "grow-table": '(param "n" u32) (result s32) =>',
        "return": f'(param "n" u32) (result string) => {options}',
    }  # fmt: skip
    exports = ""
    for name, description in lifted.items():
        wit, _, given = description.partition("=>")
        exports += f'(func (export "{name}") {wit} (canon lift (core func $i "{name}") {given}))\n'
    return guest(core, exports, imports, lowered)


def yes(context: Any) -> bool:
    return True


def tell(context: Any, k: str) -> None:
    return None


@pytest.fixture(scope="session")
def tools(load: Callable[..., Awaitable[Component]], toolbox: str) -> Callable[[dict[str, Any]], Awaitable[Component]]:
    """The toolbox, loaded with these functions of its interface, and harmless ones for the rest."""

    async def tools(functions: dict[str, Any]) -> Component:
        return await load(toolbox, {"store": {"get": lambda context, k: k, "tell": tell, "yes": yes, **functions}})

    return tools


@pytest.fixture(scope="session")
def run() -> Callable[..., Awaitable[Any]]:
    """Calls an instance's export by its name."""

    async def run(instance: Instance, name: str, arguments: list[Any], call: Call) -> Any:
        export = instance.component.export("", name)
        assert export is not None
        return await instance.call(export, arguments, call)

    return run


@pytest.fixture(scope="session")
def wasi_guest(guest: Guest) -> str:
    """The text of `tests/sandbox/wasi_guest.py`."""
    return guest(wasi.CORE, wasi.EXPORTS, wasi.IMPORTS, wasi.LOWERED)
