"""WASI of our own: nothing but a clock, randomness, a log and sleep."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from host.model.errors import DeadlineExceeded, LimitExceeded, Trap
from host.sandbox import wasi
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import Instance
from host.sandbox.tape import Recording
from host.sandbox.wasi import MAX_LINES, Output

Load = Callable[..., Awaitable[Component]]
NewCall = Callable[..., Call]
Run = Callable[..., Awaitable[Any]]
SECOND = 1_000_000_000


class Lines:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, level: str, message: str) -> None:
        self.lines.append((level, message))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.lines]


@pytest.mark.promise("capabilities.no-system")
async def test_there_is_no_environment_no_argument_no_directory(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await load(wasi_guest), new_call())
    assert await run(instance, "surroundings", [], new_call()) == 0
    instance.close()


async def test_standard_input_is_closed(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await load(wasi_guest), new_call())
    assert await run(instance, "stdin", [], new_call()) == 1  # the case `err`
    instance.close()


@pytest.mark.promise("capabilities.no-system")
async def test_files_and_sockets_are_refused_in_the_words_of_wasi(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await load(wasi_guest), new_call())
    assert await run(instance, "file", [], new_call()) == 10  # err, and `access` is the first of the codes
    assert await run(instance, "socket", [], new_call()) == 11  # err, and `access-denied` is the second
    instance.close()


async def test_what_can_not_be_refused_traps_and_says_denied(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await load(wasi_guest), new_call())
    with pytest.raises(Trap, match=r"denied: wasi:sockets/other\.connect"):
        await run(instance, "connect", [], new_call())


async def test_exit_ends_the_call(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    for status, word in [(wasi.Ok(None), "success"), (wasi.Err(None), "failure")]:
        instance = await Instance.start(await load(wasi_guest), new_call())
        with pytest.raises(Trap, match=word):
            await run(instance, "exit", [status], new_call())


async def test_output_becomes_lines_of_the_log(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    lines = Lines()
    instance = await Instance.start(await load(wasi_guest), new_call())
    await run(instance, "print", ["one\ntwo\n"], new_call(log=lines))
    await run(instance, "complain", ["oh\n"], new_call(log=lines))
    await run(instance, "print", ["without an end"], new_call(log=lines))
    await run(instance, "print", ["\nafter"], new_call(log=lines))
    assert lines.lines == [("info", "one"), ("info", "two"), ("error", "oh"), ("info", "without an end"), ("info", ""), ("info", "after")]
    instance.close()


async def test_a_long_print_loses_nothing(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await load(wasi_guest), new_call())
    assert await run(instance, "allowance", [], new_call()) >= 400_000
    for character in "xé":
        lines = Lines()
        await run(instance, "print", [f"{character * 2_000}\n" * 100 + "next\n"], new_call(log=lines))
        assert lines.texts == [character * 2_000] * 100 + ["next"]
    instance.close()


async def test_more_in_one_write_than_was_allowed_ends_the_call(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    await run(await Instance.start(await load(wasi_guest), new_call()), "write-at-once", [wasi.WRITE_ALLOWANCE], new_call())
    for size in (wasi.WRITE_ALLOWANCE + 100_000, 4_000_000, 50_000_000):
        instance = await Instance.start(await load(wasi_guest), new_call())
        with pytest.raises(LimitExceeded) as refused:
            await run(instance, "write-at-once", [size], new_call())
        assert refused.value.code == "limit.output-bytes"


def test_characters_that_come_in_halves_are_put_together() -> None:
    lines = Lines()
    output = Output("info")
    for byte in "é😀\n".encode():
        output.write(bytes([byte]), lines)
    output.write(b"\xff\xf0\n\xe2\x82", lines)
    output.flush(lines)
    assert lines.texts == ["é😀", "\ufffd\ufffd", "\ufffd"]


def test_a_line_comes_out_whole_however_it_is_cut_on_its_way() -> None:
    text = "".join(f"{n}é" for n in range(10_000))
    assert len(text) < Output.LONGEST
    for size in (1, 7, 4096, 8192, 100_000):
        lines = Lines()
        output = Output("info")
        data = f"{text}\n\n{text}".encode()
        for start in range(0, len(data), size):
            output.write(data[start : start + size], lines)
        output.flush(lines)
        assert lines.texts == [text, "", text]


def test_of_a_line_that_is_too_long_nothing_comes_out_but_a_remark() -> None:
    """Half a secret at the cut could not be told from other text."""
    lines = Lines()
    output = Output("info")
    for part in (b"x" * 40_000, b"secret", b"y" * 40_000, b"\nnext\n", b"z" * 70_000):
        output.write(part, lines)
    output.flush(lines)
    assert lines.texts == ["(a line of 80006 characters is left out)", "next", "(a line of 70000 characters is left out)"]


def test_a_megabyte_of_empty_lines_is_cut_short_and_says_so() -> None:
    lines = Lines()
    output = Output("info")
    output.write(b"\n" * 1_000_000 + b"end", lines)
    output.flush(lines)
    assert len(lines.lines) == MAX_LINES + 2
    assert lines.texts[-2:] == [f"({1_000_000 - MAX_LINES} more lines of one write are left out)", "end"]


async def test_a_sleeping_guest_is_only_suspended(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    """Fifty guests sleep for an hour and hold no thread; one that does not is answered; the deadline ends them all."""
    component = await load(wasi_guest)
    threads = threading.active_count()
    instances = [await Instance.start(component, new_call()) for _ in range(50)]
    sleepers = [asyncio.create_task(run(instance, "sleep", [3600 * SECOND], new_call(deadline_ms=400))) for instance in instances]
    awake = await Instance.start(component, new_call())
    answers = 0
    while not any(sleeper.done() for sleeper in sleepers):
        await run(awake, "sleep", [SECOND // 1000], new_call())
        answers += 1
    ended = await asyncio.gather(*sleepers, return_exceptions=True)
    assert all(isinstance(end, DeadlineExceeded) for end in ended)
    assert answers > 5
    assert threading.active_count() <= threads + 2
    awake.close()


async def test_sleepers_wake_in_the_order_of_their_times(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    component = await load(wasi_guest)
    order: list[int] = []

    async def sleep(number: int) -> None:
        instance = await Instance.start(component, new_call())
        await run(instance, "sleep", [number * SECOND // 20], new_call())
        order.append(number)
        instance.close()

    await asyncio.gather(*[sleep(number) for number in (4, 2, 1, 3, 0)])
    assert order == [0, 1, 2, 3, 4]


async def test_polling_tells_what_is_ready(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await load(wasi_guest), new_call())
    assert await run(instance, "poll", [3600 * SECOND, 1000], new_call()) == [1]
    assert await run(instance, "poll", [1000, 3600 * SECOND], new_call()) == [0]
    assert await run(instance, "is-ready", [0], new_call())
    assert not await run(instance, "is-ready", [3600 * SECOND], new_call())
    await run(instance, "sleep-until", [0], new_call())
    instance.close()


async def test_polling_nothing_traps(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await load(wasi_guest), new_call())
    with pytest.raises(Trap, match="empty"):
        await run(instance, "poll-nothing", [], new_call())


async def test_a_list_of_too_many_pollables_is_refused(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await load(wasi_guest), new_call())
    await run(instance, "poll-many", [500], new_call())
    for count, code in [(2_000, "limit.output-bytes"), (200_000, "limit.handles")]:
        with pytest.raises(LimitExceeded) as refused:
            await run(instance, "poll-many", [count], new_call())
        assert refused.value.code == code
        instance = await Instance.start(await load(wasi_guest), new_call())
    instance.close()


@pytest.mark.parametrize("name", ["hold", "hold-outputs"])
async def test_resources_are_limited_while_they_are_held(load: Load, wasi_guest: str, new_call: NewCall, run: Run, name: str) -> None:
    instance = await Instance.start(await load(wasi_guest), new_call())
    await run(instance, "come-and-go", [5_000], new_call())
    await run(instance, name, [990], new_call())
    with pytest.raises(LimitExceeded) as refused:
        await run(instance, name, [100], new_call())
    assert refused.value.code == "limit.handles"


async def test_the_clock_begins_at_the_receipt_and_goes_on(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    instance = await Instance.start(await load(wasi_guest), new_call())
    call = new_call(tape=Recording(b"k" * 32, 1_700_000_000_000, keep=True))
    first, second = [await run(instance, "now", [], call) for _ in range(2)]
    assert call.recording.tape.started_at * 1_000_000 <= first < second
    assert await run(instance, "wall", [], call) == call.recording.tape.started_at // 1000
    assert len(call.recording.tape.readings) == 3
    instance.close()


async def test_randomness_comes_from_the_seed(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    drawn = []
    for _ in range(2):
        instance = await Instance.start(await load(wasi_guest), new_call())
        call = new_call()
        drawn.append((await run(instance, "random", [1000], call), await run(instance, "random-number", [], call)))
        instance.close()
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0][0])) > 200


async def test_too_many_random_bytes_at_once_are_refused(load: Load, wasi_guest: str, new_call: NewCall, run: Run) -> None:
    for count in (wasi.MAX_RANDOM + 1, 2**64 - 1):
        instance = await Instance.start(await load(wasi_guest), new_call())
        with pytest.raises(LimitExceeded) as refused:
            await run(instance, "random", [count], new_call())
        assert refused.value.code == "limit.random-bytes"
