"""What is kept of an invocation."""

from msgspec import Struct

KINDS = ("webhook", "lifecycle", "hook", "tool")
OUTCOMES = ("succeeded", "failed", "refused")
LEVELS = ("debug", "info", "warn", "error")
"""Of log lines, the least urgent first."""


class LogLine(Struct, frozen=True):
    """One line of a plugin's log. `at` is in milliseconds; `fields` is a JSON object as text or None."""

    at: int
    level: str
    message: str
    fields: str | None = None


class Delivery(Struct, frozen=True, kw_only=True):
    """The record of one request to a plugin.

    `kind` is `webhook`, `lifecycle`, `hook` or `tool`, `name` the route, the lifecycle's function, the event or the tool; what did not come
    by HTTP has neither `method` nor `path`. `outcome` is `succeeded`, `failed` (the guest ran) or `refused` (it did not).
    """

    id: str
    organization: str
    plugin: str
    plugin_version: str
    kind: str
    name: str
    method: str
    path: str
    outcome: str
    status: int
    """The HTTP status of the answer."""
    error_code: str | None
    error_message: str | None
    received_at: int
    """Milliseconds since 1970."""
    duration_us: int
    """From receipt until its commit begins, in microseconds."""
    cold: bool
    """The instance was made for it."""
    runs: int
    """How often the guest ran: again after a lost race, a change of the configuration, or a failure in a used instance.

    The figures below are the sums over all runs; memory is the largest. Effects and log are those of the last run.
    """
    fuel: int
    memory: int
    host_calls: int
    bytes_in: int
    """Bytes that went to the guest, as arguments and answers, and that came from it, as they cross the boundary."""
    bytes_out: int
    effects: int
    log: list[LogLine]
    dropped_log_lines: int
