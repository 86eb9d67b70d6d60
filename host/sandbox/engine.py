"""The engine: one per process. Fuel, epochs and fibers; a ticker that runs only while guests do; threads for guests that keep computing."""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

from wasmtime import Config
from wasmtime import Engine as WasmtimeEngine

from host.sandbox import hidden, raw

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
    for proposal in ("threads", "memory64", "gc", "exceptions", "component_model_async"):
        raw.configure(config, f"wasm_{proposal}", False)
    raw.configure(config, "gc_support", False)
    raw.configure(config, "concurrency_support", False)
    config.wasm_relaxed_simd_deterministic = True
    config.max_wasm_stack = WASM_STACK
    config.cranelift_nan_canonicalization = True  # else NaN bits depend on the processor, and a replay elsewhere differs
    raw.configure(config, "async_stack_size", FIBER_STACK)
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
        self.hidden = hidden.find(self.wasmtime)
        self._forked = False
        os.register_at_fork(after_in_child=self._fork)

    def new_store(self) -> tuple[int, int]:
        """A store and its context."""
        if self._forked:
            raise RuntimeError("a forked process has no epoch ticker and no guest threads: start a new process (spawn) to run guests in it")
        store = raw.store_new(self.address, None, None)
        return store, raw.store_context(store)

    def _fork(self) -> None:
        self._forked = True


@cache
def engine() -> Engine:
    return Engine()
