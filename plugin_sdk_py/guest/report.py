"""An exception, told to people: one line for the answer, the whole traceback for the log."""

import linecache
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from plugin_sdk_py.errors import PluginError
from plugin_sdk_py.guest.hints import hint

__all__ = ["keep_source", "message", "source_is", "trace"]

SDK = str(Path(__file__).parent.parent)

CALLS = 40
"""How many calls of a traceback are shown, the last ones: to show a thousand costs more than half a second of computing."""

_source = ""  # the folder of the author's modules, with a slash at the end


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


def trace(error: BaseException, advise: Callable[[BaseException], str | None] = hint) -> str | None:
    """The traceback from the author's first call on, with a hint; None for a Rejected or Failed without a cause."""
    if isinstance(error, PluginError) and error.__cause__ is None:
        return None
    try:
        lines = traceback.format_exception(type(error), error, _authors(error.__traceback__), limit=-CALLS)
        advice = advise(error)
        told = "".join(lines).rstrip() + (f"\nHint: {advice}" if advice else "")
        return told.replace(f'File "{_source}', 'File "') if _source else told
    except BaseException:  # boundary: the author's __str__ can raise anything, and memory can be short
        return type(error).__name__


def source_is(folder: Path) -> None:
    """Says where the author's modules are: tracebacks name them relative to it."""
    global _source
    _source = f"{folder}/"


def keep_source() -> None:
    """Remembers the source of the author's modules: tracebacks show it, and at run time it is not on disk."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.startswith(_source) and file.endswith(".py"):
            source = Path(file).read_text(encoding="utf-8")
            linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file


def _authors(trace: TracebackType | None) -> TracebackType | None:
    """From the author's first call to the last that is not the SDK's; None where the author's code was not reached."""
    calls = list(_walk(trace))
    while calls and _is_ours(calls[-1]):
        calls.pop()
    if calls:
        calls[-1].tb_next = None
    return next((call for call in calls if not _is_ours(call)), None)


def _walk(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace:
        yield trace
        trace = trace.tb_next


def _is_ours(call: TracebackType) -> bool:
    return call.tb_frame.f_code.co_filename.startswith(SDK)
