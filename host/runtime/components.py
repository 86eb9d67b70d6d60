"""Components by digest: kept as files, compiled once, loaded once per process."""

import asyncio
import os
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from host.capabilities.registry import functions
from host.model.errors import ComponentError
from host.runtime.exports import TYPES
from host.sandbox.cache import Cache
from host.sandbox.cache import digest as digest_of
from host.sandbox.component import Component, HostFunctions


class Components:
    """The components of one data directory, linked to the capabilities' functions."""

    def __init__(self, folder: Path, cache: Cache) -> None:
        self._folder = folder
        self._cache = cache
        self._loading: dict[str, asyncio.Task[Component]] = {}
        self._host_functions = host_functions()

    def __repr__(self) -> str:
        loaded = sum(task.done() for task in self._loading.values())
        return f"<Components [{loaded} loaded, {len(self._loading) - loaded} loading]>"

    @contextmanager
    def written(self, wasm: bytes) -> Iterator[Callable[[], None]]:
        """A component's file is on the disk; calling what this gives puts it in its place, whole. Without that nothing of it stays.

        In two steps, since writing some megabytes takes long, and whoever calls holds the database's lock while it decides.
        """
        path = self._path(digest_of(wasm))
        if path.exists():
            yield lambda: self._put_back(path, wasm)
            return
        with self._temporary(path, wasm) as temporary:
            yield lambda: os.replace(temporary, path)

    def remove(self, digest: str) -> None:
        """Deletes a component's file. Whoever calls holds the database's lock, and has seen that nobody uses it."""
        self._path(digest).unlink(missing_ok=True)

    def _put_back(self, path: Path, wasm: bytes) -> None:
        """A file that was there may have been removed since."""
        if not path.exists():
            with self._temporary(path, wasm) as temporary:
                os.replace(temporary, path)

    @contextmanager
    def _temporary(self, path: Path, wasm: bytes) -> Iterator[Path]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="new-") as place:
            temporary = Path(place) / path.name
            _write(temporary, wasm)
            yield temporary

    def forget_others(self, digests: Collection[str]) -> None:
        """Drops the loaded components but these. Instances that are still there keep theirs."""
        self._loading = {known: task for known, task in self._loading.items() if known in digests or not task.done()}

    def is_quick(self, digest: str) -> bool:
        """Whether loading it needs no compiling."""
        return digest in self._loading or self._cache.has(digest)

    async def load(self, digest: str) -> Component:
        """The linked component; whoever comes while it loads waits for the same one. Raises `ComponentError`."""
        task = self._loading.get(digest)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._loading[digest] = asyncio.create_task(self._load(digest))
        return await asyncio.shield(task)

    async def artefact(self, digest: str) -> Path:
        """The compiled component's file. Raises `ComponentError`."""
        return await self._cache.artefact(digest, lambda: self._read(digest))

    async def _load(self, digest: str) -> Component:
        return Component(await self.artefact(digest), self._host_functions, TYPES)

    def _read(self, digest: str) -> bytes:
        try:
            wasm = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise ComponentError(f"the component {digest} is not in {self._folder}: install the plugin again") from None
        if digest_of(wasm) != digest:
            raise ComponentError(f"{self._path(digest)} was changed: install the plugin again")
        return wasm

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.wasm"


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def host_functions() -> HostFunctions:
    """The capabilities' functions as the sandbox links them."""
    return {interface: {name: each.call for name, each in named.items()} for interface, named in functions().items()}
