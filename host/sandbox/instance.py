"""Instances and the calls that they run.

A guest call is a coroutine: it runs inline on the event loop, waits for host functions as a suspended fiber that holds no thread, and
goes to a worker thread when it keeps computing. Deadline and cancellation are the same act: the future is dropped, the fiber unwound,
the store closed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ctypes import addressof, c_uint64, create_string_buffer, memset, string_at
from typing import Any

from host.model.errors import DeadlineExceeded, LimitExceeded, Trap
from host.sandbox import asking, callbacks, failures, raw
from host.sandbox.boundary import Lifting
from host.sandbox.boundary.lower import Keep
from host.sandbox.call import Call
from host.sandbox.callbacks import HostFunction, Request
from host.sandbox.component import Component, Export
from host.sandbox.engine import engine
from host.sandbox.polling import Poller
from host.sandbox.tape import Recording
from host.sandbox.wasi import WRITE_ALLOWANCE, Wasi

MAX_CORE_INSTANCES, MAX_TABLES, MAX_MEMORIES = 100, 20, 2
"""Two memories: what componentize-qjs makes of JavaScript has a small one beside the guest's own. Each may have the limit `memory`."""
FUEL_PER_HOST_CALL = 1_000
"""Besides one unit per byte that crosses."""
SLACK = 64 * 1024
COPYING = 48 * WRITE_ALLOWANCE + SLACK
"""Bytes that wasmtime may copy in one call across the boundary, at least; it can't be interrupted there. It counts 48 for a list's byte."""
CALLS_ELSEWHERE = 50
"""How many calls of a component start on a worker thread after one that blocked the event loop."""


