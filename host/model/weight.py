"""How much a JSON Schema makes of each part of a value: known before anything is checked, so that no schema can hold up the host."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

Json: TypeAlias = Any  # open-ended JSON data

DEEPEST = 100
"""Schemas in each other, references followed."""
ELSEWHERE = {"$dynamicRef", "$recursiveRef"}
MOST_PARTS = 100_000


class Weight(NamedTuple):
    """The parts of a schema, each reference counted as all that it refers to, and how many of them are patterns."""

    parts: int
    patterns: int

    def __add__(self, other: "Weight") -> "Weight":  # type: ignore[override]  # of weights, not of tuples
        return Weight(self.parts + other.parts, self.patterns + other.patterns)


def weigh(schema: Json) -> Weight:
    """Raises ValueError for a schema that refers to itself, to an anchor or to another document, is too deep, or has too many parts."""
    weight = _Scale(schema).of(schema, 0)
    if weight.parts > MOST_PARTS:
        raise ValueError(f"has {weight.parts} parts, each reference counted as what it refers to; {MOST_PARTS} are possible")
    return weight


class _Scale:
    def __init__(self, root: Json) -> None:
        self._root = root
        self._known: dict[str, Weight] = {}
        self._following: set[str] = set()

    def of(self, schema: Json, depth: int) -> Weight:
        if depth > DEEPEST:
            raise ValueError(f"deeper than {DEEPEST} levels")
        if isinstance(schema, list):
            return sum((self.of(part, depth + 1) for part in schema), Weight(1, 0))
        if not isinstance(schema, Mapping):
            return Weight(1, 0)
        return sum(self._members(schema, depth), Weight(1, 0))

    def _members(self, schema: Mapping[str, Json], depth: int) -> Iterator[Weight]:
        for key, value in schema.items():
            if key in ELSEWHERE or (key == "$id" and depth > 0 and isinstance(value, str)):
                raise ValueError(f"has {key}: only $ref to a part of the same schema is possible")
            if key == "$ref" and isinstance(value, str):
                yield self._target(value, depth)
            else:
                patterns = 1 if key == "pattern" else len(value) if key == "patternProperties" and isinstance(value, Mapping) else 0
                yield self.of(value, depth + 1) + Weight(0, patterns)

    def _target(self, reference: str, depth: int) -> Weight:
        if reference in self._following:
            raise ValueError(f"refers to itself ({reference}): checking it could take for ever")
        if reference not in self._known:
            self._following.add(reference)
            self._known[reference] = self.of(_found(self._root, reference), depth + 1)
            self._following.discard(reference)
        return self._known[reference]


def _found(root: Json, reference: str) -> Json:
    """What a JSON Pointer in a fragment points at (RFC 6901)."""
    if reference != "#" and not reference.startswith("#/"):
        raise ValueError(f"refers to {reference!r}: only a part of the same schema can be referred to, as #/$defs/name")
    found = root
    for part in reference.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(key)] if isinstance(found, list) else found[key]
        except (LookupError, TypeError, ValueError):
            raise ValueError(f"refers to {reference!r}, which is not there") from None
    return found
