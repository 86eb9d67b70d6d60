"""Calls of the export `lifecycle`: what happens to an installation is told to its plugin."""

import time
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from host.model.errors import InnkeeperError, RequestError
from host.model.manifest import LifecycleFunction
from host.runtime.exports import value_of
from host.runtime.request import InvocationRequest, Lookup
from stores import conditions
from stores.conditions import Status
from stores.statement import Connection

SHOWN = 1000
"""Characters of a plugin's words that an operator gets to see of a failure; the delivery has more of them."""


@dataclass(frozen=True, kw_only=True)
class LifecycleCall(InvocationRequest):
    """One call. `proposed` are the settings for `validate-auth`, a JSON object as text. An open breaker does not hold it up."""

    kind: ClassVar[str] = "lifecycle"
    guarded: ClassVar[bool] = False
    function: LifecycleFunction
    proposed: str | None = None

    @property
    def name(self) -> str:
        return self.function

    @property
    def export(self) -> tuple[str, str]:
        return "lifecycle", self.function

    def arguments(self) -> list[Any]:
        return [] if self.proposed is None else [self.proposed]

    def value(self, result: Any) -> None:
        value_of(result)

    def current(self, lookup: Lookup) -> "LifecycleCall":
        now = lookup(self.installation.organization, self.installation.plugin)
        if now is self.installation:
            return self
        if now is None or self.function not in now.manifest.lifecycle:
            raise RequestError(404, "not-found", f"{self.installation.plugin} has nothing to do at {self.function} any more")
        return replace(self, installation=now)

    def commit(self, connection: Connection, value: Any) -> None:
        """What a success says of the installation, with its effects: initialised, or running."""
        organization, plugin = self.installation.organization, self.installation.plugin
        if self.function == "initialize":
            conditions.set_initialized(connection, organization, plugin, self.installation.digest)
        elif self.function == "start":
            move(connection, organization, plugin, "running", None)


def move(connection: Connection, organization: str, plugin: str, status: Status, reason: str | None) -> None:
    """From `starting` on. Where it is no longer that, somebody else, or the breaker, was faster."""
    condition = conditions.get(connection, organization, plugin)
    if condition is not None and condition.status == "starting":
        conditions.set_status(connection, organization, plugin, status, reason, now_ms())


def now_ms() -> int:
    """Milliseconds since 1970, for statuses."""
    return time.time_ns() // 1_000_000


def words_of(error: InnkeeperError) -> str:
    """What it says, on one line: in a sentence of ours a plugin's words stay a part of it."""
    return " ".join(error.message[:SHOWN].split())


def reason_of(function: str, error: InnkeeperError) -> str:
    """Why it failed, for operators."""
    return f"{function}: {words_of(error)} ({error.code})"
