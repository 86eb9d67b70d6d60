"""Text, numbers and JSON on their way to the host and from outside.

The contract's strings are UTF-8 and its numbers have a size: a value of another type, half a surrogate pair, or a number that is too large
would end the instance by a trap, so they are refused here, by an exception that names the argument.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

__all__ = ["Json", "dump", "dump_object", "load", "optional", "parse", "text", "whole"]

Json: TypeAlias = Any  # what json.loads can give

DEEPEST = 500
"""Levels of nesting. Some 1,500 overflow the stack of a guest, which is a trap and no exception."""

ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
NO_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[^\[\]{}"]+')
SQUARE = str.maketrans("{}", "[]")


def text(value: object, name: str) -> str:
    """`value`, checked to be text; half a surrogate pair becomes U+FFFD. Raises TypeError, which says `name`."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: text is needed, not {type(value).__name__}")
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def optional(value: object, name: str) -> str | None:
    """The same for text that may be None."""
    return None if value is None else text(value, name)


def whole(value: object, name: str, bits: int) -> int:
    """`value`, checked to be a whole number from zero to what `bits` hold. Raises TypeError or ValueError, which says `name`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: a whole number is needed, not {type(value).__name__}")
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{name}: a number from 0 to 2**{bits} - 1 is needed, not {value}")
    return value


def dump(value: Json, name: str) -> str:
    """`value` as JSON text. Raises TypeError or ValueError, which says `name`, for what JSON does not have (NaN and infinity too)."""
    try:
        return text(ENCODER.encode(value), name)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None


def dump_object(value: Mapping[str, Json] | None, name: str) -> str | None:
    """The same for a JSON object, or None."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: a mapping is needed, not {type(value).__name__}")
    return dump(value if isinstance(value, dict) else dict(value), name)


def load(value: str) -> Json:
    """JSON text from the host."""
    return json.loads(value)


def parse(value: str) -> Json:
    """JSON text from anybody. Raises ValueError for what is none, or is nested too deep."""
    if value.count("[") + value.count("{") > DEEPEST and _is_deep(NO_BRACKETS.sub("", value).translate(SQUARE)):
        raise ValueError(f"nested more than {DEEPEST} levels deep")
    return json.loads(value)


def _is_deep(brackets: str) -> bool:
    """Takes the innermost level away until the rest can't be too deep: in a guest far cheaper than to count bracket by bracket."""
    for level in range(DEEPEST):
        if level + brackets.count("[") <= DEEPEST:
            return False
        if "[" * (DEEPEST + 1) in brackets:
            return True
        brackets = brackets.replace("[]", "")
    return True
