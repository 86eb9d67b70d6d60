"""Headers and queries."""

import pytest

from plugin_sdk_py import Headers, Values


def test_a_header_is_found_in_any_case() -> None:
    headers = Headers({"Content-Type": "text/plain"})

    assert headers["content-TYPE"] == "text/plain"
    assert "CONTENT-type" in headers
    assert headers.get("accept") is None


def test_the_first_of_several_values_is_the_one_and_all_can_be_had() -> None:
    headers = Headers([("X-Forwarded-For", "first"), ("accept", "*/*"), ("x-forwarded-for", "second")])

    assert headers["x-forwarded-for"] == "first"
    assert headers.get_all("X-Forwarded-For") == ["first", "second"]
    assert headers.pairs() == [("x-forwarded-for", "first"), ("accept", "*/*"), ("x-forwarded-for", "second")]
    assert list(headers) == ["x-forwarded-for", "accept"]
    assert len(headers) == 2


def test_a_query_tells_upper_from_lower_case() -> None:
    query = Values([("a", "1"), ("A", "2")])

    assert dict(query) == {"a": "1", "A": "2"}
    with pytest.raises(KeyError):
        query["b"]


def test_they_show_what_they_hold() -> None:
    assert repr(Headers({"A": "b"})) == "Headers([('a', 'b')])"
