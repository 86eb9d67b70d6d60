"""The host functions by interface and name, and the one place where a grant is checked."""

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from host.capabilities.invocation import Invocation
from host.model.errors import HostError, denied

P = ParamSpec("P")
R = TypeVar("R")
Grant: TypeAlias = str | Callable[..., str] | None
"""The capability that a function needs: always the same, or made of the call's arguments."""

INTERFACES = ("clock", "random", "log", "config", "secrets", "store", "customers", "messages", "sources")
"""Each is a module of this package. What a guest may import beyond them answers `unavailable`."""


@dataclass(frozen=True)
class HostFunction:
    """One function of an imported interface; `name` as WIT spells it.

    `call` takes the invocation and the arguments by position, checks the grant, and raises `HostError` where WIT has a `host-error`. With
    `waits` it is an `async def`. `parameters` and `result` are the annotations, without the invocation.
    """

    interface: str
    name: str
    call: Callable[..., Any]
    waits: bool
    grant: Grant
    parameters: dict[str, Any]
    result: Any


_FUNCTIONS: dict[str, dict[str, HostFunction]] = {interface: {} for interface in INTERFACES}


def function(
    interface: str, name: str, grant: Grant = None
) -> Callable[[Callable[Concatenate[Invocation, P], R]], Callable[Concatenate[Invocation, P], R]]:
    """Registers a host function. What it decorates can't be called around the check of its grant."""

    def register(implementation: Callable[Concatenate[Invocation, P], R]) -> Callable[Concatenate[Invocation, P], R]:
        call = _checked(implementation, grant)
        hints = typing.get_type_hints(implementation)
        result = hints.pop("return")
        hints.pop("invocation")
        _FUNCTIONS[interface][name] = HostFunction(interface, name, call, inspect.iscoroutinefunction(implementation), grant, hints, result)
        return call

    return register


def functions() -> dict[str, dict[str, HostFunction]]:
    """Every host function, by interface and name."""
    for interface in INTERFACES:
        import_module(f"host.capabilities.{interface}")
    return {interface: dict(named) for interface, named in _FUNCTIONS.items()}


def granted(invocation: Invocation, capability: str) -> bool:
    """The manifest asks for it, and the organisation's operator gave it."""
    return _refusal(invocation, capability) is None


def _checked(implementation: Callable[..., Any], grant: Grant) -> Callable[..., Any]:
    if grant is None:
        return implementation
    capability = _constant(grant) if isinstance(grant, str) else grant
    if not inspect.iscoroutinefunction(implementation):

        @wraps(implementation)
        def call(invocation: Invocation, *arguments: Any) -> Any:
            _require(invocation, capability(*arguments))
            return implementation(invocation, *arguments)

        return call

    @wraps(implementation)
    async def wait(invocation: Invocation, *arguments: Any) -> Any:
        _require(invocation, capability(*arguments))
        return await implementation(invocation, *arguments)

    return wait


def _constant(capability: str) -> Callable[..., str]:
    return lambda *_: capability


def _require(invocation: Invocation, capability: str) -> None:
    refusal = _refusal(invocation, capability)
    if refusal is not None:
        raise refusal


def _refusal(invocation: Invocation, capability: str) -> HostError | None:
    """What answers a call that needs the capability; None where it may go on, and has used it."""
    installation = invocation.installation
    if capability not in invocation.wishes:
        return HostError(
            "denied",
            f"the manifest of {installation.plugin} does not ask for {capability!r}, so no grant of organisation "
            f"{installation.organization!r} can give it; the plugin's author adds it to the manifest",
        )
    if capability not in installation.grants:
        return denied(capability, installation.organization, installation.plugin)
    invocation.used.add(capability)
    return None
