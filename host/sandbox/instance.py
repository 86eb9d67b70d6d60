"""Instances and the calls that they run.

A guest call is a coroutine: it runs inline on the event loop, waits for host functions as a suspended fiber that holds no thread, and goes to
a worker thread when it keeps computing. Deadline and cancellation are the same act: the future is dropped, the fiber unwound, the store closed.
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
from host.sandbox.wasi import Wasi

MAX_CORE_INSTANCES, MAX_TABLES, MAX_MEMORIES = 100, 20, 1


class Instance:
    """A component's own memory, alive from `start` to `close`. Used by one call at a time; after a failed call it is closed."""

    def __init__(self, component: Component, call: Call) -> None:
        self.component = component
        self.wasi = Wasi()
        self.flag = raw.Flag()
        self.failure: BaseException | None = None
        self.calls = 0
        self.memory = 0
        self._call = call
        self._request: Request | None = None
        self._functions: dict[Export, Any] = {}
        self._handle = create_string_buffer(raw.INSTANCE_SIZE)
        self._slot = create_string_buffer(raw.VALUE_SIZE)
        self._error = c_uint64()
        self._busy = False
        self._number = callbacks.enter(self)
        self._store, self.context = engine().new_store()
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
            await self._drive(future)
            return self._lift_result(export, call)

    @property
    def closed(self) -> bool:
        return self._store == 0

    def close(self) -> None:
        """Gives everything back. Closing a closed one is no error."""
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
        values = self._lift(function, arguments)
        subject = self if function.wasi else self._call.context
        self._write(function, asking.answered(function, self._call, lambda: function.function(subject, *values)), results)

    def suspend(self, function: HostFunction, arguments: int, results: int) -> None:
        """Leaves a host function that waits to the driver. Runs inside the guest's call."""
        self.flag.clear()
        self._request = Request(function, self._lift(function, arguments), results)

    # the call

    @asynccontextmanager
    async def _running(self, call: Call) -> AsyncIterator[None]:
        """The frame of a call: its limits before, its deadline around, its figures after; whatever goes wrong closes the instance."""
        self._begin(call)
        started = time.perf_counter_ns()
        seconds = call.limits.deadline_ms / 1000
        try:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout_at(loop.time() + seconds if call.deadline_at is None else call.deadline_at) as deadline:
                yield
            self._flush()
        except BaseException as error:
            self._flush()
            self._meter(call, started)
            self.close()
            if isinstance(error, TimeoutError) and deadline.expired():
                raise DeadlineExceeded(f"the call did not end within {call.limits.deadline_ms} ms (the limit deadline)") from None
            raise
        self._meter(call, started)
        self._busy = False

    def _begin(self, call: Call) -> None:
        self._busy = True
        self._call = call
        self.failure = self._request = None
        self._error.value = 0
        self._poller = Poller(self._waiting)
        raw.set_fuel(self.context, call.limits.fuel)
        raw.context_set_epoch_deadline(self.context, 2)  # an idle instance's is long over, and it would yield at once

    def _meter(self, call: Call, started: int) -> None:
        self.memory = max(0, self.memory + self._poller.memory)
        call.usage.memory = self.memory
        call.usage.fuel = call.limits.fuel - raw.get_fuel(self.context)
        call.usage.duration_us += (time.perf_counter_ns() - started) // 1000

    def _flush(self) -> None:
        for output in self.wasi.outputs.values():
            output.flush(self.log)

    def _waiting(self) -> bool:
        return self._request is not None or self.failure is not None

    async def _drive(self, future: int) -> None:
        """Polls a future to its end, and answers what the guest asks meanwhile. The future is deleted, whatever happens."""
        try:
            while not await self._poller.poll(future) and self.failure is None:
                request, self._request = self._request, None
                await (self._answer(request) if request else asyncio.sleep(0))
        finally:
            raw.call_future_delete(future)
            self._request = None
        error = raw.take_error(self._error.value) if self._error.value else None
        if self.failure is not None:
            raise failures.of_host_function("", self.failure)
        if error is not None:
            raise failures.judge(error, self._call.limits)

    async def _answer(self, request: Request) -> None:
        """Asks a host function that waits. A failure of it drops the future: if the guest were resumed, it might take it for success."""
        self._call.waits(True)
        try:
            subject = self if request.function.wasi else self._call.context
            value = await asking.awaited(request.function, self._call, request.arguments, subject)
            self._write(request.function, value, request.results)
        except BaseException as error:  # boundary: whatever a host function raises ends this call and nothing else
            if isinstance(error, asyncio.CancelledError) and _cancelled():
                raise
            raise failures.of_host_function(request.function.name, error) from error
        finally:
            self._call.waits(False)
        self.flag.set()

    def _lift(self, function: HostFunction, address: int) -> list[Any]:
        call = self._call
        usage = call.usage
        usage.host_calls += 1
        if usage.host_calls > call.limits.host_calls:
            raise LimitExceeded("host-calls", f"the guest called more than {call.limits.host_calls} host functions (the limit host-calls)")
        lifting = Lifting(call.limits.output_bytes, self.context, f"what the guest passes to {function.name}")
        values = function.plan.lift_arguments(address, lifting)
        usage.bytes_out += lifting.used
        return values

    def _write(self, function: HostFunction, value: Any, results: int) -> None:
        """Lowers an answer into the guest's result slot: packed in our memory, then copied deeply into Rust's."""
        if function.plan.has_result:
            keep: Keep = []
            packed = function.plan.lower_result(value, keep)
            self._call.usage.bytes_in += sum(map(len, keep))
            raw.val_clone(id(packed) + raw.BYTES_HEADER, results)

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
            raw.val_delete(addressof(self._slot))

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
        raw.write_byte(self.context + engine().trap_on_growth, 1)
        raw.context_yield(self.context, 1)
        raw.context_set_data(self.context, self._number)


def _cancelled() -> bool:
    """Whether a `CancelledError` is meant for us, and not made by a host function."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
