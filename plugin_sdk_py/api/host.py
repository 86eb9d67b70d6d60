"""The host's functions, or outside of it something that says so when it is used."""

from collections.abc import Callable
from typing import Any, TypeVar

from plugin_sdk_py.errors import Outside, host_error

__all__ = ["call", "host"]

T = TypeVar("T")


class Nowhere:
    """Stands in for the host on the author's own machine, where a module of a plugin can be imported and its plain functions tested."""

    def __getattr__(self, interface: str) -> Any:
        raise Outside(f"the host's interface {interface!r} is there only while Innkeeper runs a handler")


class NoError(Exception):
    """What nothing raises."""

    value: Any


host: Any = Nowhere()
Err: type[Any] = NoError

try:
    from plugin_sdk_py.guest import bindings
except ModuleNotFoundError as error:
    if error.name not in ("componentize_py_types", "wit_world"):
        raise
else:
    host, Err = bindings, bindings.Err


def call(function: Callable[..., T], *arguments: object) -> T:
    """The result of a host function that can fail. Raises HostError."""
    try:
        return function(*arguments)
    except Err as error:
        raise host_error(error.value.code, error.value.message, error.value.retry_after_ms) from None
