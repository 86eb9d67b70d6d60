"""How often something may happen in a minute, and when it may again."""

from hypothesis import given
from hypothesis import strategies as st
from limits import RateLimitItemPerHour
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from host.runtime.rates import Rate, Windows, seconds_until_fewer

counts = st.integers(0, 10_000)


def weighted(before: int, now: int, remaining: float, later: float) -> float:
    """What counts after `later` seconds in which nothing happens, by the library's rule."""
    if later < remaining:
        return before * (remaining - later) / 60 + now
    return now * max(0.0, 120 - (later - remaining) - 60) / 60


@given(st.integers(1, 5_000), counts, counts, st.floats(0.001, 60))
def test_the_seconds_to_wait_are_true_and_hardly_more_than_needed(limit: int, before: int, now: int, remaining: float) -> None:
    seconds = seconds_until_fewer(limit, before, now, remaining)
    assert 1 <= seconds <= 121
    assert weighted(before, now, remaining, seconds) < limit
    if seconds > 1:
        assert weighted(before, now, remaining, seconds - 1 - 1e-6) >= limit - 1e-3


def test_so_many_pass_and_each_key_has_its_own() -> None:
    rate = Rate()
    assert [rate.count(3, "acme", "probe") for _ in range(3)] == [0, 0, 0]
    assert rate.count(3, "acme", "probe") >= 1
    assert rate.wait(3, "acme", "probe") >= 1
    assert rate.count(3, "globex", "probe") == 0
    assert rate.wait(3, "never", "seen") == 0


def test_a_limit_that_was_raised_holds_at_once() -> None:
    rate = Rate()
    while not rate.count(2, "acme"):
        pass
    assert rate.count(1_000, "acme") == 0


def test_however_many_keys_come_the_counters_are_bounded_and_the_busy_ones_stay() -> None:
    rate = Rate(100)
    for number in range(2_000):
        rate.count(50, f"stranger {number}")
        rate.count(50, "busy")
    assert repr(rate) == "<Rate <Windows [100 of 100]>>"
    assert rate.wait(50, "busy") >= 1


@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(1, 10))
def test_it_counts_as_the_librarys_own_storage_does(keys: list[str], limit: int) -> None:
    item = RateLimitItemPerHour(limit)
    ours, theirs = SlidingWindowCounterRateLimiter(Windows()), SlidingWindowCounterRateLimiter(MemoryStorage())
    assert [ours.hit(item, key) for key in keys] == [theirs.hit(item, key) for key in keys]
