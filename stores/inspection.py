"""A look into a database that changes nothing of it, not even which files there are: it may be in use, read-only, or another version's."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec import Struct

from host.model.errors import UsageError
from stores.schema import HEAD, REVISIONS, revision
from stores.sealing import Sealer, SealError
from stores.statement import Connection

IN_WAL_MODE = b"\x02\x02"
"""At 18 in a file: its versions for writing and reading (https://sqlite.org/fileformat.html)."""
SHOWN = 3
"""Errors of an integrity check that are named."""


class Contents(Struct, frozen=True, kw_only=True):
    """What a database of a known schema holds, as far as a host needs it to start. `newest` is a delivery's time in milliseconds."""

    digests: list[str]
    sealed: list[tuple[str, str, str]]
    """Organisation, plugin and name of each secret; of a plugin's own the organisation is empty."""
    unreadable: list[tuple[str, str, str]]
    """Those that the key does not open."""
    newest: int | None


@contextmanager
def opened(path: Path) -> Iterator[Connection]:
    """A connection that can only read. Raises `sqlite3.Error`, or OSError.

    Without its files beside it, a database in WAL mode can't be read but by making them, or by the promise that nobody writes. A log that a
    killed process left without its index is read in a copy.
    """
    index, log = (path.with_name(f"{path.name}-{ending}") for ending in ("shm", "wal"))
    if index.exists() and log.exists():
        yield from _connected(f"{path.absolute().as_uri()}?mode=ro")
    elif not log.exists() or log.stat().st_size == 0:
        yield from _connected(f"{path.absolute().as_uri()}?mode=ro&immutable=1")
    else:
        with tempfile.TemporaryDirectory(prefix="innkeeper-look-") as folder:
            for each in (path, log):
                shutil.copyfile(each, Path(folder) / each.name)
            yield from _connected((Path(folder) / path.name).as_uri())


def refuse_foreign(path: Path, *, shared: bool) -> None:
    """Raises `UsageError` for a database that can't be ours, before a connection switches it to WAL mode. Costs a read of 20 bytes."""
    try:
        with path.open("rb") as file:
            head = file.read(20)
        if head and head[18:] != IN_WAL_MODE:
            for connection in _connected(f"{path.absolute().as_uri()}?mode=ro"):
                revision(connection, shared=shared)
    except FileNotFoundError:
        return
    except (OSError, sqlite3.Error) as error:
        raise UsageError(f"can't open the database {path}: {error}") from error


def _connected(uri: str) -> Iterator[Connection]:
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        yield connection


def schema_of(connection: Connection) -> str:
    """The revision; empty for an empty database. Raises `UsageError` for one that this program does not know."""
    return revision(connection) or ""


def is_current(revision: str) -> bool:
    """Whether a start changes nothing about the schema."""
    return revision == HEAD


def damage(connection: Connection) -> list[str]:
    """The first errors of an integrity check; none when all is well. Reads the whole file."""
    found = [str(row[0]) for row in connection.execute(f"PRAGMA quick_check({SHOWN})")]
    return [] if found == ["ok"] else found


def contents(connection: Connection, revision: str, sealer: Sealer | None) -> Contents:
    """Without a sealer no secret opens."""
    if not revision:
        return Contents(digests=[], sealed=[], unreadable=[], newest=None)
    rows = [tuple(row) for row in connection.execute("SELECT organization, plugin, name, sealed FROM secrets ORDER BY 1, 2, 3")]
    sealed = [(organization, plugin, name) for organization, plugin, name, _ in rows]
    unreadable = [row[:3] for row in rows if not _opens(sealer, *row)]
    if REVISIONS.index(revision) >= 1:
        own = [("", *row) for row in connection.execute("SELECT plugin, name, sealed FROM plugin_secrets ORDER BY 1, 2")]
        sealed += [(nobody, plugin, name) for nobody, plugin, name, _ in own]
        unreadable += [row[:3] for row in own if not _opens(sealer, *row)]
    digests = [str(digest) for (digest,) in connection.execute("SELECT DISTINCT digest FROM installations ORDER BY 1")]
    [newest] = connection.execute("SELECT max(received_at) FROM deliveries").fetchone()
    return Contents(digests=digests, sealed=sealed, unreadable=unreadable, newest=newest)


def _opens(sealer: Sealer | None, organization: str, plugin: str, name: str, sealed: bytes) -> bool:
    if sealer is None:
        return False
    try:
        sealer.unseal(sealed, organization, plugin, name)
    except SealError:
        return False
    return True
