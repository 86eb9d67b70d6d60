"""One run of a guest for one request: what it answered, what it wished for, what it used."""

from dataclasses import dataclass, field

from host.capabilities.invocation import Invocation
from host.model.delivery import Delivery, LogLine
from host.model.effects import Effect
from host.model.errors import Failed, InnkeeperError, Trap
from host.model.limits import Usage
from host.runtime.receipt import Receipt
from host.runtime.response import CheckedResponse


@dataclass
class Run:
    """`error` and `response` are alternatives; a response with a status of 400 or above is a failure too."""

    cold: bool = False
    response: CheckedResponse | None = None
    error: InnkeeperError | None = None
    effects: list[Effect] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    log: list[LogLine] = field(default_factory=list)
    dropped_log_lines: int = 0

    @property
    def succeeded(self) -> bool:
        return self.response is not None and self.response.status < 400

    @property
    def status(self) -> int:
        """The HTTP status that answers it."""
        if self.response is not None:
            return self.response.status
        return self.error.status if self.error else InnkeeperError.status

    @property
    def may_be_the_instances_fault(self) -> bool:
        """Whether a used instance's memory can be what went wrong."""
        at_fault = isinstance(self.error, (Trap, Failed)) or (self.error is not None and self.error.code == "limit.memory")
        return at_fault and not self.cold

    def fail(self, error: InnkeeperError) -> None:
        """What the guest answered does not count."""
        self.error, self.response = error, None

    def took(self, invocation: Invocation, usage: Usage) -> None:
        """Takes over what an invocation left."""
        self.effects, self.usage = invocation.effects, usage
        self.log, self.dropped_log_lines = invocation.log, invocation.dropped_log_lines

    def delivery(self, receipt: Receipt, runs: int) -> Delivery:
        """The record of the request whose last run this was."""
        return receipt.delivery(
            "succeeded" if self.succeeded else "failed",
            self.status,
            self.error,
            cold=self.cold,
            runs=runs,
            usage=self.usage,
            effects=len(self.effects) if self.succeeded else 0,
            log=self.log,
            dropped_log_lines=self.dropped_log_lines,
        )
