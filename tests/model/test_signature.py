"""Declarations of signatures: what they may say, and what would say nothing."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.model.errors import InvalidManifest
from host.model.schema import validate
from host.model.signature import SCHEMES, Part, faults, parts

TIMED = {"timestamp": {"header": "x-time"}, "signed": "{timestamp}.{body}"}


def error_of(**auth: Any) -> str:
    route = {"name": "a", "path": "/a", "auth": {"type": "verify", "secret": "key", **auth}}
    with pytest.raises(InvalidManifest) as caught:
        validate(
            {"name": "a", "version": "1.0.0", "description": "a", "routes": [route], "secrets": [{"name": "key", "purpose": "verify"}]}
        )
    return caught.value.message


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_provider_s_scheme_has_no_faults(scheme: str) -> None:
    assert list(faults(SCHEMES[scheme])) == []


@pytest.mark.parametrize(
    ("auth", "path", "wrong"),
    [
        ({}, "$.routes[0].auth", '"header" is a required property'),
        ({"scheme": "hmac"}, "$.routes[0].auth", '"header" is a required property'),
        ({"scheme": "paypal"}, "$.routes[0].auth.scheme", '"paypal" is not one of'),
        ({"scheme": "stripe", "header": "x-sig"}, "$.routes[0].auth", '"header" is not one of'),
        ({"scheme": "slack", "timestamp": {"header": "a"}}, "$.routes[0].auth", '"timestamp" is not one of'),
        ({"header": "a", "encoding": "base32"}, "$.routes[0].auth.encoding", '"base32" is not one of'),
        ({"header": "a", "separator": "="}, "$.routes[0].auth.separator", '"=" is not one of'),
        ({"header": "a", "key": "hex"}, "$.routes[0].auth.key", '"hex" is not one of'),
        ({"header": "a", "timestamp": {}}, "$.routes[0].auth.timestamp", '"header" is a required property'),
        ({"header": "a", **TIMED, "timestamp": {"header": "b", "unit": "us"}}, "$.routes[0].auth.timestamp.unit", '"us" is not one of'),
        (
            {"header": "a", **TIMED, "timestamp": {"header": "b", "tolerance_s": 0}},
            "$.routes[0].auth.timestamp.tolerance_s",
            "minimum of 1",
        ),
        ({"header": "a", **TIMED, "timestamp": {"header": "b", "tolerance_s": 86401}}, "$.routes[0].auth.timestamp.tolerance_s", "maximum"),
        ({"header": "a", "signed": "{url}"}, "$.routes[0].auth.signed", "must have {body} in it, once"),
        ({"header": "a", "signed": "{body}{body}"}, "$.routes[0].auth.signed", "must have {body} in it, once"),
        ({"header": "a", "signed": ""}, "$.routes[0].auth.signed", "must have {body} in it, once"),
        (
            {"header": "a", "signed": "{body}{id}"},
            "$.routes[0].auth.signed",
            "does not know {id}, but {body}, {timestamp}, {method}, {url}",
        ),
        ({"header": "a", "signed": "{body}{}"}, "$.routes[0].auth.signed", "does not know {}"),
        ({"header": "a", "signed": "{body}{header:}"}, "$.routes[0].auth.signed", "does not know {header:}"),
        ({"header": "a", "signed": "{body}{header:a b}"}, "$.routes[0].auth.signed", "does not know {header:a b}"),
        ({"header": "a", "signed": "{body"}, "$.routes[0].auth.signed", "a brace without its other half"),
        ({"header": "a", "signed": "{{body}}"}, "$.routes[0].auth.signed", "a brace without its other half"),
        ({"header": "a", "signed": "{timestamp}.{body}"}, "$.routes[0].auth.signed", "no timestamp is declared"),
        ({"header": "a", "timestamp": {"header": "b"}}, "$.routes[0].auth.signed", "anybody can change a timestamp that is not signed"),
        ({"header": "a", "separator": ",", "prefix": "v1,"}, "$.routes[0].auth.prefix", "has the separator ',' in it"),
        ({"header": "a", **TIMED, "timestamp": {"header": "A", "prefix": "t="}}, "$.routes[0].auth.timestamp", "this needs a separator"),
        (
            {"header": "a", "separator": ",", **TIMED, "timestamp": {"header": "a", "prefix": "t="}},
            "$.routes[0].auth.timestamp",
            "both need prefixes that tell them apart",
        ),
        (
            {"header": "a", "separator": ",", "prefix": "v=", **TIMED, "timestamp": {"header": "a"}},
            "$.routes[0].auth.timestamp",
            "both need prefixes that tell them apart",
        ),
        (
            {"header": "a", "separator": ",", "prefix": "t", **TIMED, "timestamp": {"header": "a", "prefix": "t="}},
            "$.routes[0].auth.timestamp",
            "both need prefixes that tell them apart",
        ),
    ],
)
def test_what_could_not_be_checked_is_refused_with_its_place(auth: dict[str, Any], path: str, wrong: str) -> None:
    place, _, message = error_of(**auth).partition(": ")

    assert place == path
    assert wrong in message


def test_a_template_is_texts_and_variables() -> None:
    assert parts("v0:{timestamp}{header:X-Id}\n{body}") == (
        Part("v0:"), Part("", "timestamp"), Part("x-id", "header"), Part("\n"), Part("", "body"),
    )  # fmt: skip


@given(st.text(alphabet="{}body:header-urltimsp x", max_size=40) | st.text())
def test_every_template_is_refused_or_has_the_body_in_it(template: str) -> None:
    with suppress(ValueError):
        assert [part.variable for part in parts(template)].count("body") == 1
