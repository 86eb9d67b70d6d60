"""One call of a guest: what it may use, where its answers come from, what it has used."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from host.model.limits import Limits, Usage
from host.sandbox.tape import Recording


def discard(level: str, message: str) -> None:
    """A log that nobody reads."""


def ignore(waiting: bool) -> None:
    """For calls of which nobody asks whether they wait."""


@dataclass(slots=True, eq=False)
class Call:
    """`context` is what host functions get as their first argument; `log` takes the lines that the guest prints,
    `waits` is told when the guest begins and ends to wait for a host function.

    `deadline_at` is on the event loop's clock, in seconds; without it the limit counts from the call's start.
    """

    limits: Limits
    recording: Recording
    context: Any = None
    log: Callable[[str, str], None] = discard
    deadline_at: float | None = None
    waits: Callable[[bool], None] = ignore
    usage: Usage = field(default_factory=Usage)
