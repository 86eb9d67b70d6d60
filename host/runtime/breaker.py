"""The breaker: an installation that fails again and again is called no more, until an operator or a new version closes it.

Requests to public routes count neither for nor against: with a few that make the plugin trap, a stranger would shut its webhooks out.
"""

import time
from collections import deque
from collections.abc import Callable

import structlog

from host.model import remedies
from host.model.errors import DeadlineExceeded, Failed, LimitExceeded, LostToOthers, OutOfFuel, Rejected, RequestError, Trap
from host.model.installation import Installation
from host.runtime.lifecycle import now_ms, words_of
from host.runtime.run import Run
from stores import conditions, installations
from stores.statement import Connection

log = structlog.get_logger()

FAILURES = (Trap, Failed, LimitExceeded, OutOfFuel, DeadlineExceeded)
"""What counts. A request that the plugin rejects, one that is too large, and one that found the host busy are no faults of the plugin."""

RETRY_AFTER_S = 60


class BreakerOpen(RequestError):
    """The plugin is out of service after repeated failures."""

    def __init__(self) -> None:
        super().__init__(503, "breaker.open", (type(self).__doc__ or "").strip(), retry_after_s=RETRY_AFTER_S)


def open_breaker(connection: Connection, failing: Installation, reason: str) -> None:
    """Opens it, and says why, unless another version took that one's place meanwhile."""
    organization, plugin = failing.organization, failing.plugin
    now = installations.load(connection, None, organization, plugin)
    if now is None or now.digest != failing.digest or now.breaker_open:
        return
    at = now_ms()
    reason = f"{reason}; close it with: {remedies.enable(plugin, organization)}"
    conditions.set_breaker(connection, organization, plugin, at)
    conditions.set_status(connection, organization, plugin, "error", reason, at)
    log.error("breaker.opened", organization=organization, plugin=plugin, reason=reason)


class Breakers:
    """Counts each installation's failures in a row. `failures` of them within `window_s` seconds open its breaker; with 0 none does.

    `clock` is in seconds. It remembers what has failed and not succeeded since, of each installation at most `failures` moments.
    """

    def __init__(self, failures: int, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._failures = failures
        self._window_s = window_s
        self._clock = clock
        self._counts: dict[tuple[str, str], tuple[str, deque[float]]] = {}

    def __repr__(self) -> str:
        return f"<Breakers [{len(self._counts)} installations that fail]>"

    def saw(self, run: Run) -> str | None:
        """Counts what became of a request. Gives the reason where that opens the breaker."""
        installation, error = run.request.installation, run.error
        key = (installation.organization, installation.plugin)
        if not run.request.guarded or run.request.from_anybody or not self._failures:
            return None
        if isinstance(error, FAILURES) and not (isinstance(error, LostToOthers) or error.code == "limit.input-bytes"):
            if not self._opens(key, installation.digest):
                return None
            del self._counts[key]
            return f"breaker: {self._failures} failures in a row within {self._window_s:g} s; the last: {words_of(error)} ({error.code})"
        if isinstance(error, Rejected) or (error is None and run.status < 500):
            self._counts.pop(key, None)
        return None

    def _opens(self, key: tuple[str, str], digest: str) -> bool:
        """Another version starts with a clean record."""
        known = self._counts.get(key)
        moments = known[1] if known and known[0] == digest else deque[float](maxlen=self._failures)
        self._counts[key] = (digest, moments)
        moments.append(self._clock())
        return len(moments) == self._failures and moments[-1] - moments[0] <= self._window_s
