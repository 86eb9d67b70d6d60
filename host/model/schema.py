"""What makes a manifest valid: the JSON Schema, and what no schema can say."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, reduce
from typing import Any, TypeAlias

import jsonschema_rs
from msgspec import convert

from host.model import manifest as model
from host.model.contract import MANIFEST_SCHEMA
from host.model.errors import InvalidManifest
from host.model.signature import faults
from host.model.weight import weigh

__all__ = ["Validator", "compiled", "validate"]

Json: TypeAlias = Any  # open-ended JSON data
Validator: TypeAlias = jsonschema_rs.Draft202012Validator

SHOWN = 5
"""How many errors a message names; the others are counted."""

LONGEST = 300
"""Characters of one error: what is wrong can be as long as the manifest."""

PATTERN_BYTES, MATCHING_BYTES = 512 * 1024, 16 * 1024 * 1024
"""Of a compiled pattern, and of what matching it keeps. A larger one, or one that keeps less, takes not 1.5 us for a byte but 200."""

SAID = ("pattern", "oneOf")
"""Keywords that say what they take to a machine; people have the description."""

NAMED = {"routes": "name", "secrets": "name", "capabilities": "name", "tools": "name", "hooks": "event", "actions": "name", "jobs": "name"}
"""Lists whose entries differ in one property."""


def validate(data: Json) -> model.Manifest:
    """The manifest in `data`. Raises InvalidManifest, which names the JSON path and what is wrong there for each of the first errors."""
    try:
        errors = list(_schema_errors(data)) or list(_other_errors(data))
    except ValueError as error:  # nested too deep, or with half a surrogate pair in a text
        raise InvalidManifest(f"$: {error}") from None
    if errors:
        more = [f"and {len(errors) - SHOWN} more"] if len(errors) > SHOWN else []
        raise InvalidManifest("; ".join([*(error[:LONGEST] for error in errors[:SHOWN]), *more]))
    return model.decode(data)


def compiled(schema: Json) -> Validator:
    """A validator for somebody else's JSON Schema. Raises ValueError when it is none.

    It opens no file and no connection, whatever `$ref` says, and its patterns take linear time (so no look-around, no back-references),
    and are not large. How long it may take to check a value: see `host.model.weight`.
    """
    try:
        options = jsonschema_rs.RegexOptions(size_limit=PATTERN_BYTES, dfa_size_limit=MATCHING_BYTES)
        return Validator(schema, offline=True, pattern_options=options)
    except jsonschema_rs.ValidationError as error:
        raise ValueError(f"no JSON Schema: {error.message}") from None


@cache
def _manifest_schema() -> tuple[Json, Validator]:
    schema = json.loads(MANIFEST_SCHEMA.read_text(encoding="utf-8"))
    return schema, compiled(schema)


def _schema_errors(data: Json) -> Iterator[str]:
    schema, validator = _manifest_schema()
    for error in validator.iter_errors(data):
        wrong = error.message
        if error.schema_path[-1] in SAID:
            rule = reduce(lambda part, key: part[key], error.schema_path[:-1], schema)
            wrong = f"{error.instance!r} is not what this takes: {rule['description'].rstrip('.')}"
        yield f"{_path(error.instance_path)}: {wrong}"


def _other_errors(data: Mapping[str, Json]) -> Iterator[str]:
    for key, property_name in NAMED.items():
        yield from _repeated(key, [entry[property_name] for entry in data.get(key, [])])
    routes, secrets = data.get("routes", []), data.get("secrets", [])
    purposes = {secret["name"]: secret["purpose"] for secret in secrets}
    yield from _ambiguous(routes)
    for number, route in enumerate(routes):
        yield from _unverifiable(f"$.routes[{number}]", route, purposes)
        yield from _unsigned(f"$.routes[{number}].auth", route["auth"])
        yield from _dedupes(f"$.routes[{number}]", route)
    for number, secret in enumerate(secrets):
        yield from _injection(f"$.secrets[{number}]", secret)
    yield from _schemas(data)


def _repeated(key: str, names: list[str]) -> Iterator[str]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield f"$.{key}[{number}]: {name!r} comes twice"


def _ambiguous(routes: list[Mapping[str, Json]]) -> Iterator[str]:
    """Two routes that would answer the same request, a challenge being a GET."""
    taken: dict[tuple[str, str], str] = {}
    for number, route in enumerate(routes):
        challenge = ["GET"] if "challenge" in route else []
        for method in [*route.get("methods", ["POST"]), *challenge]:
            other = taken.setdefault((method, route["path"]), f"$.routes[{number}]")
            if other != f"$.routes[{number}]":
                yield f"$.routes[{number}]: {method} {route['path']} belongs to {other} already"
        if challenge and "GET" in route.get("methods", []):
            yield f"$.routes[{number}].methods: GET belongs to the challenge"


def _unverifiable(path: str, route: Mapping[str, Json], purposes: Mapping[str, str]) -> Iterator[str]:
    """Signatures and challenges under a secret that is not there for it."""
    for user in ("auth", "challenge"):
        name = route.get(user, {}).get("secret")
        if name is not None and name not in purposes:
            yield f"{path}.{user}.secret: no secret {name!r} is declared"
        elif name is not None and purposes[name] != "verify":
            yield f"{path}.{user}.secret: the purpose of {name!r} is {purposes[name]!r}, not 'verify'"


def _unsigned(path: str, auth: Mapping[str, Json]) -> Iterator[str]:
    """Signatures that could not be checked, or would say nothing."""
    if auth["type"] == "verify":
        signature = convert(auth, model.Verify).signature
        yield from (f"{path}.{name}: {wrong}" for name, wrong in faults(signature))


def _dedupes(path: str, route: Mapping[str, Json]) -> Iterator[str]:
    if "dedupe" in route and route["auth"]["type"] != "verify":
        yield f"{path}.dedupe: only verified routes dedupe, and the auth of this one is {route['auth']['type']!r}"


def _injection(path: str, secret: Mapping[str, Json]) -> Iterator[str]:
    if secret["purpose"] == "inject" and "inject" not in secret:
        yield f"{path}: the purpose 'inject' needs the property 'inject'"
    if secret["purpose"] != "inject" and "inject" in secret:
        yield f"{path}.inject: only for the purpose 'inject', and this one is {secret['purpose']!r}"


def _schemas(data: Mapping[str, Json]) -> Iterator[str]:
    """JSON Schemas inside the manifest that are none."""
    inside = {"$.settings": data.get("settings", {})}
    for number, tool in enumerate(data.get("tools", [])):
        inside |= {f"$.tools[{number}].{key}": tool[key] for key in ("inputSchema", "outputSchema") if key in tool}
    for path, schema in inside.items():
        try:
            if path != "$.settings" or not _refers(schema):
                weigh(schema)
            compiled(schema)
        except ValueError as error:
            yield f"{path}: {error}"
            return
    if _refers(inside["$.settings"]):
        yield "$.settings: has a reference ($ref), which can make checking it take for ever: write out what it means"


def _refers(schema: Json) -> bool:
    """Whether a part of it refers to another: a few lines of that can mean as many steps as one likes."""
    parts: list[Json] = [schema]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            if "$ref" in part or "$dynamicRef" in part:
                return True
            parts += part.values()
        elif isinstance(part, list):
            parts += part
    return False


def _path(parts: Iterable[str | int]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
