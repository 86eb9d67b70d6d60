"""The C functions of wasmtime that the package binds but does not wrap, or wraps too slowly: the one module that calls into C.

Every struct size and every signature that the sandbox relies on is asserted here, when the module is imported, against wasmtime's own
ctypes bindings; a wasmtime that differs does not start. Addresses are plain integers everywhere.
"""

import ctypes
from ctypes import (
    CFUNCTYPE,
    PyDLL,
    addressof,
    c_bool,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
    cast,
    create_string_buffer,
    memmove,
    string_at,
)
from struct import Struct
from typing import Any

from wasmtime import _ffi as ffi  # the raw bindings have no public name

VALUE_SIZE = 32
ENTRY_SIZE = 48
CONTINUATION_SIZE = 24
INSTANCE_SIZE = 16
FUNCTION_SIZE = ctypes.sizeof(ffi.wasmtime_component_func_t)

BYTES_HEADER = bytes.__basicsize__ - 1
"""Where a bytes object keeps its data, counted from its id."""

BOOL, S8, U8, S16, U16, S32, U32, S64, U64, F32, F64, CHAR, STRING, LIST, RECORD, TUPLE, VARIANT, ENUM, OPTION, RESULT, FLAGS = range(21)
RESOURCE = 21

VALUE = Struct("<B7xQQQ")
"""`wasmtime_component_val_t`: the kind, then a union of 24 bytes."""


def _assert_layout() -> None:
    sizes = {
        "wasmtime_component_val_t": VALUE_SIZE,
        "wasmtime_component_valrecord_entry_t": ENTRY_SIZE,
        "wasmtime_async_continuation_t": CONTINUATION_SIZE,
        "wasmtime_component_instance_t": INSTANCE_SIZE,
        "wasm_name_t": 16,
    }
    kinds = ["BOOL", "S8", "U8", "S16", "U16", "S32", "U32", "S64", "U64", "F32", "F64", "CHAR", "STRING"]
    kinds += ["LIST", "RECORD", "TUPLE", "VARIANT", "ENUM", "OPTION", "RESULT", "FLAGS"]
    found = {name: ctypes.sizeof(getattr(ffi, name)) for name in sizes}
    if found != sizes:
        raise ImportError(f"this wasmtime lays its values out differently: {found}, expected {sizes}")
    numbers = [getattr(ffi, f"WASMTIME_COMPONENT_{kind}").value for kind in kinds]
    offset = ffi.wasmtime_component_val_t.of.offset
    if numbers != list(range(len(kinds))) or offset != 8 or string_at(id(b"x") + BYTES_HEADER, 1) != b"x":
        raise ImportError("this wasmtime or this Python is not the one that the boundary was written for")


_HOLDING = PyDLL(ffi.dll._name)
"""Calls through this keep the interpreter's lock: for what takes nanoseconds."""


def _function(name: str, result: Any, *arguments: Any, releasing: bool = False) -> Any:
    """A function object of our own, its signature asserted against the binding's.

    Item access makes a new object; attribute access would share, and change, the one that the package itself calls.
    """
    theirs = getattr(ffi.dll, name)
    # "returns nothing" is annotated wrongly for one function: see context_yield
    if len(theirs.argtypes) != len(arguments) or [ctypes.sizeof(a) for a in theirs.argtypes] != [ctypes.sizeof(a) for a in arguments]:
        raise ImportError(f"this wasmtime has another signature for {name}")
    function = (ffi.dll if releasing else _HOLDING)[name]
    function.restype, function.argtypes = result, list(arguments)
    return function


_assert_layout()

P, N = c_void_p, c_size_t

store_new = _function("wasmtime_store_new", P, P, P, P)
store_context = _function("wasmtime_store_context", P, P)
store_delete = _function("wasmtime_store_delete", None, P)
store_limiter = _function("wasmtime_store_limiter", None, P, c_int64, c_int64, c_int64, c_int64, c_int64)
context_get_data = _function("wasmtime_context_get_data", P, P)
context_set_data = _function("wasmtime_context_set_data", None, P, P)
context_set_fuel = _function("wasmtime_context_set_fuel", P, P, c_uint64)
context_get_fuel = _function("wasmtime_context_get_fuel", P, P, P)
context_set_epoch_deadline = _function("wasmtime_context_set_epoch_deadline", None, P, c_uint64)
context_yield = _function("wasmtime_context_epoch_deadline_async_yield_and_update", None, P, c_uint64)
"""Returns nothing, whatever the binding's annotation says: reading its "error" crashes."""

engine_increment_epoch = _function("wasmtime_engine_increment_epoch", None, P)

