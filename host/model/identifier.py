"""Ids: version 7 UUIDs (RFC 9562) as text, so that the order of ids is the order of time."""

import os
import time
from uuid import UUID


def uuid7(at: int, randomness: bytes) -> str:
    """The id of the moment `at` (milliseconds since 1970) with ten bytes of `randomness`."""
    bits = int.from_bytes(randomness[:10], "big")
    return str(UUID(int=at << 80 | 7 << 76 | (bits >> 64 & 0xFFF) << 64 | 2 << 62 | bits & (1 << 62) - 1))


def new_id() -> str:
    """An id of now, for what is made outside an invocation."""
    return uuid7(time.time_ns() // 1_000_000, os.urandom(10))


def first_id(at: int) -> str:
    """The least id of the moment `at` or a later one: where a listing from then on begins."""
    return uuid7(max(at, 0), bytes(10))
