"""What a guest is asked: one request to one export, whatever its kind."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from host.model.delivery import Delivery, LogLine
from host.model.errors import InnkeeperError
from host.model.identifier import new_id
from host.model.installation import Installation
from host.model.limits import Usage
from stores.statement import Connection

LONGEST = 4096
"""Characters of a path or an error's message that are recorded: both come from strangers, and records are many."""

Lookup = Callable[[str, str], Installation | None]
"""The enabled installation of an organisation (first) and plugin as it is configured now."""


@dataclass(frozen=True, kw_only=True)
class InvocationRequest(ABC):
    """One request to an organisation's plugin, checked and complete. `received_ns` is on the performance counter, for durations.

    `kind` is what a delivery's record calls it. A `guarded` one is not run while the installation's breaker is open, and counts for it.
    """

    kind: ClassVar[str]
    guarded: ClassVar[bool] = True
    installation: Installation
    delivery_id: str = field(default_factory=new_id)
    received_at: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    received_ns: int = field(default_factory=time.perf_counter_ns)

    @property
    @abstractmethod
    def name(self) -> str:
        """The route, event, tool or function that is asked for."""

    @property
    @abstractmethod
    def export(self) -> tuple[str, str]:
        """The interface of the export that answers, and its function."""

    @property
    def from_anybody(self) -> bool:
        """Whether a stranger could have made it: what becomes of such a request says nothing about those of others."""
        return False

    @property
    def endpoint(self) -> tuple[str, str]:
        """The HTTP method and path, for the record; empty where it did not come by HTTP."""
        return "", ""

    @property
    def needs(self) -> frozenset[str]:
        """The grants that asking for it takes, whatever the guest does then."""
        return frozenset()

    def deadline_at(self) -> float:
        """When it must be answered, on the event loop's clock. The limit counts from the receipt."""
        spent = (time.perf_counter_ns() - self.received_ns) / 1e9
        return asyncio.get_running_loop().time() + self.installation.limits.deadline_ms / 1000 - spent

    @abstractmethod
    def arguments(self) -> list[Any]:
        """The export's arguments."""

    @abstractmethod
    def value(self, result: Any) -> Any:
        """What the export's result says, checked. Raises `InnkeeperError` where that is a failure."""

    def succeeded(self, value: Any) -> bool:
        """Whether its effects commit."""
        return True

    def status(self, value: Any) -> int:
        """The HTTP status that the record has for it."""
        return 200

    @abstractmethod
    def current(self, lookup: Lookup) -> Self:
        """The same request to the installation as it is now, itself where nothing changed.

        Raises `RequestError` where what it asks for is not there any more.
        """

    def commit(self, connection: Connection, value: Any) -> None:
        """Writes what belongs to its success before effects and record, in their transaction. Raises `Conflict`, or what fails it."""
        return None

    def delivery(
        self,
        outcome: str,
        status: int,
        error: InnkeeperError | None,
        *,
        cold: bool = False,
        runs: int = 0,
        usage: Usage | None = None,
        effects: int = 0,
        log: Sequence[LogLine] = (),
        dropped_log_lines: int = 0,
    ) -> Delivery:
        """The record of what became of it by now. Without figures: no guest ran."""
        usage = usage or Usage()
        method, path = self.endpoint
        masked = self.installation.masks.masked
        return Delivery(
            id=self.delivery_id,
            organization=self.installation.organization,
            plugin=self.installation.plugin,
            plugin_version=self.installation.manifest.version,
            kind=self.kind,
            name=self.name,
            method=method,
            path=masked(path)[:LONGEST],
            outcome=outcome,
            status=status,
            error_code=error.code if error else None,
            error_message=masked(error.message)[:LONGEST] if error else None,
            received_at=self.received_at,
            duration_us=(time.perf_counter_ns() - self.received_ns) // 1000,
            cold=cold,
            runs=runs,
            fuel=usage.fuel,
            memory=usage.memory,
            host_calls=usage.host_calls,
            bytes_in=usage.bytes_in,
            bytes_out=usage.bytes_out,
            effects=effects,
            log=list(log),
            dropped_log_lines=dropped_log_lines,
        )
