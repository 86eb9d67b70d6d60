"""WASI, our own: clock and randomness from the tape, output to the log, sleep as a suspension, and nothing else.

The environment is empty, there are no files and no sockets: what would open one is refused with WASI's own error, so that a guest's
language can say so in its own words; what has no error to answer with traps. Names are matched without the version (0.2.9 and 0.2.12
are alike here).
"""

import asyncio
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wasmtime.component import EnumType, FuncType, ResultType

from host.model.case import Case, Err, Ok
from host.model.errors import LimitExceeded, Trap
from host.sandbox.boundary.lower import Resource

if TYPE_CHECKING:
    from host.sandbox.instance import Instance

POLLABLE, INPUT, OUTPUT, NETWORK, OTHER = 1, 2, 3, 4, 5
RESOURCES = {"pollable": POLLABLE, "input-stream": INPUT, "output-stream": OUTPUT, "network": NETWORK}
"""The number of each resource type; those of which no instance ever exists share one."""

STDOUT, STDERR = 1, 2
MAX_HANDLES = 1_000
"""Resources that an instance may hold at once; an ordinary guest holds a handful."""
MAX_LINES = 2_000
"""Lines that one write may add to the log: a megabyte of empty ones would keep the host busy for seconds."""
MAX_RANDOM = 64 * 1024
WRITE_ALLOWANCE = 512 * 1024
"""What `check-write` allows, in bytes. With 64 KiB a guest's long print silently lost its rest; copying much more blocks the event loop."""
NANOSECONDS = 1_000_000_000


class Output:
    """One stream of a guest: fragments in, lines out. Each is whole or left out, since who masks a part may miss what crosses its end."""

    LONGEST = 64 * 1024
    """Characters of a line; a longer one leaves a remark."""

    def __init__(self, level: str) -> None:
        self._level = level
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._rest: list[str] = []
        self._length = 0

    def write(self, data: bytes, log: Callable[[str, str], None]) -> None:
        *lines, rest = self._decoder.decode(data).split("\n", MAX_LINES)
        for line in lines:
            self._add(line)
            self._end(log)
        if more := rest.count("\n"):
            log(self._level, f"({more} more lines of one write are left out)")
            rest = rest.rpartition("\n")[2]
        self._add(rest)

    def flush(self, log: Callable[[str, str], None]) -> None:
        """At the end of a call: a line that has not ended ends here."""
        self._add(self._decoder.decode(b"", final=True))
        if self._length:
            self._end(log)

    def _add(self, text: str) -> None:
        self._length += len(text)
        if self._length > self.LONGEST:
            self._rest.clear()
        elif text:
            self._rest.append(text)

    def _end(self, log: Callable[[str, str], None]) -> None:
        line = "".join(self._rest) if self._length <= self.LONGEST else f"(a line of {self._length} characters is left out)"
        self._rest, self._length = [], 0
        log(self._level, line)


class Wasi:
    """One instance's WASI state."""

    def __init__(self) -> None:
        self.outputs = {STDOUT: Output("info"), STDERR: Output("error")}
        self._pollables: dict[int, int] = {}
        self._next = 1
        self._held = 0

    def hand_out(self) -> None:
        """Counts a resource that the guest gets to own."""
        self._held += 1
        if self._held > MAX_HANDLES:
            raise LimitExceeded("handles", f"the guest holds more than {MAX_HANDLES} resources: it has to drop them")

    def new_pollable(self, due: int) -> int:
        rep, self._next = self._next, self._next % 0xFFFF_FFFF + 1
        self._pollables[rep] = due
        return rep

    def due(self, rep: int) -> int:
        """When a pollable becomes ready, in nanoseconds of the monotonic clock."""
        return self._pollables.get(rep, 0)

    def drop(self, kind: int, rep: int) -> None:
        self._held -= 1
        if kind == POLLABLE:
            self._pollables.pop(rep, None)


def now(guest: "Instance") -> int:
    return guest.recording.monotonic_ns()


