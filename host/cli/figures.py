"""Figures as people read them: three digits or so, and a unit."""

LARGE = (("T", 1e12), ("G", 1e9), ("M", 1e6))
TIMES = (("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000), ("ms", 1_000))
SIZES = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def fuel(units: int) -> str:
    return _scaled(units, LARGE, "", 2)


def span(microseconds: int) -> str:
    return _scaled(microseconds, TIMES, "us", 1)


def size(number: int) -> str:
    """Of bytes."""
    return _scaled(number, SIZES, "B", 1)


def number(value: int, thing: str) -> str:
    """`1 effect`, `2 effects`."""
    return f"{value:,} {thing}{'' if value == 1 else 's'}"


def _scaled(value: int, units: tuple[tuple[str, float], ...], smallest: str, digits: int) -> str:
    for unit, least in units:
        if value >= least:
            return f"{value / least:.{digits}f} {unit}"
    return f"{value:,} {smallest}".rstrip()
