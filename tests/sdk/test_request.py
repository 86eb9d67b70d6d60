"""Requests as a handler sees them."""

import json
from collections.abc import Iterator
from random import Random

import pytest

from plugin_sdk_py import Rejected, Request


def test_an_author_makes_one_for_a_unit_test() -> None:
    request = Request("POST", "/items/7", query={"a": "1"}, headers={"X-A": "b"}, parameters={"item_id": "7"}, body=b'{"n": 1}')

    assert (request.method, request.path, request.attempt, request.verified) == ("POST", "/items/7", 1, False)
    assert request.parameters == {"item_id": "7"}
    assert request.query["a"] == "1"
    assert request.headers["x-a"] == "b"
    assert request.json() == {"n": 1}


def test_the_body_is_the_same_bytes_whether_it_came_as_text_or_not() -> None:
    assert Request(body="grün").body == "grün".encode() == Request(body="grün".encode()).body
    assert Request(body="grün").text == "grün" == Request(body="grün".encode()).text


def test_a_body_that_is_not_utf_8_is_rejected_as_text_and_kept_as_bytes() -> None:
    request = Request(body=b"\xff\x00")

    assert request.body == b"\xff\x00"
    with pytest.raises(Rejected, match="the body is not UTF-8"):
        request.json()


@pytest.mark.parametrize("body", ["", "{", "[1,]", "{'a': 1}", b"\xff", "nul"])
def test_a_body_that_is_not_json_is_rejected(body: str | bytes) -> None:
    with pytest.raises(Rejected, match="the body is not"):
        Request(body=body).json()


@pytest.mark.parametrize("template", ["[%s]", '{"a": %s}', '[1, {"]": %s}]'])
def test_json_may_be_nested_500_levels_deep(template: str) -> None:
    levels = template.count("[%") + template.count("{") + template.startswith("[1")
    deepest = "0"
    for _ in range(500 // levels):
        deepest = template % deepest

    Request(body=deepest).json()
    with pytest.raises(Rejected, match="nested more than 500 levels deep"):
        Request(body=template % deepest).json()


def test_brackets_in_strings_are_no_levels() -> None:
    values = ["[" * 600, '"' + "{" * 600, "\\" * 3 + "[" * 600]

    assert Request(body=json.dumps(values)).json() == values


def test_a_wide_document_is_not_a_deep_one() -> None:
    random = Random(7)
    wide = [{"a": [[random.random()], "]{"]} for _ in range(2000)]

    assert Request(body=json.dumps(wide)).json() == wide


def test_a_document_that_never_closes_is_rejected() -> None:
    with pytest.raises(Rejected):
        Request(body="[" * 100_000).json()


def test_headers_that_nobody_asks_for_are_not_looked_at() -> None:
    asked: list[str] = []

    def headers() -> Iterator[tuple[str, str]]:
        asked.append("headers")
        yield "a", "b"

    request = Request(headers=headers())

    assert asked == []
    assert request.headers["a"] == request.headers["A"] == "b"
    assert asked == ["headers"]


def test_it_shows_what_was_requested() -> None:
    assert repr(Request("GET", "/a")) == "<Request GET /a>"
