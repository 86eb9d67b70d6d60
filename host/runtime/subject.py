"""What log lines are about: whatever is logged while something is done for an organisation's plugin names both, and the delivery."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from structlog.contextvars import bound_contextvars

Subject = dict[str, str]
"""`organization`, `plugin` and `delivery`, as far as they are known."""

_followed: ContextVar[Subject | None] = ContextVar("innkeeper_followed", default=None)


@contextmanager
def about(**subject: str) -> Iterator[None]:
    """Log lines within name what is given here: `organization`, `plugin`, `delivery`."""
    note(**subject)
    with bound_contextvars(**subject):
        yield


def note(**subject: str) -> None:
    """Tells who follows what it is about. What was told first stays: a plugin that another one calls is not what was asked for."""
    followed = _followed.get()
    if followed is not None:
        for name, value in subject.items():
            followed.setdefault(name, value)


@contextmanager
def following() -> Iterator[Subject]:
    """What is done within turns out to be about: filled while it is done."""
    subject: Subject = {}
    token = _followed.set(subject)
    try:
        yield subject
    finally:
        _followed.reset(token)
