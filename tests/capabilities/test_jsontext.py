import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.capabilities import jsontext
from host.model.errors import HostError

documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@given(documents)
def test_what_is_kept_is_the_same_document_in_one_form(document: object) -> None:
    kept = jsontext.value("value", json.dumps(document, indent=1))

    assert json.loads(kept) == document
    assert jsontext.value("value", kept) == kept


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("1 2", "not JSON"),
        ("'a'", "not JSON"),
        ("01", "not JSON"),
        ("\u0661", "not JSON"),
        ("\ufeff1", "not JSON"),
        ('"\n"', "not JSON"),
        ("NaN", "not JSON"),
        ("[-Infinity]", "not JSON"),
        ("1e400", "out of range"),
        ("18446744073709551616", "beyond 64 bits"),
        ("-9223372036854775809", "beyond 64 bits"),
        ("9" * 100_000, "out of range"),
        ('{"a":1,"a":1}', "a key twice"),
        ('[{"b":{"a":1,"\\u0061":1}}]', "a key twice"),
        ('"\\ud800"', "not JSON"),
        ('{"\\udc00":1}', "not JSON"),
        ('"\ud800"', "not UTF-8"),
        ("[" * 101 + "]" * 101, "deeper than 100"),
        ("[" * 200_000, "deeper than 100"),
        ('{"a":' * 40_000, "deeper than 100"),
        ('"' + "x" * (256 * 1024 - 1) + '"', "bytes"),
        ("[" + ",".join(["1e15"] * 40_000) + "]", "bytes"),
    ],
)
def test_what_can_not_be_kept_is_invalid(text: str, reason: str) -> None:
    with pytest.raises(HostError) as error:
        jsontext.value("value", text)

    assert error.value.code == "invalid"
    assert error.value.message.startswith("value: ")
    assert reason in error.value.message


@pytest.mark.parametrize(
    "text",
    ['"' + "x" * (256 * 1024 - 2) + '"', "[" * 100 + "]" * 100, "[" + "[]," * 5000 + "[]]", "18446744073709551615", "-9223372036854775808"],
)
def test_what_is_just_within_the_limits_is_kept(text: str) -> None:
    assert jsontext.value("value", text) == text


def test_brackets_in_strings_are_not_depth() -> None:
    assert jsontext.value("value", '"' + "[" * 1000 + '\\"[["') == '"' + "[" * 1000 + '\\"[["'


@pytest.mark.parametrize("text", ["[]", "1", "null", '"{}"'])
def test_an_object_is_nothing_else(text: str) -> None:
    with pytest.raises(HostError) as error:
        jsontext.object_text("metadata", text)

    assert error.value.message == "metadata: not a JSON object"
