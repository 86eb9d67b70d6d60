"""What a component needs at least, found by trial: nothing else knows what its start takes."""

from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from host.model.errors import GuestError, UsageError
from host.model.limits import KIB, MIB, Limits, tag
from host.runtime.describe import LIMITS, document
from host.runtime.exports import TYPES
from host.sandbox.component import Component

Tried: TypeAlias = Literal["memory", "table_elements"]
STEPS: dict[Tried, int] = {"memory": 64 * 1024, "table_elements": 1}
"""The limits below which a component can't even start, and in what steps they are tried: a page of memory, an element."""


async def require_all(plugin: str, artefact: Path, limits: Limits) -> None:
    """Raises `UsageError` where a component that describes itself under the defaults could not even start within these limits."""
    for name in STEPS:
        if (value := getattr(limits, name)) < getattr(LIMITS, name):
            await require(plugin, artefact, name, value)


async def require(plugin: str, artefact: Path, name: Tried, value: int) -> None:
    """Raises `UsageError` where the component could not even start with it. The sentence says what would be enough."""
    needed = await least(artefact, name, value)
    if needed > value:
        raise UsageError(_too_small(plugin, name, needed, value))


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


def _too_small(plugin: str, name: str, needed: int, value: int) -> str:
    if name != "memory":
        return f"{plugin} needs at least {needed:,} of {tag(name)} to start, and {value:,} is less"
    exact = f"{needed // KIB}KiB"
    return f"{plugin} needs at least {-(-needed * 10 // MIB) / 10:.1f} MiB of memory to start ({exact}), and {value / MIB:.1f} MiB is less"
