"""Text and JSON on their way to the host.

What the contract calls a string is UTF-8; a value of another type, or with half a surrogate pair in it, would end the instance by a trap.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

__all__ = ["Json", "dump", "dump_object", "load", "optional", "text"]

Json: TypeAlias = Any  # what json.loads can give


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


def whole(value: object, name: str) -> int:
    """`value`, checked to be a whole number of at least zero."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{name}: a whole number of at least zero is needed, not {value!r}")
    return value


def dump(value: Json, name: str) -> str:
    """`value` as JSON text. Raises TypeError or ValueError, which says `name`, for what JSON does not have (NaN and infinity too)."""
    try:
        return text(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")), name)
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
    return json.loads(value)
