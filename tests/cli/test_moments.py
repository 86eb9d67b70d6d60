"""Moments as people write them."""

from datetime import datetime

import pytest

from host.cli.moments import shown, since, to_the_millisecond
from host.model.errors import UsageError

NOON = int(datetime(2026, 3, 1, 12).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("90s", datetime(2026, 3, 1, 11, 58, 30)),
        ("1.5h", datetime(2026, 3, 1, 10, 30)),
        ("1d", datetime(2026, 2, 28, 12)),
        ("0s", datetime(2026, 3, 1, 12)),
        ("2026-02-28", datetime(2026, 2, 28)),
        ("2026-03-01T08:30", datetime(2026, 3, 1, 8, 30)),
        ("2026-03-01 08:30:05", datetime(2026, 3, 1, 8, 30, 5)),
    ],
)
def test_a_span_counts_from_now_and_a_time_is_local(text: str, at: datetime) -> None:
    assert since(text, NOON) == at.timestamp() * 1000
    assert shown(since(text, NOON)) == at.strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize("text", ["", "5", "yesterday", "-1h", "2026-13-01", "2026-", "1 fortnight", "9" * 200, "0000-01-01", "\ud800"])
def test_what_is_neither_is_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="--since takes a span"):
        since(text, NOON)


def test_what_is_still_to_come_is_refused_and_what_was_before_1970_is_the_beginning() -> None:
    with pytest.raises(UsageError, match="still to come"):
        since("2026-03-02", NOON)
    assert since("40000d", NOON) == 0
    assert since("0001-01-02", NOON) == 0


def test_milliseconds_are_shown_where_order_matters() -> None:
    assert to_the_millisecond(NOON + 7) == "2026-03-01 12:00:00.007"
