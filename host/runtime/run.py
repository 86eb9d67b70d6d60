"""One run of a guest for one request: what it answered, what it wished for, what it used."""

import time
from dataclasses import dataclass, field

from host.capabilities.invocation import Invocation
from host.model.delivery import Delivery, LogLine
from host.model.effects import Effect
from host.model.errors import GuestError, InnkeeperError
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
        if isinstance(self.error, GuestError):
            return self.error.status
        return 503 if self.error is not None and self.error.code == "unavailable" else 500

    def fail(self, error: InnkeeperError) -> None:
        """What the guest answered does not count."""
        self.error, self.response = error, None

    def took(self, invocation: Invocation, usage: Usage) -> None:
        """Takes over what an invocation left."""
        self.effects, self.usage = invocation.effects, usage
        self.log, self.dropped_log_lines = invocation.log, invocation.dropped_log_lines

    def delivery(self, receipt: Receipt, runs: int) -> Delivery:
        """The record of the request whose last run this was."""
        installation = receipt.installation
        return Delivery(
            id=receipt.delivery_id,
            organization=installation.organization,
            plugin=installation.plugin,
            plugin_version=installation.manifest.version,
            route=receipt.route.name,
            method=receipt.method,
            path=receipt.path,
            outcome="succeeded" if self.succeeded else "failed",
            status=self.status,
            error_code=self.error.code if self.error else None,
            error_message=self.error.message if self.error else None,
            received_at=receipt.received_at,
            duration_us=(time.perf_counter_ns() - receipt.received_ns) // 1000,
            cold=self.cold,
            runs=runs,
            fuel=self.usage.fuel,
            memory=self.usage.memory,
            host_calls=self.usage.host_calls,
            effects=len(self.effects) if self.succeeded else 0,
            log=self.log,
            dropped_log_lines=self.dropped_log_lines,
        )
