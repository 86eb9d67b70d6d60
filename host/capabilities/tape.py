"""Where an invocation's time and randomness come from."""

import os
import time
from typing import Protocol


class Tape(Protocol):
    """A clock and a stream of random bytes. Those that guests read give the same again in a replay."""

    def now_ms(self) -> int:
        """Wall-clock time in milliseconds since 1970."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds since some fixed moment; never goes back."""
        ...

    def random_bytes(self, count: int) -> bytes: ...


class Unrecorded:
    """The machine's own clock and randomness."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)
