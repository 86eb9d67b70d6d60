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
"""Steps up to which an error says what is wrong: to find the words takes some thousand times as long as to see that there is an error
(measured: 7 us each)."""


class Checker:
    """Checks values against one schema, in bounded time."""

    def __init__(self, schema: Json, most_described: int = MOST_DESCRIBED) -> None:
        """Raises ValueError for what is no schema, refers to itself or to somewhere else."""
        self._weight = weigh(schema)
        self._validator = compiled(schema)
        self._most_described = most_described

    def wrong(self, value: Json, text: str) -> str | None:
        """The first that is wrong with a value, whose JSON is `text`: its path and a sentence; None where nothing is."""
        return next(iter(self.faults(value, text)), None)

    def faults(self, value: Json, text: str) -> list[str]:
        """All that is wrong with a value, each as `wrong` has it."""
        steps = self._weight.parts * values(text)
        if steps > MOST_STEPS or self._weight.patterns * len(text) > MOST_MATCHED:
            return ["$: too large for its schema: checking it would take too long"]
        if steps > self._most_described:
            return [] if self._validator.is_valid(value) else ["$: not valid against its schema (both are too large to say where)"]
        return [_sentence(error) for error in self._validator.iter_errors(value)]


def _sentence(error: ValidationError) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
    return f"${path}: {error.message[:LONGEST]}"


def values(text: str) -> int:
    """No less than the values in a JSON document."""
    return 1 + sum(map(text.count, ",:[{"))
