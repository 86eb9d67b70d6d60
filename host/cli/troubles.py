"""What the system refuses: a full disk, a database that somebody else holds. Sentences that say what to do, for the person who can."""

import errno
import sqlite3

FULL = "the disk is full{where}: make room, and run it again; nothing was stored"
SYSTEM = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: "a file would be larger than this process may make one{where}: raise that limit (ulimit -f), and run it again",
    errno.EROFS: "the file system is read-only{where}: mount it writable, or choose another folder with --data or --cache",
    errno.EACCES: "this user may not do that{where}: change the mode or the owner, or choose another folder with --data or --cache",
    errno.EPERM: "this user may not do that{where}: change the mode or the owner, or choose another folder with --data or --cache",
    errno.EMFILE: "too many files are open{where}: raise the limit (ulimit -n), and run it again",
    errno.ENFILE: "too many files are open on this machine{where}: run it again later",
}
DATABASE = {
    sqlite3.SQLITE_BUSY: "another process holds the database: wait until it has ended (or end it), and run it again",
    sqlite3.SQLITE_LOCKED: "another process holds the database: wait until it has ended (or end it), and run it again",
    sqlite3.SQLITE_FULL: "the database can't grow, since the disk is full: make room, and run it again; nothing was stored",
    sqlite3.SQLITE_IOERR: "the disk refuses what the database asks of it, as a full one does: make room, and run it again",
    sqlite3.SQLITE_READONLY: "the database can't be written: change its mode or owner, or mount it writable",
    sqlite3.SQLITE_CANTOPEN: "the database can't be opened: see the mode and the owner of the data directory",
    sqlite3.SQLITE_CORRUPT: "the database is damaged: put a copy from before in its place; `innkeeper doctor` says more",
    sqlite3.SQLITE_NOTADB: "the database is none: put a copy from before in its place; `innkeeper doctor` says more",
}


def sentence(error: BaseException | None) -> str | None:
    """What it means for a person, where that is known; else None."""
    if isinstance(error, sqlite3.Error):
        return DATABASE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    if isinstance(error, OSError) and error.errno in SYSTEM:
        return SYSTEM[error.errno].format(where=f" ({error.filename})" if error.filename else "")
    return None
