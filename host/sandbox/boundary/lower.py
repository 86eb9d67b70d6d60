"""Lowering: Python values to C values, packed in memory that Python owns.

A lowered value is 32 bytes that may point into other bytes; those are kept alive by the `keep` list until the call has read them.
"""

from collections.abc import Callable
from ctypes import addressof, c_void_p
from struct import Struct
from typing import Any, NamedTuple, TypeAlias

from host.model.case import Case, Err, Ok
from host.model.errors import WrongWorld
from host.sandbox import raw
from host.sandbox.boundary import types as t

Keep: TypeAlias = list[bytes]
Lower: TypeAlias = Callable[[Any, Keep], bytes]

_HEADER = raw.BYTES_HEADER
_pack = raw.VALUE.pack
_SCALARS = {
    name: (kind, Struct(f"<B7x{code}{pad}x"))
    for name, kind, code, pad in [
        ("Bool", raw.BOOL, "?", 23), ("U8", raw.U8, "B", 23), ("S8", raw.S8, "b", 23), ("U16", raw.U16, "H", 22), ("S16", raw.S16, "h", 22),
        ("U32", raw.U32, "I", 20), ("S32", raw.S32, "i", 20), ("U64", raw.U64, "Q", 16), ("S64", raw.S64, "q", 16),
        ("F32", raw.F32, "f", 20), ("F64", raw.F64, "d", 16),
    ]
}  # fmt: skip
_NONE = _pack(raw.OPTION, 0, 0, 0)


class Resource(NamedTuple):
    """A new resource of the host for the guest to own: the number of its type, and the number of the thing."""

    kind: int
    rep: int
    context: int


def lowerer(wit: t.ValType, hint: Any = Any) -> Lower:
    """The function that lowers values of a WIT type. Raises `WrongWorld` where the contract has no such type or the annotation differs."""
    t.check_leaf(wit, hint)
    kind = type(wit).__name__
    if kind in _SCALARS:
        return _scalar(*_SCALARS[kind])
    if t.is_bytes(wit):
        return _lower_bytes
    if kind not in _LOWERERS:
        raise WrongWorld(f"values of the WIT type {kind} do not cross the boundary")
    return _LOWERERS[kind](wit, hint)


def _scalar(kind: int, layout: Struct) -> Lower:
    pack = layout.pack
    return lambda value, keep: pack(kind, value)


def _lower_char(value: str, keep: Keep) -> bytes:
    return _pack(raw.CHAR, ord(value), 0, 0)


def _lower_string(value: str, keep: Keep) -> bytes:
    data = value.encode()
    keep.append(data)
    return _pack(raw.STRING, len(data), id(data) + _HEADER, 0)


def _lower_bytes(value: bytes, keep: Keep) -> bytes:
    elements = bytearray(_SCALARS["U8"][1].pack(raw.U8, 0) * len(value))
    elements[8 :: raw.VALUE_SIZE] = value
    return _sequence(raw.LIST, len(value), bytes(elements), keep)


def _sequence(kind: int, size: int, data: bytes, keep: Keep) -> bytes:
    keep.append(data)
    return _pack(kind, size, id(data) + _HEADER, 0)


def _list(wit: t.ListType, hint: Any) -> Lower:
    lower_element = lowerer(wit.element, *t.element(hint, list))
    return lambda value, keep: _sequence(raw.LIST, len(value), b"".join([lower_element(part, keep) for part in value]), keep)


def _tuple(wit: t.TupleType, hint: Any) -> Lower:
    hints = t.elements(hint, len(wit.elements))
    parts = [lowerer(part, h) for part, h in zip(wit.elements, hints, strict=True)]
    return lambda value, keep: _sequence(
        raw.TUPLE, len(parts), b"".join([lower(part, keep) for lower, part in zip(parts, value, strict=True)]), keep
    )


def _record(wit: t.RecordType, hint: Any) -> Lower:
    fields = wit.fields
    t.record_class(tuple(t.snake(name) for name, _ in fields), hint)
    hints = t.field_hints(hint)
    names = [name.encode() for name, _ in fields]
    pair = Struct("<QQ")
    parts = [
        (pair.pack(len(name), id(name) + _HEADER), t.snake(field), lowerer(part, hints.get(t.snake(field), Any)))
        for name, (field, part) in zip(names, fields, strict=True)
    ]

    def lower(value: Any, keep: Keep, names: list[bytes] = names) -> bytes:  # the plan keeps the names alive
        data = b"".join([prefix + lower_part(getattr(value, field), keep) for prefix, field, lower_part in parts])
        return _sequence(raw.RECORD, len(parts), data, keep)

    return lower


