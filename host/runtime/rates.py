"""How often something may happen in a minute, by the strategy of the `limits` library: the calls of this minute and, the more of it is left
behind, the fewer of the last one. So what holds for the minutes of the clock holds for about any minute between."""

import math
import time
from functools import lru_cache

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.storage.base import Storage
from limits.strategies import SlidingWindowCounterRateLimiter

from host.model.errors import RequestError
from host.model.installation import Installation

MINUTE = 60
MOST_WINDOWS = 50_000
"""Counters that are kept: a few megabytes, however many strangers come."""


class Windows(MemoryStorage):
    """Counters by key, the ones that nobody counted in for longest forgotten beyond `most`.

    The library's own has no such end, and a thread that it starts a hundred times a second walks over all (see docs/decisions).
    """

    STORAGE_SCHEME = ["innkeeper"]  # noqa: RUF012  # as the library declares it

    def __init__(self, most: int = MOST_WINDOWS) -> None:
        Storage.__init__(self)
        self._most = most
        self._windows: dict[str, tuple[int, float]] = {}

    def __repr__(self) -> str:
        return f"<Windows [{len(self._windows)} of {self._most}]>"

    def get(self, key: str) -> int:
        count, expires = self._windows.get(key, (0, 0.0))
        return count if expires > time.time() else 0

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        count, expires = self._windows.pop(key, (0, 0.0))
        if expires <= now:
            count, expires = 0, now + expiry
        self._windows[key] = (count + amount, expires)
        if len(self._windows) > self._most:
            del self._windows[next(iter(self._windows))]
        return count + amount


class Rate:
    """So many times a minute for each key."""

    def __init__(self, most_windows: int = MOST_WINDOWS) -> None:
        self._windows = Windows(most_windows)
        self._strategy = SlidingWindowCounterRateLimiter(self._windows)

    def __repr__(self) -> str:
        return f"<Rate {self._windows!r}>"

    def count(self, limit: int, *key: str) -> int:
        """Counts one more, and gives 0; where that would be too many, the seconds after which it would not be."""
        return 0 if self._strategy.hit(_per_minute(limit), *key) else self._wait(limit, *key)

    def wait(self, limit: int, *key: str) -> int:
        """The same without counting."""
        return 0 if self._strategy.test(_per_minute(limit), *key) else self._wait(limit, *key)

    def _wait(self, limit: int, *key: str) -> int:
        before, _, now, expires_in = self._windows.get_sliding_window(_per_minute(limit).key_for(*key), MINUTE)
        return seconds_until_fewer(limit, before, now, expires_in - MINUTE)


def seconds_until_fewer(limit: int, before: int, now: int, remaining: float) -> int:
    """When there are fewer than `limit`, if nothing else comes: of `before` in the last window and `now` in this one, of which so many
    seconds remain. Whole seconds, as Retry-After has them; at least one."""
    if now >= limit:
        return math.floor(remaining + MINUTE - MINUTE * limit / now) + 1
    return max(0, math.floor(remaining - MINUTE * (limit - now) / before)) + 1 if before else 1


@lru_cache(maxsize=1024)
def _per_minute(limit: int) -> RateLimitItem:
    return RateLimitItemPerMinute(limit)


class CallRates:
    """Calls of each installation."""

    def __init__(self) -> None:
        self._rate = Rate()

    def admit(self, installation: Installation) -> None:
        """Counts a call. Raises `RequestError` with 429 where it is one too many."""
        limit = installation.limits.calls_per_minute
        if wait := self._rate.count(limit, installation.organization, installation.plugin):
            raise RequestError(
                429, "limit.calls-per-minute", f"more than {limit} calls in a minute (the limit calls-per-minute)", retry_after_s=wait
            )
