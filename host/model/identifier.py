"""Ids: version 7 UUIDs (RFC 9562) as text, so that the order of ids is the order of time."""

import os
import time
from itertools import count
from threading import Lock
from uuid import UUID

COUNTED = 1 << 12
"""Ids of one millisecond that are told apart by their counter, the 12 bits of `rand_a` (RFC 9562, 6.2, method 1)."""


def uuid7(at: int, randomness: bytes) -> str:
    """The id of the moment `at` (milliseconds since 1970) with ten bytes of `randomness`."""
    return _uuid7(at, int.from_bytes(randomness[:2], "big") & COUNTED - 1, randomness[2:10])


class Ids:
    """New ids of this process, each greater than the one before: what came first has the smaller id, within a millisecond too."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._at = 0
        self._numbers = count()

    def new(self, now: int) -> str:
        """`now` is in milliseconds since 1970. A clock that went back, and a millisecond that is used up, are passed over."""
        with self._lock:
            if now > self._at:
                self._begin(now)
            number = next(self._numbers)
            if number == COUNTED:
                self._begin(self._at + 1)
                number = next(self._numbers)
            return _uuid7(self._at, number, os.urandom(8))

    def _begin(self, at: int) -> None:
        self._at, self._numbers = at, count(int.from_bytes(os.urandom(2), "big") & COUNTED // 2 - 1)


_ids = Ids()


def new_id() -> str:
    """An id of now, for what is made outside an invocation."""
    return _ids.new(time.time_ns() // 1_000_000)


def first_id(at: int) -> str:
    """The least id of the moment `at` or a later one: where a listing from then on begins."""
    return uuid7(max(at, 0), bytes(10))


def _uuid7(at: int, counter: int, randomness: bytes) -> str:
    return str(UUID(int=at << 80 | 7 << 76 | counter << 64 | 2 << 62 | int.from_bytes(randomness, "big") & (1 << 62) - 1))
