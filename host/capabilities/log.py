"""The interface `log`."""

from host.capabilities.invocation import Invocation
from host.capabilities.registry import function


@function("log", "write")
def write(invocation: Invocation, level: str, message: str, fields: str | None) -> None:
    invocation.write_log(level, message, fields)
