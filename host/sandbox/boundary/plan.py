"""Plans: how one function's arguments and result cross the boundary. Compiled once: when a component is linked, or at the first call."""

import typing
from collections.abc import Callable, Sequence
from ctypes import string_at
from inspect import signature
from typing import Any

from wasmtime.component import FuncType, RecordType, ResultType

from host.model.errors import WrongWorld
from host.sandbox import raw
from host.sandbox.boundary.lift import Lift, Lifting, lifter
from host.sandbox.boundary.lower import Keep, Lower, lowerer

Hints = Sequence[Any]
HOST_ERROR = ("code", "message", "retry-after-ms")


class Plan:
    """Lifts and lowers for one function. `parameters` and `result` are Python annotations, or nothing: then any type is taken.

    An import's plan lifts parameters and lowers the result; an export's does the reverse. Both are compiled on first use, so that a
    function that nobody calls costs nothing.
    """

    def __init__(self, name: str, wit: FuncType, parameters: Hints | None = None, result: Any = Any) -> None:
        self.name = name
        self._types = [part for _, part in wit.params]
        self._result = wit.result
        self._hints = [Any] * len(self._types) if parameters is None else list(parameters)
        self._result_hint = result
        if len(self._hints) != len(self._types):
            raise WrongWorld(f"{name} has {len(self._types)} parameters, and {len(self._hints)} are expected")
        if self._result is None and result not in (Any, type(None)):
            raise WrongWorld(f"{name} has no result, and one is expected")
        self._lifts: list[tuple[int, Lift]] | None = None
        self._lowers: list[Lower] | None = None
        self._lower_result: Lower | None = None
        self._lift_result: Lift | None = None

    @classmethod
    def of(cls, name: str, wit: FuncType, function: Callable[..., Any]) -> "Plan":
        """The plan of an import, from a host function's annotations. Its first parameter is the call's context."""
        hints = typing.get_type_hints(function)
        _, *parameters = signature(function).parameters
        return cls(name, wit, [hints.get(parameter, Any) for parameter in parameters], hints.get("return", Any))

    @property
    def has_result(self) -> bool:
        return self._result is not None

    @property
    def answers_host_error(self) -> bool:
        """Whether the function's errors are the contract's `host-error`."""
        err = self._result.err if isinstance(self._result, ResultType) else None
        return isinstance(err, RecordType) and tuple(name for name, _ in err.fields) == HOST_ERROR

    def check(self) -> "Plan":
        """Compiles an import's half, so that a wrong annotation shows when the component is linked."""
        self._compile_import()
        return self

    def check_export(self) -> "Plan":
        """Compiles an export's half, so that a wrong type shows when the component is loaded."""
        self._compile_export()
        return self

    def _compile_export(self) -> list[Lower]:
        self._lowers = [lowerer(part, hint) for part, hint in zip(self._types, self._hints, strict=True)]
        self._lift_result = lifter(self._result, self._result_hint) if self._result is not None else None
        return self._lowers

    def _compile_import(self) -> list[tuple[int, Lift]]:
        pairs = enumerate(zip(self._types, self._hints, strict=True))
        self._lifts = [(i * raw.VALUE_SIZE, lifter(part, hint)) for i, (part, hint) in pairs]
        self._lower_result = lowerer(self._result, self._result_hint) if self._result is not None else None
        return self._lifts

    def lift_arguments(self, address: int, lifting: Lifting) -> list[Any]:
        """What the guest passes. Raises `LimitExceeded` before it converts too much."""
        lifts = self._lifts if self._lifts is not None else self._compile_import()
        if not lifts:
            return []
        values = string_at(address, len(lifts) * raw.VALUE_SIZE)
        return [lift(values, offset, lifting) for offset, lift in lifts]

    def lower_result(self, value: Any, keep: Keep) -> bytes:
        """What the guest gets. Only where `has_result`."""
        assert self._lower_result is not None
        return self._lower_result(value, keep)

    def lower_arguments(self, values: Sequence[Any], keep: Keep) -> bytes:
        lowers = self._lowers if self._lowers is not None else self._compile_export()
        return b"".join([lower(value, keep) for lower, value in zip(lowers, values, strict=True)])

    def lift_result(self, value: bytes, lifting: Lifting) -> Any:
        """What an export returned. Only after its arguments were lowered."""
        return self._lift_result(value, 0, lifting) if self._lift_result else None


class host_error(typing.NamedTuple):  # spelled like the WIT record that it is
    """WIT's `host-error`."""

    code: str
    message: str
    retry_after_ms: int | None
