"""What a component needs at least, found by trial: nothing else knows what its start takes."""

from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from host.model.errors import GuestError
from host.runtime.describe import LIMITS, document
from host.runtime.exports import TYPES
from host.sandbox.component import Component

Tried: TypeAlias = Literal["memory", "table_elements"]
STEPS: dict[Tried, int] = {"memory": 64 * 1024, "table_elements": 1}
"""The limits below which a component can't even start, and in what steps they are tried: a page of memory, an element."""


async def least(artefact: Path, name: Tried, given: int) -> int:
    """`given` where the component starts and describes itself with it, else the smallest value that is enough."""
    component = Component(artefact, {}, TYPES)
    if await _works(component, name, given):
        return given
    step = STEPS[name]
    enough: int = getattr(LIMITS, name)
    low, high = given // step, -(-enough // step)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if await _works(component, name, middle * step) else (middle, high)
    return high * step


async def _works(component: Component, name: Tried, value: int) -> bool:
    try:
        await document(component, replace(LIMITS, **{name: value}))
    except GuestError:
        return False
    return True
