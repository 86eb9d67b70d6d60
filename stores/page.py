"""Pages of a listing, newest first: ids are in the order of time, so an id is the cursor."""

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

LAST = "\U0010ffff"
"""Comes after every id: the cursor of the first page."""


class Page(Struct, Generic[T], frozen=True):
    """`next` is what to pass as `before` for the page after this one; None at the end."""

    items: list[T]
    next: str | None


def cursor(ids: list[str], limit: int) -> str | None:
    """The cursor after a page of at most `limit` items, from the ids of one item more than that where there is one."""
    return ids[limit - 1] if len(ids) > limit else None
