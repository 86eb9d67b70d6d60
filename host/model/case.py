"""Values of WIT's sum types, as the boundary lifts and lowers them."""

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Case(NamedTuple):
    """One case of a WIT `variant`: its name as WIT spells it, and its payload (None where it has none)."""

    name: str
    value: object = None


class Ok(NamedTuple, Generic[T]):
    """The good half of a WIT `result`."""

    value: T


class Err(NamedTuple, Generic[T]):
    """The other half of a WIT `result`."""

    value: T
