"""Where the data is, and connections to it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from host.model.errors import UsageError
from stores.statement import Connection
from stores.transaction import transaction

CACHED_STATEMENTS = 256
"""More than this package has, so that none is parsed twice on one connection."""
ATTEMPTS = 20


class Database:
    """A SQLite file, by its path or as `sqlite:///path`. Holds no connection open.

    `synchronous` FULL survives a loss of power with every commit that was answered, NORMAL may lose the last ones. `busy_timeout_ms` is how
    long a writer waits for another process's transaction.
    """

    def __init__(self, location: str | Path, *, synchronous: Literal["FULL", "NORMAL"] = "FULL", busy_timeout_ms: int = 5_000) -> None:
        self.path = path_of(location)
        self._synchronous = synchronous
        self._busy_timeout_ms = busy_timeout_ms

    def __repr__(self) -> str:
        return f"<Database {self.path}>"

    def connect(self) -> Connection:
        """A connection that may write, for the thread that asks. Begins no transaction by itself: see `stores.transaction`.

        Makes the file (mode 0600) where there is none. Raises `UsageError` when it can't be opened or is no database.
        """
        try:
            _create(self.path)
            return self._open(f"PRAGMA synchronous={self._synchronous}")
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"can't open the database {self.path}: {error}") from error

    def read_connection(self) -> Connection:
        """A connection that can't write, for the thread that asks. Each statement sees all that is committed by then."""
        if not self.path.exists():
            raise UsageError(f"there is no database {self.path}")
        try:
            return self._open("PRAGMA query_only=ON")
        except sqlite3.Error as error:
            raise UsageError(f"can't open the database {self.path}: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection of its own with one transaction, for commands."""
        connection = self.connect()
        try:
            with transaction(connection):
                yield connection
        finally:
            connection.close()

    def _open(self, *pragmas: str) -> Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, cached_statements=CACHED_STATEMENTS)
        try:
            connection.execute(f"PRAGMA busy_timeout={self._busy_timeout_ms}")
            _use_write_ahead_log(connection)
            for pragma in ("PRAGMA foreign_keys=ON", *pragmas):
                connection.execute(pragma)
        except BaseException:  # boundary: whatever went wrong, the file must not stay open
            connection.close()
            raise
        return connection


def _create(path: Path) -> None:
    """Makes an empty file. One that exists is not even opened: closing it again would drop every lock that this process has on it."""
    if not path.exists():
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def _use_write_ahead_log(connection: Connection) -> None:
    """The switch from a new file's mode fails at once where several do it together, whatever the time-out: so wait, and look again."""
    for _ in range(ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()
    raise UsageError("the database is busy")


def path_of(location: str | Path) -> Path:
    """The file that a path or a URL `sqlite:///path` names; SQLAlchemy's `sqlite+driver:///path` too. Raises `UsageError`."""
    text = str(location)
    if ":memory:" in text:
        raise UsageError("a database in memory is one per connection: give the path of a file")
    scheme, separator, rest = text.partition("://")
    if not separator:
        return Path(location)
    if scheme.partition("+")[0] != "sqlite" or not rest.removeprefix("/"):
        raise UsageError(f"not a database that this version can use: {scheme}://...; give a path, or sqlite:///path")
    if not rest.startswith("/") or "?" in rest:
        raise UsageError(f"not a database's URL: {scheme}://...; give sqlite:///path, with three slashes and without options")
    return Path(rest[1:])
