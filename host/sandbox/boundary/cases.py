"""The enums and variants of the contract. A guest's component says itself which cases its types have, and what it says is checked against
these: else a host function would be handed a case that it has never heard of."""

import re
from functools import cache
from typing import Any, TypeAlias

from wasmtime.component import EnumType, VariantType

from host.model.contract import WIT
from host.model.errors import WrongWorld

Cases: TypeAlias = tuple[tuple[str, str | None], ...]
"""The cases of a type in their order, each with the name of its payload's type, if it has one."""

COMMENT = re.compile(r"//.*")
TYPE = re.compile(r"\b(?:enum|variant)\s+[a-z0-9-]+\s*\{([^}]*)\}")
CASE = re.compile(r"([a-z0-9-]+)(?:\(([^)]*)\))?")
PRIMITIVES = {"string", "bool", "char", *(f"{sign}{bits}" for sign in "us" for bits in (8, 16, 32, 64)), "f32", "f64"}
OTHER = "other"
"""Instead of the name of a payload's type that is none of WIT's own: records are checked by their fields."""


@cache
def contract() -> frozenset[Cases]:
    """Those that the contract has."""
    texts = [COMMENT.sub("", path.read_text()) for path in WIT.glob("*.wit")]
    return frozenset(_parsed(body) for text in texts for body in TYPE.findall(text))


def check(wit: EnumType | VariantType) -> None:
    """Raises `WrongWorld` where the contract has no type of these cases."""
    found = cases_of(wit)
    if found not in contract():
        names = ", ".join(name if payload is None else f"{name}({payload})" for name, payload in found)
        raise WrongWorld(f"the contract has no enum or variant of the cases {names}")


def cases_of(wit: EnumType | VariantType) -> Cases:
    if isinstance(wit, EnumType):
        return tuple((name, None) for name in wit.names)
    return tuple((name, None if payload is None else _known(_name(payload))) for name, payload in wit.cases)


def _parsed(body: str) -> Cases:
    return tuple((name, _known(payload) if payload else None) for name, payload in CASE.findall(body))


def _name(payload: Any) -> str:
    return type(payload).__name__.lower()


def _known(name: str) -> str:
    return name if name in PRIMITIVES else OTHER