class Instance:
    """A component's own memory, alive from `start` to `close`. Used by one call at a time; after a failed call it is closed."""

    def __init__(self, component: Component, call: Call) -> None:
        self.component = component
        self.wasi = Wasi()
        self.flag = raw.Flag()
        self.failure: BaseException | None = None
        self.calls = 0
        self.memory = 0
        self.first_memory = 0
        """What it had after its first call."""
        self._shared = 0
        self._call = call
        self._request: Request | None = None
        self._functions: dict[Export, Any] = {}
        self._handle = create_string_buffer(raw.INSTANCE_SIZE)
        self._slot = create_string_buffer(raw.VALUE_SIZE)
        self._error = c_uint64()
        self._busy = False
        self._task: asyncio.Task[Any] | None = None
        self._cancellations = 0
        self._asked = ""
        self._given = 0
        self._deadline_at = 0.0
        self._store, self.context = engine().new_store()
        self._number = callbacks.enter(self)
        self._limit_store()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "busy" if self._busy else "idle"
        return f"<Instance [{state}, {self.calls} calls, {self.memory / 2**20:.1f} MiB]>"

    @classmethod
    async def start(cls, component: Component, call: Call) -> "Instance":
        """A new instance. The call's limits on memory and tables hold for as long as it lives, the others for the start itself."""
        instance = cls(component, call)
        async with instance._running(call):
            linker, address = component.linker_address, component.address
            handle, error = addressof(instance._handle), addressof(instance._error)
            await instance._drive(raw.linker_instantiate_async(linker, instance.context, address, handle, error))
        return instance

    async def call(self, export: Export, arguments: Sequence[Any], call: Call) -> Any:
        """Calls an exported function. Raises a `GuestError`; the instance is closed then, and when the caller is cancelled."""
        if self.closed or self._busy:
            raise RuntimeError(f"{self!r} can't be called now")
        keep: Keep = []
        packed = export.plan.lower_arguments(arguments, keep)
        self._charge_input(keep, call)
        async with self._running(call):
            self.calls += 1
            memset(self._slot, 0, raw.VALUE_SIZE)
            results = 1 if export.plan.has_result else 0
            future = raw.component_func_call_async(
                addressof(self._function(export)), self.context, id(packed) + raw.BYTES_HEADER, len(packed) // raw.VALUE_SIZE,
                addressof(self._slot), results, addressof(self._error),
            )  # fmt: skip
            try:
                await self._drive(future)
                return self._lift_result(export, call)
            finally:
                raw.val_delete(addressof(self._slot))  # what the guest returned, wanted or not; else the `false` of a zeroed slot

    @property
    def weight(self) -> int:
        """Bytes that it is counted with where all instances are: its memory, and its part of what was taken while others ran too.

        So that no growth is missed because somebody else computes; never more than it may have.
        """
        return min(self.memory + self._shared, max(self.memory, MAX_MEMORIES * self._call.limits.memory))

    @property
    def closed(self) -> bool:
        return self._store == 0

    def close(self) -> None:
        """Gives everything back. Closing a closed one is no error; one in a call is closed by cancelling the call."""
        if self._busy:
            raise RuntimeError(f"{self!r} is in a call: cancel that")
        if store := self._store:
            self._store = self.context = 0
            callbacks.leave(self._number)
            raw.store_delete(store)

    # what callbacks use while the guest runs

    @property
    def recording(self) -> Recording:
        return self._call.recording

    def log(self, level: str, message: str) -> None:
        self._call.log(level, message)

    def answer_at_once(self, function: HostFunction, arguments: int, results: int) -> None:
        """Answers a host function that does not wait. Runs inside the guest's call."""
        self._asked = function.name
        values = self._lift(function, arguments)
        subject = self if function.wasi else self._call.context
        self._write(function, asking.answered(function, self._call, lambda: function.function(subject, *values)), results)

    def suspend(self, function: HostFunction, arguments: int, results: int) -> None:
        """Leaves a host function that waits to the driver. Runs inside the guest's call."""
        self._asked = function.name
        self.flag.clear()
        self._request = Request(function, self._lift(function, arguments), results)

    # the call

    @asynccontextmanager
    async def _running(self, call: Call) -> AsyncIterator[None]:
        """The frame of a call: its limits before, its deadline around, its figures after; whatever goes wrong closes the instance."""
        self._begin(call)
        started = time.perf_counter_ns()
        now = asyncio.get_running_loop().time()
        self._deadline_at = now + call.limits.deadline_ms / 1000 if call.deadline_at is None else call.deadline_at
        deadline = asyncio.timeout_at(self._deadline_at)
        good = False
        try:
            async with deadline:
                yield
            good = True
        except TimeoutError:
            if not deadline.expired():
                raise
            raise self._too_late() from None
        finally:
            self._end(call, started, good)

    def _end(self, call: Call, started: int, good: bool) -> None:
        kept = False
        try:
            self._meter(call, started)
            for output in self.wasi.outputs.values():
                output.flush(self.log)
            kept = good
        finally:
            self._busy = False
            if self._poller.slow:
                self.component.calls_elsewhere = CALLS_ELSEWHERE
            if not kept:
                self.close()

    def _begin(self, call: Call) -> None:
        self._busy = True
        self._call = call
        self.failure = self._request = None
        self._error.value = 0
        self._given = 0
        self._task = _task()
        self._cancellations = self._task.cancelling() if self._task else 0  # more than none when a cancelled task cleans up
        self._poller = Poller(self._waiting, inline=self.component.calls_elsewhere == 0)
        self.component.calls_elsewhere = max(0, self.component.calls_elsewhere - 1)
        raw.set_fuel(self.context, call.limits.fuel)
        raw.context_set_epoch_deadline(self.context, 2)  # an idle instance's is long over, and it would yield at once

    def _meter(self, call: Call, started: int) -> None:
        self.memory = max(0, self.memory + self._poller.memory)
        self._shared = max(0, self._shared + self._poller.shared)
        if self.calls <= 1:
            self.first_memory = self.memory
        call.usage.memory = self.memory
        call.usage.fuel = call.limits.fuel - raw.get_fuel(self.context)
        call.usage.duration_us += (time.perf_counter_ns() - started) // 1000

    def _too_late(self) -> DeadlineExceeded:
        return DeadlineExceeded(f"the call did not end within {self._call.limits.deadline_ms} ms (the limit deadline)")

    def _honour_deadline(self) -> None:
        """A guest that never lets the event loop turn is not reached by the timer."""
        if asyncio.get_running_loop().time() >= self._deadline_at:
            raise self._too_late()

    def _waiting(self) -> bool:
        return self._request is not None or self.failure is not None

    async def _drive(self, future: int) -> None:
        """Polls a future to its end, and answers what the guest asks meanwhile. The future is deleted, whatever happens."""
        try:
            self._honour_deadline()
            while not await self._poller.poll(future) and self.failure is None:
                request, self._request = self._request, None
                await (self._answer(request) if request else asyncio.sleep(0))
                self._honour_deadline()
        finally:
            raw.call_future_delete(future)
            self._request = None
            error = raw.take_error(self._error.value) if self._error.value else None
        if self.failure is not None:
            raise failures.of_host_function(self._asked, self.failure)
        if error is not None:
            raise failures.judge(error, self._call.limits)

    async def _answer(self, request: Request) -> None:
        """Asks a host function that waits. A failure of it drops the future: if the guest were resumed, it might take it for success."""
        function, failure = request.function, None
        started = time.thread_time()
        self._call.waits(True)
        try:
            value = await asking.awaited(function, self._call, request.arguments, self if function.wasi else self._call.context)
            self._write(function, value, request.results)
        except BaseException as error:  # boundary: whatever a host function raises ends this call and nothing else
            if isinstance(error, GeneratorExit) and _task() is not self._task:  # not raised: our own coroutine is being closed
                raise
            failure = error
        finally:
            self._call.waits(False)
            self._poller.kept_loop(time.thread_time() - started)
        self._honour_cancellation()
        if failure is not None:
            raise failures.of_host_function(function.name, failure)
        self.flag.set()

    def _honour_cancellation(self) -> None:
        """A host function may have swallowed the `CancelledError` that was meant for us or for the deadline. Its own is for nobody."""
        if self._task and self._task.cancelling() > self._cancellations:
            raise asyncio.CancelledError

    def _lift(self, function: HostFunction, address: int) -> list[Any]:
        call = self._call
        usage = call.usage
        usage.host_calls += 1
        if usage.host_calls > call.limits.host_calls:
            raise LimitExceeded("host-calls", f"the guest called more than {call.limits.host_calls} host functions (the limit host-calls)")
        limit = WRITE_ALLOWANCE + SLACK if function.wasi else call.limits.output_bytes
        lifting = Lifting(limit, self.context, f"what the guest passes to {function.name}")
        values = function.plan.lift_arguments(address, lifting)
        usage.bytes_out += lifting.used
        self._charge_fuel(FUEL_PER_HOST_CALL + lifting.used)
        return values

    def _write(self, function: HostFunction, value: Any, results: int) -> None:
        """Lowers an answer into the guest's result slot: packed in our memory, then copied deeply into Rust's."""
        if function.plan.has_result:
            keep: Keep = []
            packed = function.plan.lower_result(value, keep)
            self._charge_answer(sum(map(len, keep)))
            raw.val_clone(id(packed) + raw.BYTES_HEADER, results)

    def _charge_answer(self, size: int) -> None:
        limit = self._call.limits.answer_bytes
        self._given += size
        self._call.usage.bytes_in += size
        if self._given > limit:
            raise LimitExceeded("answer-bytes", f"host functions gave the guest more than {limit} bytes (the limit answer-bytes)")
        self._charge_fuel(size)

    def _charge_fuel(self, amount: int) -> None:
        """What a host function costs. The guest traps at its next instruction that needs more than is left."""
        raw.set_fuel(self.context, max(0, raw.get_fuel(self.context) - amount))

    def _charge_input(self, keep: Keep, call: Call) -> None:
        size = sum(map(len, keep))
        call.usage.bytes_in += size
        if size > call.limits.input_bytes:
            raise LimitExceeded("input-bytes", f"the call's arguments have {size} bytes, and {call.limits.input_bytes} are allowed")

    def _lift_result(self, export: Export, call: Call) -> Any:
        lifting = Lifting(call.limits.output_bytes, self.context, f"what {export.name} returns")
        try:
            return export.plan.lift_result(string_at(addressof(self._slot), raw.VALUE_SIZE), lifting)
        finally:
            call.usage.bytes_out += lifting.used

    def _function(self, export: Export) -> Any:
        function = self._functions.get(export)
        if function is None:
            function = create_string_buffer(raw.FUNCTION_SIZE)
            index = raw.pointer_of(export.index)
            if not raw.component_instance_get_func(addressof(self._handle), self.context, index, addressof(function)):
                raise Trap(f"{export.name} is no function of this instance")
            self._functions[export] = function
        return function

    def _limit_store(self) -> None:
        limits = self._call.limits
        raw.store_limiter(self._store, limits.memory, limits.table_elements, MAX_CORE_INSTANCES, MAX_TABLES, MAX_MEMORIES)
        raw.write(self.context + engine().hidden.trap_on_growth, 1, 1)
        raw.write(self.context + engine().hidden.copying, max(limits.output_bytes, COPYING), 8)
        raw.context_yield(self.context, 1)
        raw.context_set_data(self.context, self._number)


def _task() -> "asyncio.Task[Any] | None":
    """The current task; None without one, and without an event loop."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