component_func_call_async = _function("wasmtime_component_func_call_async", P, P, P, P, N, P, N, P)
component_instance_get_func = _function("wasmtime_component_instance_get_func", c_bool, P, P, P, P)
linker_instantiate_async = _function("wasmtime_component_linker_instantiate_async", P, P, P, P, P, P)

call_future_poll = _function("wasmtime_call_future_poll", c_bool, P, releasing=True)
call_future_delete = _function("wasmtime_call_future_delete", None, P, releasing=True)

val_clone = _function("wasmtime_component_val_clone", None, P, P)
val_delete = _function("wasmtime_component_val_delete", None, P)

resource_host_new = _function("wasmtime_component_resource_host_new", P, c_bool, c_uint32, c_uint32)
resource_host_rep = _function("wasmtime_component_resource_host_rep", c_uint32, P)
resource_host_delete = _function("wasmtime_component_resource_host_delete", None, P)
resource_any_to_host = _function("wasmtime_component_resource_any_to_host", P, P, P, P)
resource_host_to_any = _function("wasmtime_component_resource_host_to_any", P, P, P, P)
resource_any_delete = _function("wasmtime_component_resource_any_delete", None, P)

linker_add_func = _function("wasmtime_component_linker_instance_add_func", P, P, P, N, P, P, P)
linker_add_func_async = _function("wasmtime_component_linker_instance_add_func_async", P, P, P, N, P, P, P)
linker_add_resource = _function("wasmtime_component_linker_instance_add_resource", P, P, P, N, P, P, P, P)

error_new = _function("wasmtime_error_new", P, P)
error_message = _function("wasmtime_error_message", None, P, P)
error_delete = _function("wasmtime_error_delete", None, P)
byte_vec_delete = _function("wasm_byte_vec_delete", None, P)

SyncCallback = CFUNCTYPE(c_size_t, P, P, P, P, N, P, N)
AsyncCallback = CFUNCTYPE(None, P, P, P, P, N, P, N, P, P)
DestructorCallback = CFUNCTYPE(c_size_t, P, P, c_uint32)

_libc = ctypes.CDLL(None)
WHEN_FLAGGED: int = cast(_libc.strlen, P).value or 0
"""A continuation whose environment is the address of a zero-terminated flag: ready once the flag is set, and no Python runs in the poll."""

_malloc_usable_size = _libc.malloc_usable_size
_malloc_usable_size.restype, _malloc_usable_size.argtypes = c_size_t, [P]

continuation = Struct("<QQQ")


class Flag:
    """One byte that C reads while it polls."""

    __slots__ = ("_buffer", "address")

    def __init__(self) -> None:
        self._buffer = create_string_buffer(2)
        self.address = addressof(self._buffer)

    def set(self) -> None:
        self._buffer[0] = b"\1"

    def clear(self) -> None:
        self._buffer[0] = b"\0"


def take_error(pointer: int) -> str:
    """The message of an error, which is freed."""
    vector = (c_size_t * 2)()
    error_message(pointer, addressof(vector))
    text = string_at(vector[1], vector[0]).decode(errors="replace")
    byte_vec_delete(addressof(vector))
    error_delete(pointer)
    return text


def make_error(message: str) -> int:
    """A new error, for wasmtime to free."""
    raw = message.encode().replace(b"\0", b"")
    return int(error_new(id(raw) + BYTES_HEADER))


def allocation(address: int) -> bytes:
    """What malloc has given at this address, to its end."""
    return string_at(address, _malloc_usable_size(address))


def write(address: int, value: int, size: int) -> None:
    """An unsigned integer of `size` bytes."""
    memmove(address, value.to_bytes(size, "little"), size)


def set_fuel(context: int, fuel: int) -> None:
    if error := context_set_fuel(context, fuel):
        raise RuntimeError(take_error(error))


def get_fuel(context: int) -> int:
    left = c_uint64()
    if error := context_get_fuel(context, addressof(left)):
        raise RuntimeError(take_error(error))
    return left.value


def name_bytes(name: str) -> tuple[int, int, bytes]:
    """Address, length and keeper of a name."""
    raw = name.encode()
    return id(raw) + BYTES_HEADER, len(raw), raw


def configure(config: Any, name: str, value: int) -> None:
    """A setting of wasmtime's configuration that the package does not offer."""
    getattr(ffi, f"wasmtime_config_{name}_set")(config.ptr(), value)


def pointer_of(managed: Any) -> int:
    """The address behind one of the package's own objects."""
    address = cast(managed.ptr(), P).value
    if address is None:
        raise ValueError("already closed")
    return address
