"""What wasmtime says, in our own errors. Its messages are the only place where the C API tells the cause."""

import re

from host.model.errors import GuestError, HostFunctionError, LimitExceeded, OutOfFuel, Trap
from host.model.limits import MIB, Limits

GROWTH = re.compile(r"forcing trap when growing (memory|table) to (\d+) (?:bytes|elements)")
MINIMUM = re.compile(r"(memory|table) minimum size of (\d+) (pages|elements|bytes) exceeds (?:memory|table) limits")
COUNT = re.compile(r"(instance|table|memory) count too high at (\d+)")
COUNTED = {"instance": "core-instances", "table": "tables", "memory": "memories"}
CAUSE = re.compile(r"(?:wasm trap: )?([^\n]+)\s*$")
PAGE = 64 * 1024


def judge(message: str, limits: Limits) -> GuestError:
    """The error that ends a call whose wasmtime error has this message."""
    message = message.rpartition("Caused by:")[2]  # before it come names of the guest's own choosing
    if "all fuel consumed" in message:
        return OutOfFuel(f"the call used up its {limits.fuel} units of fuel (the limit fuel)")
    if "call stack exhausted" in message:
        return LimitExceeded("stack", "the guest recursed until its stack of 512 KiB was full")
    if found := GROWTH.search(message):
        return _grown(found[1], int(found[2]), limits)
    if found := MINIMUM.search(message):
        return _grown(found[1], int(found[2]) * (PAGE if found[3] == "pages" else 1), limits)
    if found := COUNT.search(message):
        name = COUNTED[found[1]]
        return LimitExceeded(name, f"the component has {found[2]} {name.replace('-', ' ')}, and fewer are allowed")
    if "fuel allocated for hostcalls has been exhausted" in message:
        return LimitExceeded("output-bytes", "the guest passed more in one call than may be copied (the limit output-bytes)")
    if "store handle limit exceeded" in message:
        return LimitExceeded("handles", "the guest holds more handles of resources than it may")
    cause = CAUSE.search(message)
    return Trap(f"the guest trapped: {cause[1] if cause else message}")


def _grown(what: str, size: int, limits: Limits) -> GuestError:
    """A refused growth: beyond our limit, or beyond the maximum that the component declares for itself."""
    if what == "memory" and size > limits.memory:
        return LimitExceeded(
            "memory", f"the guest wants {size / MIB:.1f} MiB of memory, and {limits.memory / MIB:.1f} MiB are allowed (the limit memory)"
        )
    if what == "table" and size > limits.table_elements:
        return LimitExceeded(
            "table-elements", f"the guest wants {size} table elements, and {limits.table_elements} are allowed (the limit table-elements)"
        )
    return Trap(f"the guest trapped: it grew its {what} to {size}, beyond the maximum that it declares itself")


def of_host_function(name: str, failure: BaseException) -> GuestError:
    """What a failure inside a host function ends the call with: a limit or a trap as it is, anything else as a defect of ours."""
    if isinstance(failure, GuestError):
        return failure
    if isinstance(failure, Exception) and name.startswith("wasi:"):
        return Trap(f"{name} could not be answered in the type that the component gives it ({_described(failure)})")
    error = HostFunctionError(f"the host function {name} failed: {_described(failure)}")
    error.__cause__ = failure
    return error


def _described(failure: BaseException) -> str:
    try:
        return f"{type(failure).__name__}: {failure}"
    except Exception:  # boundary: an exception that can't say what it is must not hide that it was raised
        return type(failure).__name__
