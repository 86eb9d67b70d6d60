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
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b, sha256
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

import host
from host.model.errors import CompileLimit, NotAComponent, UsageError
from host.sandbox.compile import INVALID

GIB = 1024**3
MAC_SIZE = 32
COMPONENT_MAGIC = b"\0asm\x0d\0\x01\0"
CORE_MAGIC = b"\0asm\x01\0\0\0"


class CompileLimits(Struct, frozen=True):
    """Bytes of address space, seconds of processor time, seconds of waiting, bytes of the component."""

    memory: int = 4 * GIB
    seconds: int = 240
    wait_seconds: int = 240
    size: int = 64 * 1024 * 1024


def digest(wasm: bytes) -> str:
    """What a component is known by: its SHA-256 in hexadecimal."""
    return sha256(wasm).hexdigest()


def fingerprint() -> str:
    """What else an artefact depends on: wasmtime, and how the engine is configured."""
    source = Path(__file__).with_name("engine.py").read_bytes()
    return sha256(version("wasmtime").encode() + os.uname().machine.encode() + source).hexdigest()[:16]


class Cache:
    """Artefacts in `directory`, which is made, and refused when others can write it."""

    def __init__(self, directory: Path, limits: CompileLimits | None = None) -> None:
        self.directory = directory
        self.limits = limits or CompileLimits()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if directory.stat().st_mode & 0o022 or directory.stat().st_uid != os.geteuid():
            raise UsageError(f"others can write {directory}: artefacts in it are native code. chown it to this user and chmod 700 it")
        self._key = self._read_key()

    async def artefact(self, digest: str, read: Callable[[], bytes]) -> Path:
        """The checked artefact of the component with this digest; `read` gives the component where it has to be compiled.

        Raises `NotAComponent`, or `CompileLimit` when compiling takes too much.
        """
        path = self.path(digest)
        if self._intact(path):
            return path
        wasm = read()
        self._refuse_obvious(wasm)
        async with self._lock(path):
            if not self._intact(path):
                await self._compile(wasm, path)
        return path

    def path(self, digest: str) -> Path:
        return self.directory / f"{digest}-{fingerprint()}.cwasm"

    def has(self, digest: str) -> bool:
        """Whether loading will be quick."""
        return self.path(digest).exists()

    def _read_key(self) -> bytes:
        path = self.directory / "key"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            key = path.read_bytes()
            if len(key) == MAC_SIZE:
                return key
            raise UsageError(f"{path} is damaged: delete {self.directory}, it is only a cache") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(key := secrets.token_bytes(MAC_SIZE))
        return key

    def _mac(self, path: Path, artefact: bytes | memoryview) -> bytes:
        return blake2b(artefact, key=self._key, person=b"innkeeper", salt=path.name.encode()[:16], digest_size=MAC_SIZE).digest()

    def _intact(self, path: Path) -> bool:
        """Binds the content to its name: an artefact of another component, renamed, is not intact."""
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
        """Held by the process that compiles; released by the kernel when it dies."""
        with open(path.with_suffix(".lock"), "wb") as file:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield

    async def _compile(self, wasm: bytes, path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=self.directory, prefix="compiling-") as folder:
            source, output = Path(folder, "in.wasm"), Path(folder, "out.cwasm")
            source.write_bytes(wasm)
            await self._run(source, output)
            artefact = output.read_bytes()
            with open(output, "ab") as file:
                file.write(self._mac(path, artefact))
                file.flush()
                os.fsync(file.fileno())
            output.rename(path)

    async def _run(self, source: Path, output: Path) -> None:
        limits = [str(self.limits.memory), str(self.limits.seconds)]
        environment = {"PYTHONPATH": str(Path(host.__file__).parents[1]), "PATH": os.environ.get("PATH", "")}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "host.sandbox.compile", str(source), str(output), *limits,
            env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
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
        raise CompileLimit(f"compiling took more than {self.limits.memory // GIB} GiB of memory, or crashed: {stderr[-500:]}")
