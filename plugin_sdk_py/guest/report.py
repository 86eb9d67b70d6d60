"""An exception, told to people: one line for the answer, the whole traceback for the log."""

import linecache
import sys
import traceback
from pathlib import Path
from types import TracebackType

from plugin_sdk_py.errors import PluginError
from plugin_sdk_py.guest.hints import hint

__all__ = ["keep_source", "message", "trace"]

SDK = str(Path(__file__).parent.parent)


def message(error: BaseException) -> str:
    """One line: what the author wrote in a Rejected or Failed; `Type: message` and perhaps a hint for every other exception."""
    try:
        if isinstance(error, PluginError):
            return str(error) or type(error).__name__
        line = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        advice = hint(error)
        return f"{line} ({advice})" if advice else line
    except BaseException:  # boundary: the author's __str__ can raise anything, and memory can be short
        return type(error).__name__


def trace(error: BaseException) -> str | None:
    """The traceback from the author's first frame on, with the hint; None for a Rejected or Failed without a cause."""
    if isinstance(error, PluginError) and error.__cause__ is None:
        return None
    try:
        lines = traceback.format_exception(type(error), error, _authors(error.__traceback__))
        advice = hint(error)
        return "".join(lines).rstrip() + (f"\nHint: {advice}" if advice else "")
    except BaseException:  # boundary: the author's __str__ can raise anything, and memory can be short
        return type(error).__name__


def keep_source(folder: Path) -> None:
    """Remembers the source of the modules below `folder`, which is not on disk at run time, for tracebacks."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and Path(file).is_relative_to(folder) and file.endswith(".py"):
            source = Path(file).read_text(encoding="utf-8")
            linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file


def _authors(trace: TracebackType | None) -> TracebackType | None:
    start = trace
    while start and start.tb_frame.f_code.co_filename.startswith(SDK):
        start = start.tb_next
    return start or trace
