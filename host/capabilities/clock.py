"""The interface `clock`."""

from host.capabilities.invocation import Invocation
from host.capabilities.registry import function


@function("clock", "now")
def now(invocation: Invocation) -> int:
    """Milliseconds since 1970."""
    return invocation.tape.now_ms()


@function("clock", "monotonic")
def monotonic(invocation: Invocation) -> int:
    """Nanoseconds since some fixed moment."""
    return invocation.tape.monotonic_ns()
