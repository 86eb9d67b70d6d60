"""Values checked against somebody else's JSON Schema, such as a tool's arguments: in a time that neither of the two can prolong."""

from typing import Any, TypeAlias

from jsonschema_rs import ValidationError

from host.model.schema import LONGEST, compiled
from host.model.weight import weigh

Json: TypeAlias = Any  # open-ended JSON data

MOST_STEPS = 20_000_000
"""A part of a schema looked at for a part of a value. So many take some 0.2 s at their worst (measured: 8 ns each)."""
MOST_MATCHED = 1024 * 1024
"""Bytes that patterns look at, each of them. The worst pattern takes 1.5 us for one."""
MOST_DESCRIBED = 10_000
"""Steps up to which an error says what is wrong: to find the words takes some thousand times as long as to see that there is an error."""


class Checker:
    """Checks values against one schema, in bounded time."""

    def __init__(self, schema: Json) -> None:
        """Raises ValueError for what is no schema, refers to itself or to somewhere else."""
        self._weight = weigh(schema)
        self._validator = compiled(schema)

    def wrong(self, value: Json, text: str) -> str | None:
        """What is wrong with a value, whose JSON is `text`: its path and a sentence; None where nothing is."""
        steps = self._weight.parts * values(text)
        if steps > MOST_STEPS or self._weight.patterns * len(text) > MOST_MATCHED:
            return "$: too large for its schema: checking it would take too long"
        if steps > MOST_DESCRIBED:
            return None if self._validator.is_valid(value) else "$: not valid against its schema (both are too large to say where)"
        try:
            self._validator.validate(value)
        except ValidationError as error:
            path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
            return f"${path}: {error.message[:LONGEST]}"
        return None


def values(text: str) -> int:
    """No less than the values in a JSON document."""
    return 1 + sum(map(text.count, ",:[{"))
