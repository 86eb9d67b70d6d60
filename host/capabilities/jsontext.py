"""JSON that guests hand over: checked, and written in one form, so that a value reads the same before its commit and after.

Values are msgpack at rest and JSON at the boundary (RFC 8259). What msgpack would not keep is refused: integers beyond 64 bits, numbers
that overflow a double, an object's second value for a key, half a surrogate pair.
"""

import re
from itertools import accumulate
from json import JSONDecoder
from math import isfinite
from typing import Any

import msgspec

from host.model.errors import invalid

VALUE_BYTES = 256 * 1024
"""The longest document, in bytes of UTF-8."""
DEPTH = 100
"""Arrays and objects in each other: checked before parsing, since parsers recurse and a host function may run on a fiber's small stack."""

# Possessive, so that an unterminated string costs one pass and not one for each quotation mark in it.
_ALL_BUT_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[^\[\]{}"]++', re.DOTALL)
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has a key twice")
    return members


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= 20 else 1 << 64
    if not -(1 << 63) <= number < 1 << 64:
        raise ValueError("an integer is beyond 64 bits")
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("a number is too large")
    return number


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = JSONDecoder(object_pairs_hook=_pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant)


def depth(text: str) -> int:
    """How deep the brackets of a JSON document go."""
    return max(accumulate(map(_STEP.__getitem__, _ALL_BUT_BRACKETS.sub("", text))), default=0)


def parse(what: str, text: str) -> Any:
    """The document. Raises `HostError` `invalid`, which names the argument `what`."""
    check_size(what, text)
    # The number of brackets bounds their depth, and counting is cheap.
    if text.count("[") + text.count("{") > DEPTH and depth(text) > DEPTH:
        raise invalid(f"{what}: deeper than {DEPTH} levels")
    try:
        return _DECODER.decode(text)
    except ValueError as error:
        raise invalid(f"{what}: not JSON that can be kept: {error}") from None


def write(what: str, document: Any) -> str:
    """The document as text, in the form in which it is kept."""
    try:
        text = msgspec.json.encode(document).decode()
    except UnicodeEncodeError:
        raise invalid(f"{what}: a string has half a surrogate pair") from None
    check_size(what, text)  # again: 1e9 becomes 1000000000.0, and what can be read must be writable
    return text


def value(what: str, text: str) -> str:
    """Any document, as it is kept."""
    return write(what, parse(what, text))


def members(what: str, text: str) -> dict[str, Any]:
    """The members of a document that has to be an object."""
    document = parse(what, text)
    if not isinstance(document, dict):
        raise invalid(f"{what}: not a JSON object")
    return document


def object_text(what: str, text: str) -> str:
    """An object, as it is kept."""
    return write(what, members(what, text))


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
