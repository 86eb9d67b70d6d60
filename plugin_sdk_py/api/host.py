"""The host's functions, by interface."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

from plugin_sdk_py.errors import Outside, host_error

__all__ = ["call", "host"]

T = TypeVar("T")


class Host:
    """Has nothing until the component is ready: neither on the author's own machine, nor while plugin.py is imported to build it."""

    def attach(self, bindings: ModuleType) -> None:
        vars(self).update(vars(bindings))

    def __getattr__(self, interface: str) -> Any:
        raise Outside(f"the host's {interface} is there only while a handler runs inside Innkeeper")


host = Host()


def call(function: Callable[..., T], *arguments: object) -> T:
    """The result of a host function that can fail. Raises HostError."""
    try:
        return function(*arguments)
    except host.Err as error:  # the class is only there inside a component
        raise host_error(error.value.code, error.value.message, error.value.retry_after_ms) from None
