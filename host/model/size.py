"""Bytes of what is kept and given: pages end by them, since items are few or large as a plugin likes."""

from collections.abc import Iterable
from typing import TypeVar

from msgspec import msgpack

T = TypeVar("T")
PAGE_BYTES = 1024 * 1024
"""A page that has so many bytes ends there; the item that reaches it is its last."""


def size(item: object) -> int:
    """Bytes of a model's value, its lists and strings included."""
    return len(msgpack.encode(item))


def page_of(items: Iterable[T]) -> list[T]:
    """The first items, up to the one that fills the page. What comes after it is not even asked for."""
    page, total = [], 0
    for item in items:
        page.append(item)
        total += size(item)
        if total >= PAGE_BYTES:
            break
    return page


def fills(items: list[T]) -> bool:
    """Whether these are a full page, so that there may be more."""
    return sum(map(size, items)) >= PAGE_BYTES
