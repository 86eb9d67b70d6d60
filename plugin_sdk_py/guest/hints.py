"""Advice for what a guest can't do."""

import sys

__all__ = ["hint"]

ABSENT = {
    "sqlite3": "plugin.store keeps data",
    "_sqlite3": "plugin.store keeps data",
    "ssl": "the host makes connections",
    "_ssl": "the host makes connections",
    "ctypes": "there is no native code",
    "_ctypes": "there is no native code",
    "multiprocessing": "there are no processes",
    "_multiprocessing": "there are no processes",
}


def hint(error: BaseException) -> str | None:
    """What to do instead, or None where there is nothing to say."""
    if isinstance(error, ModuleNotFoundError):
        return _module((error.name or "").partition(".")[0])
    return None


def _module(name: str) -> str:
    if name in ABSENT:
        return f"{name} does not exist inside a guest: {ABSENT[name]}"
    library = "the standard library" if name in sys.stdlib_module_names else "installed packages"
    return f"import it at the top of your module: a guest has no {library.removeprefix('the ')} on disk at run time"
