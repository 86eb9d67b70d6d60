"""Ids: version 7 UUIDs (RFC 9562) as text, so that the order of ids is the order of time."""

import os
import time
from uuid import UUID


def uuid7(at: int, randomness: bytes) -> str:
    """The id of the moment `at` (milliseconds since 1970) with ten bytes of `randomness`."""
    number = at.to_bytes(6, "big") + randomness[:10]
    bits = int.from_bytes(number, "big")
    bits = bits & ~(0xF000 << 64) | 0x7000 << 64
    return str(UUID(int=bits & ~(0xC000 << 48) | 0x8000 << 48))


def new_id() -> str:
    """An id of now, for what is made outside an invocation."""
    return uuid7(time.time_ns() // 1_000_000, os.urandom(10))
