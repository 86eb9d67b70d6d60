"""Two fields of a store that Rust embedders set and the C API does not offer: found by their values, and proven on a real guest.

`trap_on_growth`: the offset of the byte that makes a refused growth of a memory or table a trap (Rust:
`StoreLimitsBuilder::trap_on_grow_failure`). Without it a guest is told -1, and nobody can tell that a limit was reached.

`copying`: the offset of the bytes that one call across the boundary may copy (Rust: `Store::set_hostcall_fuel`, 128 MiB by default).
No fuel counts that time, and no epoch interrupts it: copying a list of bytes takes some 80 ns each.
"""

from ctypes import addressof, c_uint64, create_string_buffer
from dataclasses import dataclass
from struct import Struct

from wasmtime import Engine, wat2wasm
from wasmtime.component import Component, Linker

from host.sandbox import raw

MIB = 1024 * 1024
WORD = Struct("<Q")
COPYING_BY_DEFAULT = 128 * MIB
GUEST = """(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "grow") (result i32) (memory.grow (i32.const 1)))
    (func (export "return") (result i32) (i32.store offset=4 (i32.const 0) (i32.const 4096)) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func (export "grow") (result s32) (canon lift (core func $i "grow")))
  (func (export "return") (result (list u8)) (canon lift (core func $i "return") (memory (core memory $i "memory")))))"""


@dataclass(frozen=True)
class Hidden:
    """Offsets from a store's context."""

    trap_on_growth: int
    copying: int


def find(engine: Engine) -> Hidden:
    """Raises `ImportError` where this wasmtime keeps them elsewhere."""
    proof = _Proof(engine)
    growth = _growth_candidate(proof)
    if "forcing trap when growing memory" not in proof.error_of("grow", growth, 1, 1):
        raise ImportError("this wasmtime keeps a store's limits elsewhere")
    for copying in _copying_candidates(proof):
        if "hostcalls has been exhausted" in proof.error_of("return", copying, 8, 100):
            return Hidden(growth, copying)
    raise ImportError("this wasmtime keeps what a call may copy elsewhere")


def _growth_candidate(proof: "_Proof") -> int:
    """`wasmtime_store_limiter` writes a pattern of ours into the store's own allocation; the byte is behind it."""
    pattern = [0x5EED0001 + i for i in range(5)]
    with proof.store(limits=pattern) as context:
        memory = raw.allocation(context)
    places = [memory.rfind(WORD.pack(value), 0, 512) for value in pattern]
    offset = max(places) + 8
    if min(places) < 0 or offset - min(places) > 64 or memory[offset] != 0:
        raise ImportError("this wasmtime keeps a store's limits elsewhere")
    return offset


def _copying_candidates(proof: "_Proof") -> list[int]:
    """Where several stores all hold the default: what lies there by chance differs from store to store."""
    found: list[set[int]] = []
    for _ in range(4):
        with proof.store() as context:
            memory = raw.allocation(context)
        found.append({at for at in range(0, len(memory) - 7, 8) if WORD.unpack_from(memory, at)[0] == COPYING_BY_DEFAULT})
    return sorted(set.intersection(*found))


class _Store:
    def __init__(self, engine: int, limits: list[int]) -> None:
        self._store = raw.store_new(engine, None, None)
        raw.store_limiter(self._store, *limits)

    def __enter__(self) -> int:
        return int(raw.store_context(self._store))

    def __exit__(self, *_: object) -> None:
        raw.store_delete(self._store)


class _Proof:
    """A guest that can be made to run into either."""

    def __init__(self, engine: Engine) -> None:
        self._engine = raw.pointer_of(engine)
        self._component = Component(engine, bytes(wat2wasm(GUEST)))
        self._linker = Linker(engine)

    def store(self, limits: list[int] | None = None) -> _Store:
        return _Store(self._engine, limits or [64 * 1024, 100, 10, 10, 10])

    def error_of(self, function: str, offset: int, size: int, value: int) -> str:
        """What the function ends with in a store that has `value` at `offset`; nothing when it succeeds."""
        with self.store() as context:
            raw.write(context + offset, value, size)
            raw.set_fuel(context, 1_000_000)
            raw.context_set_epoch_deadline(context, 1_000_000_000)
            instance, callee, slot = (create_string_buffer(n) for n in (raw.INSTANCE_SIZE, raw.FUNCTION_SIZE, raw.VALUE_SIZE))
            error = c_uint64()
            linker, component = raw.pointer_of(self._linker), raw.pointer_of(self._component)
            _finish(raw.linker_instantiate_async(linker, context, component, addressof(instance), addressof(error)))
            if error.value:
                return raw.take_error(error.value)
            index = self._component.get_export_index(function)
            raw.component_instance_get_func(addressof(instance), context, raw.pointer_of(index), addressof(callee))
            _finish(raw.component_func_call_async(addressof(callee), context, None, 0, addressof(slot), 1, addressof(error)))
            raw.val_delete(addressof(slot))
            return raw.take_error(error.value) if error.value else ""


def _finish(future: int) -> None:
    while not raw.call_future_poll(future):
        pass
    raw.call_future_delete(future)
