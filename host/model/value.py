"""JSON that is kept: what can be kept without loss, store values as msgpack, and objects that are merged key by key.

JSON is text on the boundary. Store values rest as msgpack; metadata rests as the text that came. Everything here raises `HostError`
`invalid` for text that is not JSON or that could not be given back the same.
"""

import gc
from collections.abc import Callable
from itertools import accumulate
from typing import Any, TypeVar

from msgspec import MsgspecError, Raw, msgpack
from msgspec import json as fast_json

from host.model.errors import invalid

MAX_DEPTH = 200
"""Arrays and objects in each other. Decoding uses the stack, so what is accepted here must be readable wherever it is read."""

T = TypeVar("T")
_ALIKE = bytes.maketrans(b"{}", b"[]")
_STEPS = bytes.maketrans(b"[]", b"\x01\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b'[]{}"'))


def pack(text: str) -> bytes:
    """The msgpack of a JSON text.

    Kept: order of keys, integers of 64 bits (signed or unsigned), decimals as the nearest double. Refused: other integers, decimals
    beyond the range of a double, an object that has a key twice, half a surrogate pair, NaN, more than `MAX_DEPTH` levels.
    """
    value = document("value", text, MAX_DEPTH)[0]
    return msgpack.encode(value)


def document(what: str, text: str, depth: int) -> tuple[Any, str]:
    """The document, and its text without insignificant white space. Raises `HostError` `invalid`, which names `what`.

    The worst 256 KiB take some 10 ms, which is as long as a host function may: no loop in Python looks at their values.
    """
    try:
        if is_deeper(text, depth):
            raise invalid(f"{what}: deeper than {depth} levels")
        value = _decoded(fast_json.decode, text)
        msgpack.encode(value)
        kept = fast_json.encode(value).decode()
    except OverflowError:
        raise invalid(f"{what}: not JSON that can be kept: an integer is beyond 64 bits") from None
    except (MsgspecError, ValueError) as error:
        raise invalid(f"{what}: not JSON that can be kept: {error}") from None
    if _colons(text) != kept.count(":"):
        raise invalid(f"{what}: not JSON that can be kept: an object has a key twice")
    return value, kept


def is_deeper(text: str, depth: int) -> bool:
    """Whether the brackets of a JSON document go deeper than `depth`. Asked before parsing: parsers recurse, on whatever stack is left."""
    unescaped = text.encode().replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = unescaped.translate(_ALIKE, _NO_BRACKETS)
    if brackets.count(b"[") <= depth:
        return False
    brackets = b"".join(brackets.replace(b'""', b"").split(b'"')[::2])  # of those in strings nothing is left
    innermost = brackets.count(b"[]") > 0
    steps = memoryview(brackets.replace(b"[]", b"").translate(_STEPS)).cast("b")  # one level less, and often most of them
    return max(accumulate(steps), default=0) + innermost > depth


def _decoded(decode: Callable[[T], Any], source: T) -> Any:
    """Without the garbage collector, which thousands of new lists would call for nothing, at three times the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return decode(source)
    finally:
        if collects:
            gc.enable()


def _colons(text: str) -> int:
    """Colons of a valid document, those in its strings included: the decoder keeps the last of two equal keys, so fewer come out then."""
    colons = text.count(":")
    if "\\u003" in text:
        escapes = text.replace("\\\\", "").lower()
        colons += escapes.count("\\u003a")
    return colons


def unpack(packed: bytes) -> str:
    """The JSON text, without insignificant white space, of what `pack` gave."""
    return fast_json.encode(_decoded(msgpack.decode, packed)).decode()


def merge(base: str, changes: str) -> str:
    """The JSON object `base` with the members of the object `changes` put over it. Members stay byte for byte what they were."""
    return fast_json.encode(_object(base) | _object(changes)).decode()


def merge_into(base: str, name: str, changes: str) -> str:
    """The JSON object `base` with the object `changes` merged into its member `name`. A member that is no object is replaced."""
    members = _object(base)
    present = bytes(members.get(name, b"{}")).decode()
    members[name] = Raw(merge(present if present.startswith("{") else "{}", changes).encode())
    return fast_json.encode(members).decode()


def _object(text: str) -> dict[str, Raw]:
    try:
        return fast_json.decode(text, type=dict[str, Raw])
    except (MsgspecError, ValueError, RecursionError) as error:
        raise invalid(f"metadata: not a JSON object: {error}") from None
