"""Version 7 UUIDs (RFC 9562) that rise strictly within one invocation."""

from uuid import UUID

from host.capabilities.tape import Tape

COUNTER_BITS = 12


class Ids:
    """New ids from a clock and a stream of random bytes: the same from the same.

    The twelve bits of `rand_a` are a counter (RFC 9562, section 6.2, method 1). It starts at random in each millisecond, in its lower half,
    so that there is room to count; when it is used up, the time part moves ahead of the clock by one.
    """

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._millisecond = -1
        self._counter = 0

    def new(self) -> str:
        random = int.from_bytes(self._tape.random_bytes(10), "big")
        self._advance(self._tape.now_ms(), random >> 64 & 0x7FF)
        rand_b = random & (1 << 62) - 1
        return str(UUID(int=self._millisecond << 80 | 7 << 76 | self._counter << 64 | 2 << 62 | rand_b))

    def _advance(self, now: int, start: int) -> None:
        if now > self._millisecond:
            self._millisecond, self._counter = now, start
        elif self._counter + 1 < 1 << COUNTER_BITS:
            self._counter += 1
        else:
            self._millisecond, self._counter = self._millisecond + 1, start
