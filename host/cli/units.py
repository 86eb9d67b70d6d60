"""Sizes, durations and counts as people write them: `64MiB`, `5s`, `2M`. Each takes plain numbers too, but a duration in milliseconds."""

import re
from decimal import Decimal

from host.model.errors import UsageError

SIZES = {"": 1, "b": 1} | {
    unit: base**power for power, letter in enumerate("kmgt", 1) for unit, base in ((f"{letter}b", 1000), (f"{letter}ib", 1024))
}
MILLISECONDS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
COUNTS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3}

_NUMBER = re.compile(r"\s*([0-9][0-9_]{0,20})(\.[0-9]{1,9})?\s*([a-zA-Z]{0,3})\s*", re.ASCII)


def size(text: str, option: str = "") -> int:
    """Bytes: `64MiB`, `1.5GiB`, `500kB`, `1048576`. Raises `UsageError`, which names the option where one is given."""
    return _whole(text, SIZES, option, "a size, as 64MiB, 1.5GiB, 500kB or 1048576 (bytes)")


def size_text(value: int) -> str:
    """The shortest spelling that is exact: `64MiB`."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if value and value % 1024**power == 0:
            return f"{value // 1024**power}{unit}"
    return str(value)


def duration_ms(text: str, option: str = "") -> int:
    """Milliseconds: `5s`, `250ms`, `1.5min`, `2h`, `1d`. A number alone could be seconds or milliseconds, so it is refused."""
    return _whole(text, MILLISECONDS, option, "a duration with its unit, as 5s, 250ms, 1.5min, 2h or 1d")


def duration_s(text: str, option: str = "") -> float:
    """Seconds: as above, and a number alone, for options whose names end in `_s`."""
    takes = "a duration, as 30s, 5min, 2h, 1d, 500ms or 300 (seconds)"
    return _whole(text, MILLISECONDS | {"": 1000}, option, takes) / 1000


def count(text: str, option: str = "") -> int:
    """A number: `2_000_000`, `2M`, `1.5k`."""
    return _whole(text, COUNTS, option, "a number, as 2000000, 2_000_000, 2M or 1.5k")


def _whole(text: str, units: dict[str, int], option: str, takes: str) -> int:
    found = _NUMBER.fullmatch(text)
    unit = found[3].lower() if found else ""
    if found and unit in units and not found[1].endswith("_"):
        value = Decimal(found[1].replace("_", "") + (found[2] or "")) * units[unit]
        if value == int(value):
            return int(value)
    raise UsageError(f"{option + ' takes ' if option else 'it takes '}{takes}, not {text[:100]!r}")