def wall(guest: "Instance") -> Any:
    milliseconds = guest.recording.now_ms()
    return Datetime(milliseconds // 1000, milliseconds % 1000 * 1_000_000)


class Datetime:
    """WASI's `datetime` record."""

    def __init__(self, seconds: int, nanoseconds: int) -> None:
        self.seconds, self.nanoseconds = seconds, nanoseconds


def random_bytes(guest: "Instance", count: int) -> bytes:
    if count > MAX_RANDOM:
        raise LimitExceeded("random-bytes", f"the guest asks for {count} random bytes at once; {MAX_RANDOM} are allowed")
    return guest.recording.random_bytes(count)


def random_u64(guest: "Instance") -> int:
    return int.from_bytes(guest.recording.random_bytes(8), "little")


def resource(guest: "Instance", kind: int, rep: int = 0) -> Resource:
    guest.wasi.hand_out()
    return Resource(kind, rep, guest.context)


def pollable(guest: "Instance", due: int) -> Resource:
    return resource(guest, POLLABLE, guest.wasi.new_pollable(due))


def subscribe_duration(guest: "Instance", duration: int) -> Resource:
    return pollable(guest, now(guest) + duration)


async def block(guest: "Instance", handle: int) -> None:
    await sleep_until(guest, guest.wasi.due(handle))


async def poll(guest: "Instance", handles: list[int]) -> list[int]:
    if not handles:
        raise Trap("wasi:io/poll.poll: the list is empty")
    dues = [guest.wasi.due(handle) for handle in handles]
    await sleep_until(guest, min(dues))
    reached = now(guest)
    return [i for i, due in enumerate(dues) if due <= reached] or [dues.index(min(dues))]


async def sleep_until(guest: "Instance", due: int) -> None:
    """Suspends the guest. The deadline of its call ends it, however long it wants to sleep."""
    if not due:
        return
    wait = due - now(guest)
    if wait > 0 and not guest.recording.replaying:
        await asyncio.sleep(min(wait / NANOSECONDS, 86_400))


def write(guest: "Instance", stream: int, contents: bytes) -> Ok[None]:
    guest.wasi.outputs[stream].write(contents, guest.log)
    return Ok(None)


def exit_(guest: "Instance", status: Any) -> None:
    raise Trap(f"the guest called exit ({'success' if isinstance(status, Ok) else 'failure'})")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "wasi:clocks/monotonic-clock.now": now,
    "wasi:clocks/monotonic-clock.resolution": lambda guest: 1,
    "wasi:clocks/monotonic-clock.subscribe-instant": pollable,
    "wasi:clocks/monotonic-clock.subscribe-duration": subscribe_duration,
    "wasi:clocks/wall-clock.now": wall,
    "wasi:clocks/wall-clock.resolution": lambda guest: Datetime(0, 1_000_000),
    "wasi:random/random.get-random-bytes": random_bytes,
    "wasi:random/random.get-random-u64": random_u64,
    "wasi:random/insecure.get-insecure-random-bytes": random_bytes,
    "wasi:random/insecure.get-insecure-random-u64": random_u64,
    "wasi:random/insecure-seed.insecure-seed": lambda guest: (random_u64(guest), random_u64(guest)),
    "wasi:io/poll.[method]pollable.ready": lambda guest, handle: guest.wasi.due(handle) <= now(guest),
    "wasi:cli/environment.get-environment": lambda guest: [],
    "wasi:cli/environment.get-arguments": lambda guest: [],
    "wasi:cli/environment.initial-cwd": lambda guest: None,
    "wasi:cli/exit.exit": exit_,
    "wasi:cli/stdin.get-stdin": lambda guest: resource(guest, INPUT),
    "wasi:cli/stdout.get-stdout": lambda guest: resource(guest, OUTPUT, STDOUT),
    "wasi:cli/stderr.get-stderr": lambda guest: resource(guest, OUTPUT, STDERR),
    "wasi:cli/terminal-stdin.get-terminal-stdin": lambda guest: None,
    "wasi:cli/terminal-stdout.get-terminal-stdout": lambda guest: None,
    "wasi:cli/terminal-stderr.get-terminal-stderr": lambda guest: None,
    "wasi:io/streams.[method]input-stream.read": lambda guest, stream, count: Err(Case("closed")),
    "wasi:io/streams.[method]input-stream.blocking-read": lambda guest, stream, count: Err(Case("closed")),
    "wasi:io/streams.[method]input-stream.subscribe": lambda guest, stream: pollable(guest, 0),
    "wasi:io/streams.[method]output-stream.check-write": lambda guest, stream: Ok(WRITE_ALLOWANCE),
    "wasi:io/streams.[method]output-stream.write": write,
    "wasi:io/streams.[method]output-stream.blocking-write-and-flush": write,
    "wasi:io/streams.[method]output-stream.flush": lambda guest, stream: Ok(None),
    "wasi:io/streams.[method]output-stream.blocking-flush": lambda guest, stream: Ok(None),
    "wasi:io/streams.[method]output-stream.subscribe": lambda guest, stream: pollable(guest, 0),
    "wasi:filesystem/preopens.get-directories": lambda guest: [],
    "wasi:sockets/instance-network.instance-network": lambda guest: resource(guest, NETWORK),
}
ASYNC_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "wasi:io/poll.[method]pollable.block": block,
    "wasi:io/poll.poll": poll,
}
REFUSALS = ("access-denied", "access")
"""The cases of WASI's error enums that say: not allowed."""


def refusal(name: str, wit: FuncType) -> Callable[..., Any]:
    """What a function that we do not have answers: WASI's own refusal where its type has one, else a trap."""
    err = wit.result.err if isinstance(wit.result, ResultType) else None
    case = next((case for case in REFUSALS if isinstance(err, EnumType) and case in err.names), None)

    def refuse(guest: "Instance", *arguments: Any) -> Err[str]:
        if case is None:
            raise Trap(f"denied: {name}: a guest has no files, no sockets and no processes")
        return Err(case)

    return refuse
