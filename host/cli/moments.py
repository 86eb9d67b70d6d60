"""Moments and spans, as commands take and show them. Inside they are milliseconds since 1970."""

import time
from datetime import datetime

from host.model.errors import UsageError


def now() -> int:
    return time.time_ns() // 1_000_000


def shown(at: int) -> str:
    """The local time, to the second."""
    return datetime.fromtimestamp(at / 1000).strftime("%Y-%m-%d %H:%M:%S")


def to_the_millisecond(at: int) -> str:
    """The local time, as `shown`, with its milliseconds."""
    return f"{shown(at)}.{at % 1000:03}"


def since(text: str, at: int) -> int:
    """The moment that `text` names: so long before `at` (`90s`, `2h`, `1d`), or a local date or time (`2026-03-01`, `2026-03-01T08:30`).

    Raises `UsageError`, also for what is still to come.
    """
    from host.cli.units import duration_ms

    try:
        found = at - duration_ms(text) if text[4:5] != "-" else int(datetime.fromisoformat(text).timestamp() * 1000)
    except (UsageError, ValueError, OverflowError):
        raise UsageError(
            f"--since takes a span, as 90s, 30min, 2h or 1d, or a time, as 2026-03-01 or 2026-03-01T08:30, not {text[:100]!r}"
        ) from None
    if found > at:
        raise UsageError(f"--since {text} is still to come")
    return max(found, 0)
