"""The interface `random`."""

from host.capabilities.invocation import Invocation
from host.capabilities.registry import function

LONGEST = 4096
"""Random bytes in one call; the contract cuts what is above."""


@function("random", "number")
def number(invocation: Invocation) -> int:
    """Sixty-four random bits."""
    return int.from_bytes(invocation.tape.random_bytes(8), "little")


@function("random", "hex")
def hexadecimal(invocation: Invocation, count: int) -> str:
    return invocation.tape.random_bytes(min(count, LONGEST)).hex()


@function("random", "uuid")
def uuid(invocation: Invocation) -> str:
    return invocation.new_guest_id()
