"""Checking values against somebody else's schema: what is wrong is named, and nothing takes long, whoever wrote the schema or the value."""

import json
from typing import Any

import pytest

from host.model.checker import Checker, values
from host.model.weight import Weight, weigh


def wrong(schema: Any, value: Any) -> str | None:
    return Checker(schema).wrong(value, json.dumps(value))


def test_a_value_that_is_valid_has_nothing_wrong() -> None:
    assert wrong({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": 1}) is None


def test_the_path_of_what_is_wrong_is_named() -> None:
    schema = {"properties": {"a": {"items": {"properties": {"b": {"type": "string"}}}}}}

    assert wrong(schema, {"a": [{"b": "x"}, {"b": 1}]}) == '$.a[1].b: 1 is not of type "string"'


def test_all_that_is_wrong_is_named_up_to_the_size_that_may_be_described() -> None:
    schema = {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    value, text = {"a": 1, "b": 2}, '{"a":1,"b":2}'

    assert Checker(schema).faults(value, text) == ['$.a: 1 is not of type "string"', '$.b: 2 is not of type "string"']
    assert Checker(schema, most_described=10).faults(value, text) == ["$: not valid against its schema (both are too large to say where)"]


def test_references_within_a_schema_are_followed_and_counted_as_what_they_refer_to() -> None:
    part = {"type": "string", "pattern": "^a"}
    schema = {"$defs": {"one~/": part}, "properties": {"x": {"$ref": "#/$defs/one~0~1"}, "y": {"$ref": "#/$defs/one~0~1"}}}

    assert weigh(part) == Weight(3, 1)
    assert weigh(schema).patterns == 3
    assert wrong(schema, {"x": "a", "y": "b"}) == '$.y: "b" does not match "^a"'


def doubling(levels: int) -> dict[str, Any]:
    """A schema of a few lines that means twice as much with each level."""
    definitions: dict[str, Any] = {"a0": {"type": "string"}}
    for level in range(1, levels):
        definitions[f"a{level}"] = {"anyOf": [{"$ref": f"#/$defs/a{level - 1}"}] * 2}
    return {"$defs": definitions, "$ref": f"#/$defs/a{levels - 1}"}


@pytest.mark.promise("tools.arguments")
@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "#"}, "refers to itself"),
        ({"$defs": {"n": {"properties": {"c": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"}, "refers to itself"),
        ({"properties": {"enum": {"$ref": "#"}}}, "refers to itself"),
        ({"$ref": "https://example.com/schema"}, "only a part of the same schema"),
        ({"$ref": "#anchor"}, "only a part of the same schema"),
        ({"$ref": "#/$defs/absent"}, "is not there"),
        ({"allOf": [{"$ref": "#/allOf/7"}]}, "is not there"),
        ({"$dynamicRef": "#a"}, r"has \$dynamicRef"),
        ({"$defs": {"a": {"$id": "http://elsewhere/", "$ref": "#/x"}}}, r"has \$id"),
        (doubling(40), "parts"),
        ({"enum": list(range(100_001))}, "parts"),
        ({"type": "nothing"}, "no JSON Schema"),
        ({"pattern": "(?=a)"}, "no JSON Schema"),
        ({"pattern": "([a-z]?[b-z]?[c-z]?){3000}q"}, "no JSON Schema"),
    ],
)
def test_a_schema_that_could_take_for_ever_is_refused(schema: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Checker(schema)


def test_a_schema_that_is_nested_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"not": deep}

    with pytest.raises(ValueError, match="deeper than 100 levels"):
        weigh(deep)


@pytest.mark.promise("tools.arguments")
@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        ({"items": {"anyOf": [{"type": "string"}] * 1000}}, list(range(100_000)), "too large for its schema"),
        ({"pattern": "^a*$"}, "a" * 2_000_000, "too large for its schema"),
        ({"patternProperties": {f"{number}$": {} for number in range(10)}}, {"a" * 200_000: 1}, "too large for its schema"),
        ({"anyOf": [{"items": {"anyOf": [{"type": "string"}] * 1000}}] * 40}, list(range(100)), "too large to say where"),
    ],
)
def test_a_value_that_would_take_long_is_refused_without_a_look_or_without_words(schema: Any, value: Any, told: str) -> None:
    assert told in (wrong(schema, value) or "")


def test_no_value_has_more_parts_than_are_counted() -> None:
    assert values('{"a": [1, {"b": []}], "c": null}') >= 6
