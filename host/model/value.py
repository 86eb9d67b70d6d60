"""JSON that is kept: what can be kept without loss, store values as msgpack, and objects that are merged key by key.

JSON is text on the boundary. Store values rest as msgpack; metadata rests as the text that came. Everything here raises `HostError`
`invalid` for text that is not JSON or that could not be given back the same.
"""

import json
from typing import Any

from msgspec import MsgspecError, Raw, msgpack
from msgspec import json as fast_json

from host.model.errors import invalid

MAX_DEPTH = 200
"""Arrays and objects in each other. Decoding uses the stack, so what is accepted here must be readable wherever it is read."""


def pack(text: str) -> bytes:
    """The msgpack of a JSON text.

    Kept: order of keys, integers of 64 bits (signed or unsigned), decimals as the nearest double. Refused: other integers, decimals
    beyond the range of a double, an object that has a key twice, half a surrogate pair, NaN, more than `MAX_DEPTH` levels.
    """
    value = _decode(text)
    try:
        return msgpack.encode(value)
    except (OverflowError, RecursionError) as error:
        raise invalid(f"value: {error}") from None


def unpack(packed: bytes) -> str:
    """The JSON text, without insignificant white space, of what `pack` gave."""
    return fast_json.encode(msgpack.decode(packed)).decode()


def merge(base: str, changes: str) -> str:
    """The JSON object `base` with the members of the object `changes` put over it. Members stay byte for byte what they were."""
    return fast_json.encode(_object(base) | _object(changes)).decode()


def merge_into(base: str, name: str, changes: str) -> str:
    """The JSON object `base` with the object `changes` merged into its member `name`. A member that is no object is replaced."""
    members = _object(base)
    present = bytes(members.get(name, b"{}")).decode()
    members[name] = Raw(merge(present if present.startswith("{") else "{}", changes).encode())
    return fast_json.encode(members).decode()


def _decode(text: str) -> Any:
    try:
        value = fast_json.decode(text)
        if "{" in text:
            json.loads(text, object_pairs_hook=_unique)  # the fast decoder keeps the last of two equal keys and says nothing
    except (MsgspecError, ValueError, RecursionError) as error:
        raise invalid(f"value: not JSON that can be kept: {error}") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise invalid(f"value: more than {MAX_DEPTH} levels of arrays and objects")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object has a key twice")
    return members


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while containers := [node for node in level if isinstance(node, dict | list)]:
        depth += 1
        level = [child for node in containers for child in (node.values() if isinstance(node, dict) else node)]
    return depth


def _object(text: str) -> dict[str, Raw]:
    try:
        return fast_json.decode(text, type=dict[str, Raw])
    except (MsgspecError, ValueError, RecursionError) as error:
        raise invalid(f"metadata: not a JSON object: {error}") from None
