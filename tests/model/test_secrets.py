"""Unsealed secrets: used by name, and shown by nothing."""

import copy
import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from host.model.installation import Installation, Secrets
from host.model.limits import Limits
from host.model.manifest import Manifest

VALUE = "correct horse battery"


def installation() -> Installation:
    manifest = Manifest(name="p", version="1.0.0", description="")
    found = Installation(
        organization="acme", plugin="p", digest="", manifest=manifest, settings="{}", grants=frozenset(),
        secrets=Secrets({"key": VALUE}), own_secrets=Secrets({"own": VALUE}), limits=Limits(),
    )  # fmt: skip
    assert found.masks
    return found


@pytest.mark.promise("secrets.not-shown")
@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda each: repr(msgspec.structs.asdict(each)), lambda each: repr(vars(each))])
def test_an_installation_shows_names_and_no_value(show: Callable[[Installation], str]) -> None:
    assert VALUE not in show(installation())
    assert repr(Secrets({"b": VALUE, "a": VALUE}, {"c": "why"})) == "<Secrets [a, b]>"


@pytest.mark.promise("secrets.not-shown")
@pytest.mark.parametrize(
    "encode",
    [pickle.dumps, copy.deepcopy, copy.copy, msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins, json.dumps],
)
@pytest.mark.parametrize("what", [lambda: Secrets({"key": VALUE}), lambda: installation().masks, lambda: [Secrets({"key": VALUE})]])
def test_secrets_go_into_no_encoding_and_no_copy(encode: Callable[[Any], Any], what: Callable[[], Any]) -> None:
    if encode is copy.copy and isinstance(what(), list):
        return
    with pytest.raises(TypeError) as refused:
        encode(what())

    assert VALUE not in str(refused.value)


@pytest.mark.promise("secrets.not-shown")
@pytest.mark.parametrize("encode", [pickle.dumps, msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins])
def test_an_installation_goes_into_no_encoding(encode: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        encode(installation())


@pytest.mark.promise("secrets.not-shown")
@pytest.mark.parametrize(
    "fail",
    [
        lambda secrets: secrets["other"],
        lambda secrets: secrets.items()["key"],
        lambda secrets: secrets + secrets,
        lambda secrets: setattr(secrets, "other", 1),
        pickle.dumps,
        msgspec.json.encode,
    ],
)
def test_no_traceback_shows_a_value_also_not_one_with_local_variables(fail: Callable[[Any], Any]) -> None:
    secrets, told = Secrets({"key": VALUE}), ""
    try:
        fail(secrets)
    except Exception as error:  # boundary: whatever it is, it is looked at
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert "Secrets [key]" in told
    assert VALUE not in told


def test_views_show_no_value_either() -> None:
    secrets = Secrets({"key": VALUE})

    assert not any(VALUE in repr(view) for view in (secrets.items(), secrets.values(), secrets.keys()))
    assert secrets == Secrets({"key": VALUE})
    assert secrets != Secrets({"key": "other"})
