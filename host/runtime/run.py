"""One run of a guest for one request: what it gave, what it wished for, what it used."""

from dataclasses import dataclass, field
from typing import Any

from host.capabilities.invocation import Invocation
from host.model.delivery import Delivery, LogLine
from host.model.effects import Effect
from host.model.errors import Failed, InnkeeperError, Trap
from host.model.limits import Usage
from host.runtime.request import InvocationRequest


@dataclass
class Run:
    """`error` and `value` are alternatives; some values are failures too: a response with a status of 400 or above.

    `effects` begin with those of earlier runs that commit together with this one; `own_effects` are its own, by number. `used` are the
    capabilities that the guest has used. `runs` counts this run and those of the same request before it, and `usage` is what they all took.
    """

    request: InvocationRequest
    runs: int = 1
    cold: bool = False
    value: Any = None
    error: InnkeeperError | None = None
    effects: list[Effect] = field(default_factory=list)
    own_effects: int = 0
    used: frozenset[str] = frozenset()
    usage: Usage = field(default_factory=Usage)
    log: list[LogLine] = field(default_factory=list)
    dropped_log_lines: int = 0

    @classmethod
    def after(cls, last: "Run | None", request: InvocationRequest) -> "Run":
        """The next run for a request, or the first."""
        return cls(request) if last is None else cls(request, runs=last.runs + 1, usage=last.usage)

    @property
    def succeeded(self) -> bool:
        return self.error is None and self.request.succeeded(self.value)

    @property
    def status(self) -> int:
        """The HTTP status that the record has for it."""
        return self.request.status(self.value) if self.error is None else self.error.status

    @property
    def may_be_the_instances_fault(self) -> bool:
        """Whether a used instance's memory can be what went wrong."""
        at_fault = isinstance(self.error, (Trap, Failed)) or (self.error is not None and self.error.code == "limit.memory")
        return at_fault and not self.cold

    def fail(self, error: InnkeeperError) -> None:
        """What the guest gave does not count."""
        self.error, self.value = error, None

    def took(self, invocation: Invocation, usage: Usage) -> None:
        """Takes over what an invocation left."""
        self.effects, self.own_effects, self.usage = invocation.effects, invocation.own_effects, self.usage.plus(usage)
        self.used = frozenset(invocation.used)
        self.log, self.dropped_log_lines = invocation.log, invocation.dropped_log_lines

    def delivery(self) -> Delivery:
        """The record of the request whose last run this was."""
        return self.request.delivery(
            "succeeded" if self.succeeded else "failed",
            self.status,
            self.error,
            cold=self.cold,
            runs=self.runs,
            usage=self.usage,
            effects=self.own_effects if self.succeeded else 0,
            log=self.log,
            dropped_log_lines=self.dropped_log_lines,
        )
