"""The engine: one per process. Fuel, epochs and fibers on; a ticker that runs only while guests do; threads for guests that keep computing."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

from wasmtime import Config
from wasmtime import Engine as WasmtimeEngine

from host.sandbox import raw

TICK_S = 0.005
"""How often computing guests are made to yield. A ticker of 1 ms costs measurably more, for nothing."""
THREADS = 2
WASM_STACK = 512 * 1024
FIBER_STACK = 2 * 1024 * 1024
"""Bytes of a guest's own stack, and of its fiber's: host functions' callbacks run on what the guest leaves."""


def configuration() -> Config:
    """What every component is compiled for and runs with. Fuel makes replays exact; the rest keeps the surface small."""
    config = Config()
    config.wasm_component_model = True
    config.consume_fuel = True
    config.epoch_interruption = True
    config.wasm_threads = False
    config.wasm_memory64 = False
    config.wasm_gc = False
    config.wasm_exceptions = False
    config.wasm_relaxed_simd_deterministic = True
    config.max_wasm_stack = WASM_STACK
    config.cranelift_nan_canonicalization = True  # else NaN bits depend on the processor, and a replay elsewhere differs
    raw.ffi.wasmtime_config_wasm_component_model_async_set(config.ptr(), False)
    raw.ffi.wasmtime_config_concurrency_support_set(config.ptr(), False)
    raw.ffi.wasmtime_config_gc_support_set(config.ptr(), False)
    raw.ffi.wasmtime_config_async_stack_size_set(config.ptr(), FIBER_STACK)
    return config


class Ticker:
    """Moves the engine's epoch on while at least one guest is polled."""

    def __init__(self, engine: int) -> None:
        self._engine = engine
        self._active = 0
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        with self._lock:
            self._active += 1
            if self._active == 1:
                self._busy.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._tick, name="innkeeper-epochs", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._active -= 1
                if self._active == 0:
                    self._busy.clear()

    def _tick(self) -> None:
        while True:
            self._busy.wait()
            time.sleep(TICK_S)
            raw.engine_increment_epoch(self._engine)


class Engine:
    """Use `engine()`: objects of two engines can't be mixed, and one per process is enough."""

    def __init__(self) -> None:
        self.wasmtime = WasmtimeEngine(configuration())
        self.address = raw.pointer_of(self.wasmtime)
        self.ticker = Ticker(self.address)
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="innkeeper-guest")
        self.trap_on_growth = self._find_limits()

    def new_store(self) -> tuple[int, int]:
        """A store and its context."""
        store = raw.store_new(self.address, None, None)
        return store, raw.store_context(store)

    def _find_limits(self) -> int:
        store, context = self.new_store()
        try:
            return raw.find_limits(store, context)
        finally:
            raw.store_delete(store)


@cache
def engine() -> Engine:
    return Engine()
