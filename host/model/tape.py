"""The tape: everything that a guest was told in one invocation. With it a run on a fresh instance repeats to the unit of fuel."""

from typing import Any

from msgspec import Struct


class Answer(Struct, frozen=True):
    """What one host function answered. `error` is (code, message, retry_after_ms) of a host-error; then `value` is None."""

    function: str
    value: Any
    error: tuple[str, str, int | None] | None = None


class Tape(Struct):
    """Readings and answers are in the order in which the guest asked.

    `seed` keys the stream of random bytes (32 bytes), `started_at` is the receipt in milliseconds since 1970, `readings` are the clock's in
    nanoseconds since then, `answers` the host functions'.
    """

    seed: bytes
    started_at: int
    readings: list[int]
    answers: list[Answer]
