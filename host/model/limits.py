"""What an installation may use, in one place, and what one call did use.

Dataclasses, since the command line makes its options of them before anything slower is imported.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, TypeAlias, get_type_hints

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class Limit(NamedTuple):
    """What a limit counts, the least and the most that it can be, and its unit. Both ends are possible."""

    about: str
    least: int
    most: int
    unit: Literal["", "bytes", "milliseconds"] = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one installation may use: each call, its instances, all calls together, and what it keeps.

    Each trips with its own error: `fuel`, `deadline`, or `limit.<field, with hyphens>`. The defaults are four times what the examples use
    at their worst, and no less than a plugin author would call generous. The bounds are such that no typing error passes for a choice.
    """

    fuel: Annotated[int, Limit("units of fuel per call", 10_000, 10**15)] = 2_000_000_000
    """About one per executed instruction, and what host calls cost. Some 200 times an ordinary webhook of a Python guest."""
    deadline_ms: Annotated[int, Limit("time per call, waiting included", 10, 3_600_000, "milliseconds")] = 10_000
    memory: Annotated[int, Limit("bytes of each linear memory of an instance", 64 * KIB, 4 * GIB, "bytes")] = 128 * MIB
    """An instance has one or two of them. A Python guest starts with about 20 MiB."""
    table_elements: Annotated[int, Limit("elements of each table of an instance", 0, 10_000_000)] = 100_000
    """An instance may have 20 tables. A Python guest has about 8,000 elements in one."""
    host_calls: Annotated[int, Limit("calls of host functions per call", 0, 100_000_000)] = 100_000
    """WASI's included. A `print` of a Python guest takes about ten."""
    input_bytes: Annotated[int, Limit("bytes of a call's arguments", 4 * KIB, 64 * MIB, "bytes")] = 4 * MIB
    """A request's body may have what its head leaves."""
    output_bytes: Annotated[int, Limit("bytes of a call's result", 4 * KIB, 64 * MIB, "bytes")] = 8 * MIB
    """And of the arguments of each capability's function that it calls. WASI's take 576 KiB."""
    answer_bytes: Annotated[int, Limit("bytes that host functions give per call", 4 * KIB, 256 * MIB, "bytes")] = 16 * MIB
    """As they cross: 32 for each byte of a `list<u8>`."""
    log_bytes: Annotated[int, Limit("bytes of log lines per call", 0, 16 * MIB, "bytes")] = 64 * KIB
    """Beyond it lines are counted and dropped, which fails nothing."""
    effects: Annotated[int, Limit("effects per call", 0, 1_000_000)] = 10_000
    """A message of a new customer has three, and a provider may send a thousand at once."""
    effect_bytes: Annotated[int, Limit("bytes of all effects of a call", 0, 256 * MIB, "bytes")] = 16 * MIB
    """They stay in the host's memory until it ends."""
    concurrent: Annotated[int, Limit("calls at a time", 1, 1_000)] = 4
    """Each has an instance of its own. More than one runs only while the others wait for the host; beyond it calls wait, which fails
    nothing."""
    queue: Annotated[int, Limit("calls that wait for an instance", 0, 100_000)] = 1_000
    """Beyond it a call is answered 429."""
    calls_per_minute: Annotated[int, Limit("calls in any minute", 1, 10_000_000)] = 6_000
    """Requests that passed every check, and calls of hooks and tools. Beyond it one is answered 429."""
    store_keys: Annotated[int, Limit("entries in the store", 0, 1_000_000_000)] = 100_000
    """Above it, also where it was lowered, entries can still be changed and deleted."""
    store_bytes: Annotated[int, Limit("bytes of all keys, their scopes' subjects and values in the store", 0, 1024 * GIB, "bytes")] = (
        256 * MIB
    )
    """As they are kept. Above it, values can still be replaced by smaller ones."""


LIMITS: dict[str, Limit] = {name: hint.__metadata__[0] for name, hint in get_type_hints(Limits, include_extras=True).items()}
"""By field."""

Overrides: TypeAlias = dict[str, int]
"""Limits that somebody chose, by field."""


def effective(*layers: Overrides) -> Limits:
    """The defaults with each layer over the ones before. A field that this version does not have any more is passed over."""
    return Limits(**{name: value for layer in layers for name, value in layer.items() if name in LIMITS})


def tag(name: str) -> str:
    """How errors and the command line spell a field: `calls-per-minute`, `deadline`."""
    return name.removesuffix("_ms").replace("_", "-")


@dataclass(kw_only=True, slots=True)
class Usage:
    """What one call has used."""

    fuel: int = 0
    host_calls: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    memory: int = 0
    """About: bytes of private writable memory that the process took while the instance, and no other, ran since it was made. Its linear
    memory and tables are most of that; what it took while others ran too is missing, and some of the host's own may be in it."""
    duration_us: int = 0

    def plus(self, other: "Usage") -> "Usage":
        """Of two calls, one after the other: sums, and the larger memory."""
        return Usage(
            fuel=self.fuel + other.fuel,
            host_calls=self.host_calls + other.host_calls,
            bytes_in=self.bytes_in + other.bytes_in,
            bytes_out=self.bytes_out + other.bytes_out,
            memory=max(self.memory, other.memory),
            duration_us=self.duration_us + other.duration_us,
        )