def _pointer(data: bytes, keep: Keep) -> int:
    keep.append(data)
    return id(data) + _HEADER


def _variant(wit: t.VariantType, hint: Any) -> Lower:
    cases = {name: (name.encode(), lowerer(payload) if payload is not None else None) for name, payload in wit.cases}

    def lower(value: Case, keep: Keep) -> bytes:
        name, lower_payload = cases[value.name]
        address = _pointer(lower_payload(value.value, keep), keep) if lower_payload else 0
        return _pack(raw.VARIANT, len(name), id(name) + _HEADER, address)

    return lower


def _enum(wit: t.EnumType, hint: Any) -> Lower:
    names = {name: name.encode() for name in wit.names}
    packed = {name: _pack(raw.ENUM, len(data), id(data) + _HEADER, 0) for name, data in names.items()}
    return lambda value, keep, names=names: packed[value]  # type: ignore[misc]  # the plan keeps the names alive


def _flags(wit: t.FlagsType, hint: Any) -> Lower:
    names = {name: name.encode() for name in wit.names}
    pair = Struct("<QQ")

    def lower(value: frozenset[str], keep: Keep) -> bytes:
        chosen = [names[name] for name in value]
        return _sequence(raw.FLAGS, len(chosen), b"".join([pair.pack(len(name), id(name) + _HEADER) for name in chosen]), keep)

    return lower


def _option(wit: t.OptionType, hint: Any) -> Lower:
    if isinstance(wit.payload, t.OptionType):
        raise WrongWorld("an option of an option does not cross the boundary")
    lower_some = lowerer(wit.payload, t.optional(hint))

    def lower(value: Any, keep: Keep) -> bytes:
        return _NONE if value is None else _pack(raw.OPTION, _pointer(lower_some(value, keep), keep), 0, 0)

    return lower


def _result(wit: t.ResultType, hint: Any) -> Lower:
    if wit.ok is None and hint is not Any and hint is not type(None):
        raise WrongWorld(f"a result without a value is annotated {hint!r}")
    lower_ok = lowerer(wit.ok, hint) if wit.ok is not None else None
    lower_err = lowerer(wit.err) if wit.err is not None else None

    def lower(value: Any, keep: Keep) -> bytes:
        good = not isinstance(value, Err)
        part = lower_ok if good else lower_err
        payload = value.value if isinstance(value, (Ok, Err)) else value
        return _pack(raw.RESULT, good, _pointer(part(payload, keep), keep) if part else 0, 0)

    return lower


def _own(wit: t.OwnType, hint: Any) -> Lower:
    """The handle is cloned with the value that holds it, so the first one is deleted with the call's `keep`."""

    def lower(value: Resource, keep: Keep) -> bytes:
        host = raw.resource_host_new(True, value.rep, value.kind)
        handle = c_void_p()
        error = raw.resource_host_to_any(value.context, host, addressof(handle))
        raw.resource_host_delete(host)
        if error:
            raise WrongWorld(raw.take_error(error))
        keep.append(_Handle(handle.value or 0))
        return _pack(raw.RESOURCE, handle.value, 0, 0)

    return lower


class _Handle(bytes):
    """A handle's address, deleted with the object."""

    def __new__(cls, address: int) -> "_Handle":
        handle = super().__new__(cls)
        handle.address = address
        return handle

    address: int

    def __del__(self) -> None:
        raw.resource_any_delete(self.address)


_LOWERERS: dict[str, Callable[[Any, Any], Lower]] = {
    "Char": lambda wit, hint: _lower_char,
    "String": lambda wit, hint: _lower_string,
    "ListType": _list,
    "TupleType": _tuple,
    "RecordType": _record,
    "VariantType": _variant,
    "EnumType": _enum,
    "FlagsType": _flags,
    "OptionType": _option,
    "ResultType": _result,
    "OwnType": _own,
}
