"""The compile cache: one artefact per component and engine, made by a child process, loaded only when its MAC is right.

An artefact is native code, so nothing from outside is ever loaded: the folder is ours alone (mode 0700), and each file ends in a MAC
under a key that lives in it. Two processes that want the same artefact compile it once (a lock per digest); one that is killed half way
leaves a temporary file and no artefact; a changed file is compiled again.
"""

import asyncio
import fcntl
import hmac
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache
from hashlib import blake2b, sha256
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from host.model.errors import CompileLimit, NotAComponent, UsageError
from host.sandbox.compile import INVALID

MIB, GIB = 1024**2, 1024**3
SOURCES = Path(__file__).resolve().parents[2]
"""Where the child finds this package."""
MAC_SIZE = 32
COMPONENT_MAGIC = b"\0asm\x0d\0\x01\0"
CORE_MAGIC = b"\0asm\x01\0\0\0"
LOCK_POLL_S = 0.05


class CompileLimits(Struct, frozen=True):
    """Bytes of address space, seconds of processor time, seconds of waiting, bytes of the component."""

    memory: int = 4 * GIB
    seconds: int = 240
    wait_seconds: int = 240
    size: int = 64 * 1024 * 1024


def digest(wasm: bytes) -> str:
    """What a component is known by: its SHA-256 in hexadecimal."""
    return sha256(wasm).hexdigest()


@cache
def fingerprint() -> str:
    """What else an artefact depends on: wasmtime, how the engine is configured, and what the processor can do."""
    source = Path(__file__).with_name("engine.py").read_bytes()
    parts = [version("wasmtime").encode(), os.uname().machine.encode(), _processor(), source]
    return sha256(b"\0".join(parts)).hexdigest()[:16]


def _processor() -> bytes:
    """The instructions that it has, where Linux says so: a folder may be shared, or move, between unlike machines."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_bytes().splitlines()
        return next((line for line in lines if line.lower().startswith((b"flags", b"features"))), b"")
    return b""


class Cache:
    """Artefacts in `directory`, which is made, and refused when others can write it."""

    def __init__(self, directory: Path, limits: CompileLimits | None = None) -> None:
        self.directory = directory = directory.absolute()
        self.limits = limits or CompileLimits()
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            remedy = "name another folder with --cache or INNKEEPER_CACHE"
            raise UsageError(f"can't make the cache folder {directory}: {error.strerror}; {remedy}") from None
        if directory.stat().st_mode & 0o022 or directory.stat().st_uid != os.geteuid():
            raise UsageError(f"others can write {directory}: artefacts in it are native code. chown it to this user and chmod 700 it")
        self._key = self._read_key()

    async def artefact(self, digest: str, read: Callable[[], bytes]) -> Path:
        """The checked artefact of the component with this digest; `read` gives the component where it has to be compiled.

        Raises `NotAComponent`, or `CompileLimit` when compiling takes too much.
        """
        path = self.path(digest)
        if await asyncio.to_thread(self._intact, path):
            return path
        wasm = read()
        self._refuse_obvious(wasm)
        async with self._lock(path):
            if not await asyncio.to_thread(self._intact, path):
                await self._compile(wasm, path)
        return path

    def path(self, digest: str) -> Path:
        return self.directory / f"{digest}-{fingerprint()}.cwasm"

    def has(self, digest: str) -> bool:
        """Whether loading will be quick."""
        return self.path(digest).exists()

    def is_intact(self, digest: str) -> bool:
        """Whether the artefact is there, and what was compiled. Reads all of it."""
        return self._intact(self.path(digest))

    def _read_key(self) -> bytes:
        """Appears with its content or not at all, so that two processes that start at once get the same."""
        path = self.directory / "key"
        if not path.exists():
            with tempfile.NamedTemporaryFile(dir=self.directory, prefix="key-") as file, suppress(FileExistsError):
                file.write(secrets.token_bytes(MAC_SIZE))
                file.flush()
                os.link(file.name, path)
        key, state = path.read_bytes(), path.stat()
        if len(key) != MAC_SIZE or state.st_mode & 0o077 or state.st_uid != os.geteuid():
            raise UsageError(f"{path} is damaged or open to others: delete {self.directory}, it is only a cache")
        return key

    def _mac(self, path: Path, artefact: bytes | memoryview) -> bytes:
        """Binds the content to its name: an artefact of another component, renamed, is not intact."""
        mac = blake2b(path.name.encode() + b"\0", key=self._key, person=b"innkeeper", digest_size=MAC_SIZE)
        mac.update(artefact)
        return mac.digest()

    def _intact(self, path: Path) -> bool:
        try:
            data = memoryview(path.read_bytes())
        except FileNotFoundError:
            return False
        return hmac.compare_digest(self._mac(path, data[:-MAC_SIZE]), data[-MAC_SIZE:])

    def _refuse_obvious(self, wasm: bytes) -> None:
        if len(wasm) > self.limits.size:
            raise NotAComponent(f"the file has {len(wasm)} bytes; a component may have {self.limits.size}")
        if wasm.startswith(CORE_MAGIC):
            raise NotAComponent("this is a core WebAssembly module, not a component: make one of it with `jco new` or `innkeeper build`")
        if not wasm.startswith(COMPONENT_MAGIC) and not wasm.lstrip().startswith((b"(component", b";;")):
            raise NotAComponent("this is not WebAssembly: a component starts with the bytes 00 61 73 6d 0d 00 01 00")

    @asynccontextmanager
    async def _lock(self, path: Path) -> AsyncIterator[None]:
        """Held by the process that compiles; released by the kernel when it dies. No thread waits for it: nobody could call it back."""
        with path.with_suffix(".lock").open("wb") as file:
            while not _locked(file):  # noqa: ASYNC110  # another process holds it, and tells nobody
                await asyncio.sleep(LOCK_POLL_S)
            yield

    async def _compile(self, wasm: bytes, path: Path) -> None:
        folder = path.with_suffix(".compiling")
        shutil.rmtree(folder, ignore_errors=True)  # of one that was killed half way: who holds the lock is alone here
        folder.mkdir(mode=0o700)
        try:
            source, output = folder / "in.wasm", folder / "out.cwasm"
            source.write_bytes(wasm)
            await self._run(source, output)
            await asyncio.to_thread(self._seal, output, path)
            output.rename(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _seal(self, output: Path, path: Path) -> None:
        mac = self._mac(path, output.read_bytes())
        with output.open("ab") as file:
            file.write(mac)
            file.flush()
            os.fsync(file.fileno())

    async def _run(self, source: Path, output: Path) -> None:
        limits = [str(self.limits.memory), str(self.limits.seconds)]
        environment = {"PYTHONPATH": str(SOURCES), "PATH": os.environ.get("PATH", "")}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "host.sandbox.compile", str(source), str(output), *limits,
            cwd=output.parent, env=environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self.limits.wait_seconds):
                _, stderr = await child.communicate()
        except TimeoutError:
            raise CompileLimit(f"compiling took longer than {self.limits.wait_seconds} seconds") from None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        self._judge(child.returncode, stderr.decode(errors="replace").strip())

    def _judge(self, code: int | None, stderr: str) -> None:
        if code == 0:
            return
        if code == INVALID:
            raise NotAComponent(f"wasmtime refuses the component: {stderr}")
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            raise CompileLimit(f"compiling took more than {self.limits.seconds} seconds of processor time, or was killed")
        raise CompileLimit(f"compiling took more than {self.limits.memory // MIB} MiB of memory, or crashed: {stderr[-500:]}")


def _locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
