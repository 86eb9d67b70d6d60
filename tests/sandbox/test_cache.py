"""The compile cache: what is compiled, once; what is damaged, again; what is no component, never."""

import asyncio
import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from host.model.errors import CompileLimit, NotAComponent, UsageError, WrongWorld
from host.sandbox.cache import GIB, Cache, CompileLimits, digest
from host.sandbox.component import Component

SMALL = b"""(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
  (func (export "f") (canon lift (core func $i "f"))))"""
Start = Callable[..., "subprocess.Popen[str]"]
ROOT = Path(__file__).parents[2]


def leb(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + leb(len(content)) + content


def component_of_functions(count: int, instructions: int) -> bytes:
    """A component with a core module of that many functions, each with that many additions (three bytes each)."""
    body = b"\0\x41\x01" + b"\x41\x07\x6a" * instructions + b"\x0b"
    code = leb(count) + (leb(len(body)) + body) * count
    module = b"\0asm\1\0\0\0" + section(1, b"\1\x60\0\1\x7f") + section(3, leb(count) + b"\0" * count) + section(10, code)
    return b"\0asm\x0d\0\1\0" + section(1, module)


def artefact(cache: Cache, wasm: bytes) -> Path:
    return asyncio.run(cache.artefact(digest(wasm), lambda: wasm))


COMPILER = """
import asyncio, os, sys
from pathlib import Path
from host.sandbox.cache import Cache, digest

def read():
    print("reading", flush=True)
    return Path(sys.argv[2]).read_bytes()

path = asyncio.run(Cache(Path(sys.argv[1])).artefact(digest(Path(sys.argv[2]).read_bytes()), read))
print("inode", path.stat().st_ino, flush=True)
"""


@pytest.fixture
def start_compiler() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts a process that asks for the artefact of a file, in the folder `cwd`."""
    started: list[subprocess.Popen[str]] = []

    def start(directory: Path, component: Path, cwd: Path = ROOT) -> "subprocess.Popen[str]":
        command = [sys.executable, "-P", "-c", COMPILER, str(directory), str(component)]
        process = subprocess.Popen(command, cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_two_processes_that_want_the_same_compile_it_once(tmp_path: Path, start_compiler: Start) -> None:
    cache = Cache(tmp_path / "cache")
    source = tmp_path / "c.wat"
    source.write_bytes(SMALL)
    path = cache.path(digest(SMALL))
    with open(path.with_suffix(".lock"), "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        compilers = [start_compiler(cache.directory, source) for _ in range(2)]
        assert [line_of(compiler) for compiler in compilers] == ["reading", "reading"]
        assert not path.exists()
    inodes = {line_of(compiler) for compiler in compilers}
    assert [compiler.wait(60) for compiler in compilers] == [0, 0]
    assert inodes == {f"inode {path.stat().st_ino}"}


def test_tasks_of_one_process_that_want_the_same_compile_it_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    async def main() -> set[int]:
        async def one() -> int:
            return (await cache.artefact(digest(SMALL), lambda: SMALL)).stat().st_ino

        return set(await asyncio.gather(*[one() for _ in range(20)]))

    assert len(asyncio.run(main())) == 1


def until_compiling(path: Path, process: "subprocess.Popen[str]") -> int:
    """Waits for the process's own compiling process, and gives its id."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for _ in range(10_000_000):
        if path.with_suffix(".compiling").exists() and (found := children.read_text().split()):
            return int(found[0])
        os.sched_yield()
        assert process.poll() is None
    raise AssertionError("it never began to compile")


def test_a_process_that_is_killed_half_way_leaves_no_artefact_and_no_compiler(tmp_path: Path, start_compiler: Start) -> None:
    cache = Cache(tmp_path / "cache")
    wasm = component_of_functions(1_000, 300)
    source = tmp_path / "c.wasm"
    source.write_bytes(wasm)
    path = cache.path(digest(wasm))
    process = start_compiler(cache.directory, source)
    child = until_compiling(path, process)
    descriptor = os.pidfd_open(child)
    process.kill()
    process.wait(10)
    assert _ends(descriptor)
    assert not path.exists()
    assert artefact(cache, wasm) == path
    assert sorted(p.suffix for p in cache.directory.iterdir()) == ["", ".cwasm", ".lock"]


def _ends(descriptor: int) -> bool:
    """Whether a process ends, in good time."""
    ready, _, _ = select.select([descriptor], [], [], 20)
    os.close(descriptor)
    return bool(ready)


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


async def child() -> int:
    """The id of the compiling process, once there is one."""
    while not (found := children()):  # noqa: ASYNC110  # the kernel tells nobody
        await asyncio.sleep(0)
    return int(found[0])


def test_a_compiler_that_is_killed_is_an_error_and_the_next_one_succeeds(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    wasm = component_of_functions(1_000, 300)

    async def main() -> None:
        compiling = asyncio.create_task(cache.artefact(digest(wasm), lambda: wasm))
        os.kill(await child(), signal.SIGKILL)
        with pytest.raises(CompileLimit, match="killed"):
            await compiling

    asyncio.run(main())
    assert artefact(cache, wasm).exists()


def test_a_cancelled_compilation_leaves_nothing_behind(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    wasm = component_of_functions(1_000, 300)

    async def main() -> None:
        compiling = asyncio.create_task(cache.artefact(digest(wasm), lambda: wasm))
        await child()
        compiling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await compiling

    asyncio.run(main())
    assert not children()
    assert sorted(p.suffix for p in tmp_path.iterdir()) == ["", ".lock"]


def test_who_waits_for_another_compiler_can_be_cancelled(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    with open(cache.path(digest(SMALL)).with_suffix(".lock"), "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        async def main() -> None:
            async with asyncio.timeout(0.2):
                await cache.artefact(digest(SMALL), lambda: SMALL)

        with pytest.raises(TimeoutError):
            asyncio.run(main())
    assert artefact(cache, SMALL).exists()


@pytest.mark.promise("cache.native-code")
@pytest.mark.parametrize("where", [0, 1, 100, 1000, 0.3, 0.5, 0.9, -33, -32, -1])
def test_one_changed_bit_anywhere_makes_it_compile_again(tmp_path: Path, cache: Cache, where: float) -> None:
    original = artefact(cache, SMALL).read_bytes()
    mine = Cache(copied(cache, tmp_path))
    path = mine.path(digest(SMALL))
    at = int(where * len(original)) if 0 < where < 1 else int(where) % len(original)
    changed = bytearray(original)
    changed[at] ^= 0x10
    path.write_bytes(changed)
    assert artefact(mine, SMALL) == path
    assert path.read_bytes() != bytes(changed)
    assert Component(path, {}).export("", "f")


def copied(cache: Cache, tmp_path: Path) -> Path:
    """Another folder with the same key."""
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    (folder / "key").write_bytes((cache.directory / "key").read_bytes())
    (folder / "key").chmod(0o600)
    return folder


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 5000])
def test_a_truncated_artefact_is_compiled_again(tmp_path: Path, cache: Cache, size: int) -> None:
    original = artefact(cache, SMALL).read_bytes()
    mine = Cache(copied(cache, tmp_path))
    path = mine.path(digest(SMALL))
    path.write_bytes(original[:size])
    assert artefact(mine, SMALL) == path
    assert path.stat().st_size > size
    assert Component(path, {}).export("", "f")


@pytest.mark.promise("cache.native-code")
def test_an_artefact_under_another_name_is_compiled_again(cache: Cache, tmp_path: Path) -> None:
    original = artefact(cache, SMALL).read_bytes()
    other = SMALL.replace(b'"f"', b'"other"')
    mine = Cache(copied(cache, tmp_path))
    mine.path(digest(SMALL)).write_bytes(original)
    mine.path(digest(other)).write_bytes(original)
    assert Component(artefact(mine, other), {}).export("", "other")
    assert mine.path(digest(SMALL)).read_bytes() == original


def test_an_artefact_of_another_wasmtime_under_this_ones_name_is_compiled_again(cache: Cache, tmp_path: Path) -> None:
    mine = Cache(copied(cache, tmp_path))
    path = mine.path(digest(SMALL))
    elsewhere = path.with_name(f"{digest(SMALL)}-{'0' * 16}.cwasm")
    artefact(mine, SMALL).rename(elsewhere)
    content = elsewhere.read_bytes()
    path.write_bytes(content[:-32] + mine._mac(elsewhere, content[:-32]))
    before = path.stat().st_ino
    assert artefact(mine, SMALL).stat().st_ino != before


@pytest.mark.promise("cache.native-code")
def test_an_artefact_under_another_key_is_compiled_again(tmp_path: Path) -> None:
    first, second = Cache(tmp_path / "1"), Cache(tmp_path / "2")
    second.path(digest(SMALL)).write_bytes(artefact(first, SMALL).read_bytes())
    before = second.path(digest(SMALL)).stat().st_ino
    assert artefact(second, SMALL).stat().st_ino != before


def test_a_known_component_is_not_read_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    path = artefact(cache, SMALL)

    def read() -> bytes:
        raise AssertionError("it was read")

    assert asyncio.run(Cache(tmp_path).artefact(digest(SMALL), read)) == path
    assert cache.has(digest(SMALL))


def test_a_folder_that_others_can_write_is_refused(tmp_path: Path) -> None:
    for mode in (0o770, 0o707, 0o777):
        tmp_path.chmod(mode)
        with pytest.raises(UsageError, match="chmod 700"):
            Cache(tmp_path)


def test_a_new_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    Cache(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b" / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_key_is_refused_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(UsageError, match="delete"):
        Cache(tmp_path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Cache(tmp_path)
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(UsageError, match="open to others"):
        Cache(tmp_path)


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    barrier = threading.Barrier(8)

    def begin() -> None:
        barrier.wait()
        keys.append(Cache(tmp_path)._key)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("wasm", "says"),
    [
        (b"", "not WebAssembly"), (b"garbage", "not WebAssembly"), (b"\x7fELF" + bytes(100), "not WebAssembly"),
        (b"\0asm\1\0\0\0", "core WebAssembly module"), (b"\0asm\x0d\0\1\0" + b"\xff" * 50, "wasmtime refuses"),
        (b"\0asm\x0d\0\1\0\1", "wasmtime refuses"),
        (b"(component (core module (func (unknown))))", "wasmtime refuses"), (b"(component", "wasmtime refuses"),
        (b"(component \xff\xfe)", "wasmtime refuses"), (SMALL.replace(b"func $i", b"func $other"), "wasmtime refuses"),
        (b"(component (core module (memory i64 1)))", "wasmtime refuses"),
        (b"(component (core module (memory 1 1 shared)))", "wasmtime refuses"),
        (b"(component (core module (type (struct (field i32)))))", "wasmtime refuses"),
        (b"(component (core module (tag)))", "wasmtime refuses"), (b"(component (type (stream u8)))", "wasmtime refuses"),
    ],
)  # fmt: skip
def test_what_is_no_component_that_we_run_is_refused(tmp_path: Path, wasm: bytes, says: str) -> None:
    cache = Cache(tmp_path)
    with pytest.raises(NotAComponent, match=says):
        artefact(cache, wasm)
    assert not cache.has(digest(wasm))


def test_a_component_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(NotAComponent, match="1001 bytes"):
        artefact(Cache(tmp_path, CompileLimits(size=1000)), b"\0asm\x0d\0\1\0" + bytes(993))


@pytest.mark.promise("cache.compiler")
def test_compiling_that_takes_too_much_processor_time_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(CompileLimit, match="processor time"):
        artefact(Cache(tmp_path, CompileLimits(seconds=1)), component_of_functions(30_000, 300))


def test_compiling_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(CompileLimit, match="longer than 0 seconds"):
        artefact(Cache(tmp_path, CompileLimits(wait_seconds=0)), SMALL)


@pytest.mark.promise("cache.compiler")
def test_forty_megabytes_of_functions_end_in_a_clear_error_and_harm_nobody(tmp_path: Path) -> None:
    cache = Cache(tmp_path, CompileLimits(memory=GIB // 2, seconds=3))
    with pytest.raises(CompileLimit, match=r"512 MiB of memory|3 seconds of processor time"):
        artefact(cache, component_of_functions(45_000, 300))
    assert Component(artefact(cache, SMALL), {}).export("", "f")


def test_deep_nesting_is_refused_or_compiled_and_harms_nobody(tmp_path: Path) -> None:
    wasm = b"\0asm\x0d\0\1\0"
    for _ in range(3_000):
        wasm = b"\0asm\x0d\0\1\0" + section(4, wasm)
    with pytest.raises((NotAComponent, CompileLimit)):
        artefact(Cache(tmp_path), wasm)


def test_the_compiler_runs_no_code_of_the_folder_that_we_are_in(tmp_path: Path, start_compiler: Start) -> None:
    (tmp_path / "wasmtime.py").write_text("raise SystemExit('taken over')")
    source = tmp_path / "c.wat"
    source.write_bytes(SMALL)
    compiler = start_compiler(tmp_path / "cache", source, tmp_path)
    assert line_of(compiler) == "reading"
    assert line_of(compiler).startswith("inode")


LEVELS = """(component (import "innkeeper:plugin/log@0.1.0" (instance
  (type $l (enum "debug" "evil")) (export "level" (type $level (eq $l)))
  (export "write" (func (param "level" $level))))))"""
PAYLOADS = """(component (import "innkeeper:plugin/http@0.1.0" (instance
  (type $p (variant (case "text" u8) (case "base64" string))) (export "payload" (type $payload (eq $p)))
  (export "fetch" (func (param "body" $payload))))))"""
LoadedBy = Callable[..., Awaitable[Component]]


@pytest.mark.parametrize(
    ("wat", "says"),
    [
        ('(component (import "foo:bar/baz" (instance)))', "foo:bar/baz"),
        ('(component (import "f" (func)))', "no interface"),
        ('(component (import "innkeeper:plugin/store@0.2.0" (instance)))', "this host has innkeeper:plugin@0.1.0"),
        ('(component (instance $i) (export "innkeeper:plugin/webhooks@0.2.0" (instance $i)))', "exports innkeeper:plugin/webhooks@0.2.0"),
        (LEVELS, "no enum or variant of the cases debug, evil"),
        (PAYLOADS, r"no enum or variant of the cases text\(u8\), base64\(string\)"),
        ('(component (import "innkeeper:other/store@0.1.0" (instance)))', "innkeeper:other/store"),
        (
            '(component (import "innkeeper:plugin/store@0.1.0" (instance (export "get" (func (param "k" u8) (result string))))))',
            "annotated",
        ),
        ('(component (import "innkeeper:plugin/store@0.1.0" (instance (export "get" (func (result string))))))', "0 parameters"),
        ('(component (import "innkeeper:plugin/store@0.1.0" (instance (export "get" (func (param "k" string))))))', "no result"),
        ('(component (import "innkeeper:plugin/store@0.1.0" (instance (export "other" (func)))))', "does not have"),
    ],
)
async def test_a_component_of_another_world_is_refused(load: LoadedBy, wat: str, says: str) -> None:
    async def get(context: object, key: str) -> str:
        return key

    with pytest.raises(WrongWorld, match=says):
        await load(wat, {"store": {"get": get}})
