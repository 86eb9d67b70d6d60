"""What one call may use, and what it did use."""

from typing import TypeAlias

from msgspec import Struct, convert, structs

MIB = 1024 * 1024


class Limits(Struct, frozen=True, kw_only=True):
    """Limits of one call and of its instance. Each trips with its own error: `fuel`, `deadline`, or `limit.<field, with hyphens>`.

    The defaults are four times what the examples use at their worst, and no less than a plugin author would call generous.
    """

    fuel: int = 2_000_000_000
    """Units of fuel per call; about one per executed instruction. Some 200 times an ordinary webhook of a Python guest."""
    deadline_ms: int = 10_000
    """Milliseconds per call, waiting included."""
    memory: int = 128 * MIB
    """Bytes of each linear memory of an instance, which has one or two. A Python guest starts with about 20 MiB."""
    table_elements: int = 100_000
    """Elements of each table of an instance, which may have 20 of them. A Python guest has about 8,000 in one."""
    host_calls: int = 100_000
    """Calls of host functions per call, WASI's included. A `print` of a Python guest takes about ten."""
    input_bytes: int = 4 * MIB
    """Bytes of the arguments of a call."""
    output_bytes: int = 8 * MIB
    """Bytes of a call's result, and of the arguments of each capability's function that it calls. WASI's take 576 KiB."""
    answer_bytes: int = 16 * MIB
    """Bytes that host functions give to a guest per call, as they cross: 32 for each byte of a `list<u8>`."""
    log_bytes: int = 64 * 1024
    """Bytes of log lines per call. Beyond it lines are counted and dropped, which fails nothing."""
    instances: int = 4
    """Instances of one installation at a time. More than one only while the others wait for the host."""
    effects: int = 10_000
    """Effects per call. A message of a new customer has three, and a provider may send a thousand at once."""
    effect_bytes: int = 16 * MIB
    """Bytes of all effects of a call: they stay in the host's memory until it ends."""


Overrides: TypeAlias = dict[str, int]
"""Limits that somebody chose, by field."""


def effective(*layers: Overrides) -> Limits:
    """The defaults with each layer over the ones before. A field that this version does not have any more is passed over."""
    known = {field.name for field in structs.fields(Limits)}
    chosen = {name: value for layer in layers for name, value in layer.items() if name in known}
    return convert(chosen, Limits)


class Usage(Struct, kw_only=True):
    """What one call has used."""

    fuel: int = 0
    host_calls: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    memory: int = 0
    """About: bytes of private writable memory that the process took while the instance, and no other, ran since it was made. Its linear
    memory and tables are most of that; what it took while others ran too is missing, and some of the host's own may be in it."""
    duration_us: int = 0
