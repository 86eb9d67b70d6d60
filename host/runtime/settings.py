"""An organisation's settings of a plugin: what was given, completed with the manifest's defaults, checked against its schema."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import MsgspecError
from msgspec.json import decode, encode

from host.model.checker import Checker
from host.model.errors import UsageError
from host.model.manifest import Manifest

MOST_DESCRIBED = 50_000
"""As of tools' arguments, but a person waits for the words: some 60 settings, each with a description and a default."""
SHOWN = 5
"""How many settings that are wrong a message names; the others are counted."""


def from_text(manifest: Manifest, given: Mapping[str, str]) -> dict[str, Any]:
    """Values as they were typed: text where the schema wants text, JSON everywhere else. Raises `UsageError`."""
    check_names(manifest, given)
    properties = manifest.settings.get("properties", {})
    return {name: _value(manifest, name, text, properties[name]) for name, text in given.items()}


def check_names(manifest: Manifest, names: Iterable[str]) -> None:
    """Raises `UsageError` where one is no setting of the plugin."""
    properties = manifest.settings.get("properties", {})
    if unknown := sorted(set(names) - properties.keys()):
        known = ", ".join(sorted(properties)) or "it has none"
        raise UsageError(f"{manifest.name} has no setting {', '.join(unknown)}; its settings: {known}")


def defaults(manifest: Manifest) -> dict[str, Any]:
    """The values that the manifest gives to what nobody set."""
    properties = manifest.settings.get("properties", {})
    return {name: schema["default"] for name, schema in properties.items() if isinstance(schema, dict) and "default" in schema}


def complete(manifest: Manifest, given: Mapping[str, Any]) -> str:
    """The settings as guests see them: a JSON object as text. Raises `UsageError`, which names the first that are missing or wrong.

    That takes no longer than half a second, whatever schema and defaults the author wrote: a host that serves may be waiting.
    """
    settings = defaults(manifest) | dict(given)
    text = encode(settings).decode()
    if wrong := Checker(manifest.settings, MOST_DESCRIBED).faults(settings, text):
        more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        listed = "; ".join([*(each.removeprefix("$.").removeprefix("$: ") for each in wrong[:SHOWN]), *more])
        raise UsageError(f"the settings of {manifest.name} are not valid: {listed}; give them with --set NAME=VALUE")
    return text


def _value(manifest: Manifest, name: str, text: str, schema: Any) -> Any:
    if isinstance(schema, dict) and schema.get("type", "string") == "string":
        return text
    try:
        return decode(text)
    except MsgspecError:
        kind = f" of the type {schema['type']}" if isinstance(schema, dict) and isinstance(schema.get("type"), str) else ""
        raise UsageError(f"the setting {name} of {manifest.name} takes JSON{kind}, and {text[:100]!r} is none") from None
