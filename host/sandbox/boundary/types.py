"""WIT types beside the Python types that annotations give for them."""

import types
import typing
from collections import namedtuple
from collections.abc import Callable
from functools import cache
from typing import Any

from msgspec import Struct
from wasmtime.component import (
    U8,
    Bool,
    BorrowType,
    Char,
    EnumType,
    FlagsType,
    FuncType,
    ListType,
    OptionType,
    OwnType,
    RecordType,
    ResultType,
    String,
    TupleType,
    ValType,
    VariantType,
)

from host.model.case import Case
from host.model.errors import WrongWorld
from host.sandbox.boundary import cases

FUNCTION_WEIGHT = 10
"""What a function weighs besides its types, each part of which weighs 1."""
INTEGERS = {"U8", "U16", "U32", "U64", "S8", "S16", "S32", "S64"}
FLOATS = {"F32", "F64"}


def snake(name: str) -> str:
    """A WIT name as Python spells it."""
    return name.replace("-", "_")


@cache
def tuple_class(fields: tuple[str, ...]) -> Callable[..., Any]:
    """What a record becomes where no annotation says better."""
    return namedtuple("Record", fields)  # the names are data


def record_class(fields: tuple[str, ...], hint: Any) -> Callable[..., Any]:
    """The class that makes a record of these fields: the annotated Struct, which must have them in this order."""
    if hint is Any:
        return tuple_class(fields)
    if not (isinstance(hint, type) and issubclass(hint, Struct) and hint.__struct_fields__ == fields):
        raise WrongWorld(f"a record with the fields {', '.join(fields)} is annotated {hint!r}")
    return hint


def field_hints(hint: Any) -> dict[str, Any]:
    """The annotations of a Struct's fields, resolved."""
    return {} if hint is Any else typing.get_type_hints(hint)


def optional(hint: Any) -> Any:
    """`T | None` -> `T`."""
    if hint is Any:
        return Any
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union else ()
    if type(None) not in members:
        raise WrongWorld(f"an option is annotated {hint!r}")
    rest = tuple(member for member in members if member is not type(None))
    return rest[0] if len(rest) == 1 else typing.Union[rest]  # noqa: UP007  # built from data


def element(hint: Any, origin: type) -> tuple[Any, ...]:
    """`list[T]` -> `(T,)`, `tuple[A, B]` -> `(A, B)`; nothing known gives nothing."""
    if hint is Any:
        return ()
    if typing.get_origin(hint) is not origin:
        raise WrongWorld(f"a {origin.__name__} is annotated {hint!r}")
    return typing.get_args(hint)


def elements(hint: Any, count: int) -> tuple[Any, ...]:
    """The annotations of a tuple's parts: `tuple[A, B]` -> `(A, B)`."""
    hints = element(hint, tuple) or (Any,) * count
    if len(hints) != count:
        raise WrongWorld(f"a tuple of {count} values is annotated {hint!r}")
    return hints


def expect(hint: Any, *allowed: Any) -> None:
    """Refuses an annotation that is not one of these."""
    if hint is not Any and hint not in allowed:
        raise WrongWorld(f"a WIT value of {allowed[0]!r} is annotated {hint!r}")


def check_leaf(wit: ValType, hint: Any) -> None:
    """Refuses an annotation that a type without parts can't have."""
    name = type(wit).__name__
    if name in INTEGERS:
        expect(hint, int)
    elif name in FLOATS:
        expect(hint, float)
    elif isinstance(wit, Bool):
        expect(hint, bool)
    elif isinstance(wit, (String, Char, EnumType)):
        expect(hint, str)
    elif isinstance(wit, VariantType):
        expect(hint, Case)
    elif isinstance(wit, FlagsType):
        expect(hint, frozenset[str])
    elif is_bytes(wit):
        expect(hint, bytes)


def parts(wit: Any) -> list[ValType]:
    """The types that a type, or a function's, is made of."""
    match wit:
        case FuncType():
            found = [part for _, part in wit.params] + [wit.result]
        case ListType():
            found = [wit.element]
        case OptionType():
            found = [wit.payload]
        case TupleType():
            found = list(wit.elements)
        case RecordType():
            found = [part for _, part in wit.fields]
        case VariantType():
            found = [part for _, part in wit.cases]
        case ResultType():
            found = [wit.ok, wit.err]
        case _:
            found = []
    return [part for part in found if part is not None]


class Scales:
    """Weighs a component's types before anything is made of them: a few lines of WIT can describe a type of a million parts."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def weigh(self, wit: Any, ours: bool = False) -> None:
        """Raises `WrongWorld` when all types together are too much, or when one of `ours` has cases that the contract does not have."""
        self.left -= FUNCTION_WEIGHT if isinstance(wit, FuncType) else 1
        if self.left < 0:
            raise WrongWorld("the component imports and exports more, or larger types, than any plugin needs")
        if ours and isinstance(wit, (EnumType, VariantType)):
            cases.check(wit)
        for part in parts(wit):
            self.weigh(part, ours)


def is_bytes(wit: ValType) -> bool:
    return isinstance(wit, ListType) and isinstance(wit.element, U8)


__all__ = [
    "BorrowType",
    "EnumType",
    "FlagsType",
    "ListType",
    "OptionType",
    "OwnType",
    "RecordType",
    "ResultType",
    "Scales",
    "TupleType",
    "ValType",
    "VariantType",
    "check_leaf",
    "element",
    "elements",
    "field_hints",
    "is_bytes",
    "optional",
    "record_class",
    "snake",
]
