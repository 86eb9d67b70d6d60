"""Clock, randomness and answers of one invocation: recorded while it runs, or played back."""

import time
from collections.abc import Iterator
from hashlib import blake2b

from host.model.errors import ReplayDiverged
from host.model.tape import Answer, Tape

BLOCK = 64


class RandomStream:
    """Random bytes that only who has the key (at most 64 bytes) can foretell: BLAKE2b of a counter, keyed."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._counter = 0
        self._rest = b""

    def take(self, count: int) -> bytes:
        while len(self._rest) < count:
            self._rest += blake2b(self._counter.to_bytes(8, "little"), key=self._key, digest_size=BLOCK).digest()
            self._counter += 1
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken


class Recording:
    """Time from the real clock, randomness from `seed`, answers from the host functions. With `keep` it stays on `tape`, for a replay."""

    replaying = False

    def __init__(self, seed: bytes, started_at: int, keep: bool = False) -> None:
        self._keep = keep
        self.tape = Tape(seed, started_at, [], [])
        self._origin = time.perf_counter_ns()
        self._random = RandomStream(seed)

    def now_ms(self) -> int:
        """Wall-clock time in milliseconds since 1970."""
        return self.tape.started_at + self._reading() // 1_000_000

    def monotonic_ns(self) -> int:
        """Nanoseconds since 1970 at the receipt, and from there on by a clock that never goes back."""
        return self.tape.started_at * 1_000_000 + self._reading()

    def random_bytes(self, count: int) -> bytes:
        return self._random.take(count)

    def played(self, function: str) -> Answer | None:
        """The recorded answer; None when the host function has to be asked."""
        return None

    def record(self, answer: Answer) -> None:
        if self._keep:
            self.tape.answers.append(answer)

    def _reading(self) -> int:
        reading = time.perf_counter_ns() - self._origin
        if self._keep:
            self.tape.readings.append(reading)
        return reading


class Replay(Recording):
    """The same again, from a tape alone: no clock is read and no host function asked. Raises `ReplayDiverged` at the first difference."""

    replaying = True

    def __init__(self, tape: Tape) -> None:
        super().__init__(tape.seed, tape.started_at)
        self._readings: Iterator[int] = iter(tape.readings)
        self._answers: Iterator[Answer] = iter(tape.answers)

    def played(self, function: str) -> Answer:
        answer = next(self._answers, None)
        if answer is None or answer.function != function:
            expected = f"the tape has an answer of {answer.function} here" if answer else "the tape ends here"
            raise ReplayDiverged(f"the guest asks {function}, but {expected}")
        return answer

    def _reading(self) -> int:
        reading = next(self._readings, None)
        if reading is None:
            raise ReplayDiverged("the guest reads the clock once more than the tape has readings")
        return reading
