"""Who serves a data directory: one process at a time, since two would not see what the other one keeps in memory."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from msgspec import MsgspecError, Struct
from msgspec.json import decode, encode

from host.model.errors import UsageError

FILE = "serve.lock"
LARGEST = 4096
"""Bytes of the file that are read."""


class Locked(UsageError):
    """Another server uses the data directory."""


class Holder(Struct, frozen=True):
    """The process that serves: `since` in milliseconds since 1970, `address` is where, as it says."""

    pid: int
    since: int
    address: str

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since / 1000))
        return f"process {self.pid}, since {since}" + (f", at {self.address}" if self.address else "")


@contextmanager
def held(directory: Path, address: str = "", database: Path | None = None) -> Iterator[None]:
    """Holds the directory for this process. The kernel lets go when it ends, however it ends: what is left in the file then means nothing.

    With a `database` that file is held, wherever it is, by a lock file beside it. Raises `Locked`, which says who has it; `UsageError`
    where the file can't be written.
    """
    path = directory / FILE if database is None else database.with_name(f"{database.name}-{FILE}")
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(_refusal(directory, database, _read(file))) from None
        _write(path, file, Holder(os.getpid(), time.time_ns() // 1_000_000, address))
        try:
            yield
        finally:
            with suppress(OSError):  # a full disk, for example: a file that nobody holds means nothing
                file.truncate(0)


def holder(directory: Path) -> Holder | None:
    """Who holds the directory now; a pid of 0 where that can't be told. Changes nothing, and asks the kernel only where somebody may."""
    try:
        with (directory / FILE).open("rb") as file:
            found = _read(file)
            if found is None:
                return None
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return found
            return None
    except OSError:
        return None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", buffering=0)
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror}") from error
    with file:
        yield file


def _write(path: Path, file: BinaryIO, content: Holder) -> None:
    try:
        file.truncate(0)
        file.seek(0)
        file.write(encode(content) + b"\n")
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror}") from error


def _read(file: BinaryIO) -> Holder | None:
    file.seek(0)
    content = file.read(LARGEST)
    try:
        return decode(content, type=Holder) if content.strip() else None
    except MsgspecError:
        return Holder(0, 0, "")


def _refusal(directory: Path, database: Path | None, found: Holder | None) -> str:
    who = f" ({found})" if found and found.pid else ""
    end = f"end it (kill {found.pid})" if found and found.pid else "end it"
    if database is not None:
        return f"another server uses the database {database}{who}: {end}, or choose another database"
    return f"another server uses the data directory {directory}{who}: {end}, or choose another directory with --data"
