"""An organisation's settings against the schema of a plugin's author, who may mean harm."""

from typing import Any

import pytest

from host.model.errors import InvalidManifest, UsageError
from host.model.manifest import Manifest
from host.model.schema import validate
from host.runtime import settings


def manifest(properties: dict[str, Any], **more: Any) -> Manifest:
    schema = {"type": "object", "properties": properties, **more}
    return validate({"name": "probe", "version": "1.0.0", "description": "Probes", "settings": schema})


def test_settings_are_completed_with_the_defaults() -> None:
    assert settings.complete(manifest({"a": {"default": 1}, "b": {}}), {"b": 2}) == '{"a":1,"b":2}'


def test_the_first_that_are_wrong_are_named_and_the_others_counted() -> None:
    plugin = manifest({f"s{number}": {"type": "string"} for number in range(8)})

    with pytest.raises(UsageError) as wrong:
        settings.complete(plugin, {f"s{number}": number for number in range(8)})
    assert wrong.value.message.count('is not of type "string"') == settings.SHOWN
    assert "not valid: s0: 0 is not" in wrong.value.message
    assert "; and 3 more; give them" in wrong.value.message


def test_one_that_is_missing_is_named() -> None:
    with pytest.raises(UsageError, match='not valid: "a" is a required property; give'):
        settings.complete(manifest({"a": {}}, required=["a"]), {})


def test_a_schema_and_defaults_that_are_long_to_check_are_refused_without_words() -> None:
    alternatives = [{"const": number} for number in range(1000)]
    plugin = manifest({"a": {"items": {"anyOf": alternatives}, "default": ["x"] * 1000}})

    with pytest.raises(UsageError, match="too large to say where"):
        settings.complete(plugin, {})


def test_a_schema_of_too_many_parts_is_no_manifest_s() -> None:
    with pytest.raises(InvalidManifest, match=r"\$\.settings: has \d+ parts"):
        manifest({"a": {"enum": list(range(100_001))}})
