"""Advice for what a guest can't do: an exception's own words are about an ordinary process, and don't say what to do instead."""

import os
import sys

__all__ = ["absent", "hint"]

ABSENT = {
    **dict.fromkeys(("bz2", "lzma", "zstd"), "gzip and zlib are there"),
    **dict.fromkeys(("fcntl", "grp", "mmap", "pwd", "resource", "syslog"), "a guest is no process of an operating system"),
    **dict.fromkeys(("curses", "pty", "readline", "termios", "tkinter", "tty"), "there is no screen and no keyboard"),
    **dict.fromkeys(("multiprocessing", "posixsubprocess", "interpreters"), "there are no processes"),
    "ctypes": "there is no native code",
    "ssl": "connections to the outside are the host's",
}
"""What the Python inside a component lacks, without the underscore of its C part."""

THREADS = "a guest has one thread: do it one after the other, or with asyncio"
PROCESSES = "a guest has no processes: what has to be done is done in Python"
SOCKETS = "a guest has no sockets: connections to the outside are the host's"
FILES = "a guest has no files: read them at the top of your module, which runs while the component is built; plugin.store keeps data"
ZONES = "a guest has no time zone data: make the zones at the top of your module, with the package tzdata in vendor/"


def hint(error: BaseException) -> str | None:
    """What to do instead, or None where there is nothing to say."""
    if isinstance(error, ModuleNotFoundError):
        return _module(error.name or "")
    if isinstance(error, OSError):
        return _system(error)
    if isinstance(error, AttributeError):
        return PROCESSES if error.obj is os else None
    if type(error).__name__ == "ZoneInfoNotFoundError":
        return ZONES
    if isinstance(error, LookupError) and str(error).startswith("unknown encoding: "):
        return f"name it at the top of your module: codecs.lookup({str(error).partition(': ')[2]!r})"
    if type(error).__name__ == "OperationalError" and str(error) == "unable to open database file":  # sqlite3 works in memory
        return FILES
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return THREADS
    return None


def _module(name: str) -> str:
    package = name.partition(".")[0]
    if (advice := absent(package)) is not None:
        return advice
    kind = "standard library" if package in sys.stdlib_module_names else "installed package"
    return f"import it at the top of your module: a guest has no {kind} on disk at run time"


def absent(package: str) -> str | None:
    """What to say of a package that no guest has, or None for one that it can have."""
    reason = ABSENT.get(package.removeprefix("_"))
    return reason and f"{package} does not exist inside a guest: {reason}"


def _system(error: OSError) -> str | None:
    """WASI's errors. A socket that is refused names no file."""
    if "process" in str(error):
        return PROCESSES
    if type(error).__name__ == "gaierror" or (isinstance(error, PermissionError) and error.filename is None):
        return SOCKETS
    return FILES if isinstance(error, (FileNotFoundError, PermissionError)) else None
