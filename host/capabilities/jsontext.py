"""JSON that guests hand over: checked, and written in one form, so that a value reads the same before its commit and after.

Values are msgpack at rest and JSON at the boundary (RFC 8259). What msgpack would not keep is refused: integers beyond 64 bits, numbers
that overflow a double, an object's second value for a key, half a surrogate pair.
"""

from typing import Any

from host.model.errors import invalid
from host.model.value import document as decoded

VALUE_BYTES = 256 * 1024
"""The longest document, in bytes of UTF-8."""
DEPTH = 100
"""Arrays and objects in each other."""


def parse(what: str, text: str) -> tuple[Any, str]:
    """The document, and its text as it is kept. Raises `HostError` `invalid`, which names the argument `what`."""
    check_size(what, text)
    document, kept = decoded(what, text, DEPTH)
    check_size(what, kept)  # again: 1e9 becomes 1000000000.0, and what can be read must be writable
    return document, kept


def value(what: str, text: str) -> str:
    """Any document, as it is kept."""
    return parse(what, text)[1]


def object_text(what: str, text: str) -> str:
    """An object, as it is kept."""
    document, kept = parse(what, text)
    if not isinstance(document, dict):
        raise invalid(f"{what}: not a JSON object")
    return kept


def optional_object(what: str, text: str | None) -> str | None:
    return None if text is None else object_text(what, text)


def check_size(what: str, text: str) -> None:
    """Raises `HostError` `invalid` for a text that is too long to be kept."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise invalid(f"{what}: not UTF-8") from None
    if size > VALUE_BYTES:
        raise invalid(f"{what}: {size} bytes, at most {VALUE_BYTES} are allowed")
