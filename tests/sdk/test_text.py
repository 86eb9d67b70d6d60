"""What is checked before it goes to the host, where it would be a trap."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_sdk_py.text import dump, dump_object, optional, parse, text, whole

ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@given(ANY_TEXT)
def test_text_always_becomes_utf_8_and_stays_as_it_is_where_it_can(value: str) -> None:
    result = text(value, "name")

    result.encode()
    if not any("\ud800" <= character <= "\udfff" for character in value):
        assert result == value


@given(st.recursive(st.none() | st.booleans() | st.integers() | ANY_TEXT, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner)))
def test_json_always_becomes_utf_8_that_parses(value: object) -> None:
    json.loads(dump(value, "value").encode())


@given(st.recursive(st.none() | st.floats(allow_nan=False) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_from_anybody_is_parsed_to_what_it_says(value: object) -> None:
    assert parse(json.dumps(value)) == value


@given(st.text('[]{}"\\,:1 ', max_size=60))
def test_what_is_no_json_is_refused_and_nothing_else_happens(value: str) -> None:
    try:
        expected = json.loads(value)
    except ValueError:
        with pytest.raises(ValueError, match=r"\S"):
            parse(value)
    else:
        assert parse(value) == expected


def test_an_argument_of_another_type_is_named() -> None:
    with pytest.raises(TypeError, match="sender: text is needed, not int"):
        text(5, "sender")
    with pytest.raises(TypeError, match="metadata: a mapping is needed, not str"):
        dump_object("{}", "metadata")  # type: ignore[arg-type]
    assert optional(None, "sender") is None


@pytest.mark.parametrize(("value", "wrong"), [(-1, ValueError), (2**32, ValueError), ("1", TypeError), (1.0, TypeError), (True, TypeError)])
def test_a_number_has_its_size(value: object, wrong: type[Exception]) -> None:
    with pytest.raises(wrong, match=r"^limit: "):
        whole(value, "limit", 32)
    assert whole(2**32 - 1, "limit", 32) == 2**32 - 1
