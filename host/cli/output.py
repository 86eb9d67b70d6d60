"""What commands print: results on standard output, progress on standard error. No text of a plugin or a customer reaches a terminal raw."""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status
    from rich.table import Table
    from rich.text import Text

WIDTH = 160
"""Columns of what is printed where there is no terminal."""

Progress = Callable[[str], None]
_HIDDEN = r"\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
"""Beside the controls of ASCII: those of C1, and characters that nobody sees. Joiners stay, since emoji and Persian need them."""
_CONTROL = re.compile(rf"[\x00-\x08\x0b-\x1f{_HIDDEN}]")
_IN_JSON = re.compile(rf"[{_HIDDEN}]")


def plain(text: str) -> str:
    """The text without characters that a terminal obeys: they are shown as escapes. Line ends and tabs stay."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """The same, with line ends as escapes too: a sentence of ours that has somebody else's words in it stays one."""
    return plain(text).replace("\n", "\\n")


def print_json(value: Any) -> None:
    """One JSON document on one line of standard output."""
    from msgspec.json import encode

    print(visible_json(encode(value).decode()), flush=True)


def visible_json(text: str) -> str:
    """The same JSON, with characters that a terminal obeys or nobody sees as escapes."""
    return _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def console(*, stderr: bool = False) -> "Console":
    """A console that knows no markup and highlights nothing. Where there is no terminal it writes no control characters and wraps late."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, width=width)


def table(*columns: str, rows: Iterable[Sequence[str]], right: Iterable[str] = ()) -> "Table":
    """A table of plain texts. The columns named in `right` are aligned there."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        made.add_column(column, justify="right" if column in set(right) else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(plain(cell)) for cell in row))
    return made


@contextmanager
def progress() -> Iterator[Progress]:
    """Tells what is being done, a sentence per step: on a terminal with a spinner, and how long each step took."""
    if not sys.stderr.isatty():
        yield lambda sentence: print(plain(sentence), file=sys.stderr, flush=True)
        return
    with console(stderr=True).status("") as status:
        steps = _Steps(status)
        yield steps.begin
        steps.end()


class _Steps:
    """Steps one after the other on a terminal."""

    def __init__(self, status: "Status") -> None:
        self._status = status
        self._step = ""
        self._began = 0.0

    def begin(self, sentence: str) -> None:
        self.end()
        self._step, self._began = plain(sentence), time.monotonic()
        self._status.update(self._text(f"{self._step} ..."))

    def end(self) -> None:
        if self._step:
            self._status.console.print(self._text(f"{self._step} ({time.monotonic() - self._began:.1f} s)"), style="dim")

    @staticmethod
    def _text(text: str) -> "Text":
        from rich.text import Text

        return Text(text)
