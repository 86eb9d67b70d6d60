"""Lifting: C values to Python values. A length is read, and charged, before anything is converted."""

from collections.abc import Callable
from ctypes import addressof, c_void_p, string_at
from struct import Struct
from typing import Any, TypeAlias

from host.model.case import Case, Err, Ok
from host.model.errors import LimitExceeded, WrongWorld
from host.sandbox import raw
from host.sandbox.boundary import types as t


class Lifting:
    """What may still be lifted, in bytes, and the store that resource handles belong to."""

    __slots__ = ("context", "left", "limit", "what")

    def __init__(self, limit: int, context: int, what: str) -> None:
        self.left = self.limit = limit
        self.context = context
        self.what = what

    @property
    def used(self) -> int:
        return self.limit - self.left

    def charge(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise LimitExceeded("output-bytes", f"{self.what} holds more than {self.limit} bytes (the limit output-bytes)")


Lift: TypeAlias = Callable[[bytes, int, Lifting], Any]
"""Reads the 32 bytes of a value at an offset of a buffer."""

_POINTER = Struct("<8xQ")
_PAIR = Struct("<8xQQ")
_TRIPLE = Struct("<8xQQQ")
_RESULT = Struct("<8xB7xQ")
HANDLE_CHARGE = 1024
"""What a handle counts: converting one takes as long as a kilobyte of anything else."""
CHUNK = 64 * 1024
_SCALARS = {
    name: Struct(f"<8x{code}")
    for name, code in {
        "U8": "B", "U16": "H", "U32": "I", "U64": "Q", "S8": "b", "S16": "h", "S32": "i", "S64": "q", "F32": "f", "F64": "d", "Bool": "?",
    }.items()
}  # fmt: skip


def lifter(wit: t.ValType, hint: Any = Any) -> Lift:
    """The function that lifts values of a WIT type. Raises `WrongWorld` where the contract has no such type or the annotation differs."""
    t.check_leaf(wit, hint)
    kind = type(wit).__name__
    if kind in _SCALARS:
        return _scalar(_SCALARS[kind])
    if t.is_bytes(wit):
        return _lift_bytes
    if kind not in _LIFTERS:
        raise WrongWorld(f"values of the WIT type {kind} do not cross the boundary")
    return _LIFTERS[kind](wit, hint)


def _scalar(layout: Struct) -> Lift:
    unpack = layout.unpack_from
    return lambda buffer, offset, lifting: unpack(buffer, offset)[0]


def _lift_char(buffer: bytes, offset: int, lifting: Lifting) -> str:
    return chr(_SCALARS["U32"].unpack_from(buffer, offset)[0])


def _lift_string(buffer: bytes, offset: int, lifting: Lifting) -> str:
    size, address = _PAIR.unpack_from(buffer, offset)
    if not size:
        return ""
    lifting.charge(size)
    return string_at(address, size).decode()


def _lift_bytes(buffer: bytes, offset: int, lifting: Lifting) -> bytes:
    size, address = _PAIR.unpack_from(buffer, offset)
    if not size:
        return b""
    lifting.charge(size)
    end, step = address + size * raw.VALUE_SIZE, CHUNK * raw.VALUE_SIZE
    return b"".join([string_at(at, min(step, end - at))[8 :: raw.VALUE_SIZE] for at in range(address, end, step)])


def _list(wit: t.ListType, hint: Any) -> Lift:
    lift_element = lifter(wit.element, *t.element(hint, list))

    def lift(buffer: bytes, offset: int, lifting: Lifting) -> list[Any]:
        size, address = _PAIR.unpack_from(buffer, offset)
        if not size:
            return []
        lifting.charge(size * raw.VALUE_SIZE)
        elements = string_at(address, size * raw.VALUE_SIZE)
        return [lift_element(elements, i, lifting) for i in range(0, size * raw.VALUE_SIZE, raw.VALUE_SIZE)]

    return lift


def _tuple(wit: t.TupleType, hint: Any) -> Lift:
    hints = t.elements(hint, len(wit.elements))
    parts = [(i * raw.VALUE_SIZE, lifter(part, h)) for i, (part, h) in enumerate(zip(wit.elements, hints, strict=True))]
    size = len(parts) * raw.VALUE_SIZE

    def lift(buffer: bytes, offset: int, lifting: Lifting) -> tuple[Any, ...]:
        lifting.charge(size)
        elements = string_at(_PAIR.unpack_from(buffer, offset)[1], size)
        return tuple([lift_part(elements, i, lifting) for i, lift_part in parts])

    return lift


def _record(wit: t.RecordType, hint: Any) -> Lift:
    fields = wit.fields
    make = t.record_class(tuple(t.snake(name) for name, _ in fields), hint)
    hints = t.field_hints(hint)
    parts = [(i * raw.ENTRY_SIZE + 16, lifter(part, hints.get(t.snake(name), Any))) for i, (name, part) in enumerate(fields)]
    size = len(parts) * raw.ENTRY_SIZE

    def lift(buffer: bytes, offset: int, lifting: Lifting) -> Any:
        lifting.charge(size)
        entries = string_at(_PAIR.unpack_from(buffer, offset)[1], size)
        return make(*[lift_part(entries, i, lifting) for i, lift_part in parts])

    return lift


def _variant(wit: t.VariantType, hint: Any) -> Lift:
    cases = {name.encode(): (name, lifter(payload) if payload is not None else None) for name, payload in wit.cases}

    def lift(buffer: bytes, offset: int, lifting: Lifting) -> Case:
        size, address, value = _TRIPLE.unpack_from(buffer, offset)
        lifting.charge(raw.VALUE_SIZE)
        name, lift_payload = cases[string_at(address, size)]
        return Case(name, lift_payload(string_at(value, raw.VALUE_SIZE), 0, lifting) if lift_payload else None)

    return lift


def _enum(wit: t.EnumType, hint: Any) -> Lift:
    names = {name.encode(): name for name in wit.names}

    def lift(buffer: bytes, offset: int, lifting: Lifting) -> str:
        size, address = _PAIR.unpack_from(buffer, offset)
        return names[string_at(address, size)]

    return lift


def _flags(wit: t.FlagsType, hint: Any) -> Lift:
    names = {name.encode(): name for name in wit.names}
    pair = Struct("<QQ")

    def lift(buffer: bytes, offset: int, lifting: Lifting) -> frozenset[str]:
        size, address = _PAIR.unpack_from(buffer, offset)
        lifting.charge(size * pair.size)
        entries = string_at(address, size * pair.size) if size else b""
        return frozenset(names[string_at(place, length)] for length, place in pair.iter_unpack(entries))

    return lift


def _option(wit: t.OptionType, hint: Any) -> Lift:
    if isinstance(wit.payload, t.OptionType):
        raise WrongWorld("an option of an option does not cross the boundary")
    lift_some = lifter(wit.payload, t.optional(hint))

    def lift(buffer: bytes, offset: int, lifting: Lifting) -> Any:
        (address,) = _POINTER.unpack_from(buffer, offset)
        if not address:
            return None
        lifting.charge(raw.VALUE_SIZE)
        return lift_some(string_at(address, raw.VALUE_SIZE), 0, lifting)

    return lift


def _result(wit: t.ResultType, hint: Any) -> Lift:
    lift_ok = lifter(wit.ok, hint) if wit.ok is not None else None
    lift_err = lifter(wit.err) if wit.err is not None else None

    def lift(buffer: bytes, offset: int, lifting: Lifting) -> Ok[Any] | Err[Any]:
        good, address = _RESULT.unpack_from(buffer, offset)
        part = lift_ok if good else lift_err
        lifting.charge(raw.VALUE_SIZE)
        value = part(string_at(address, raw.VALUE_SIZE), 0, lifting) if part else None
        return Ok(value) if good else Err(value)

    return lift


def _resource(wit: t.OwnType | t.BorrowType, hint: Any) -> Lift:
    """Every handle is converted, used or not: a borrow that is not makes wasmtime trap when the call ends."""

    def lift(buffer: bytes, offset: int, lifting: Lifting) -> int:
        (address,) = _POINTER.unpack_from(buffer, offset)
        lifting.charge(HANDLE_CHARGE)
        handle = c_void_p()
        if error := raw.resource_any_to_host(lifting.context, address, addressof(handle)):
            raise WrongWorld(raw.take_error(error))
        rep = int(raw.resource_host_rep(handle.value))
        raw.resource_host_delete(handle.value)
        return rep

    return lift


_LIFTERS: dict[str, Callable[[Any, Any], Lift]] = {
    "Char": lambda wit, hint: _lift_char,
    "String": lambda wit, hint: _lift_string,
    "ListType": _list,
    "TupleType": _tuple,
    "RecordType": _record,
    "VariantType": _variant,
    "EnumType": _enum,
    "FlagsType": _flags,
    "OptionType": _option,
    "ResultType": _result,
    "OwnType": _resource,
    "BorrowType": _resource,
}
