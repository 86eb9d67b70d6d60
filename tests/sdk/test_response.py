"""What a handler answers with."""

import pytest

from plugin_sdk_py import Response
from plugin_sdk_py.response import to_response


def test_json_is_compact_utf_8_with_its_content_type() -> None:
    response = Response.json({"grün": [1, None]}, status=201)

    assert response.body == '{"grün":[1,null]}'.encode()
    assert response.status == 201
    assert response.headers.pairs() == [("content-type", "application/json")]


def test_a_content_type_of_the_author_stays() -> None:
    response = Response.json({}, headers={"Content-Type": "application/problem+json", "x-a": "b"})

    assert response.headers.pairs() == [("content-type", "application/problem+json"), ("x-a", "b")]


def test_text_is_plain_text() -> None:
    response = Response.text("grün")

    assert response.body == "grün".encode()
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_bytes_go_out_as_they_are() -> None:
    assert Response(b"\xff\x00").body == b"\xff\x00"


@pytest.mark.parametrize("status", [199, 600, 0, -1, "200", None])
def test_a_status_is_a_number_from_200_to_599(status: object) -> None:
    with pytest.raises(ValueError, match="a status is a number from 200 to 599"):
        Response(status=status)  # type: ignore[arg-type]


def test_a_body_that_is_neither_text_nor_bytes_is_refused_with_advice() -> None:
    with pytest.raises(TypeError, match=r"not dict; Response\.json\(\.\.\.\) takes any JSON value"):
        Response({"a": 1})  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "wrong"), [(float("nan"), ValueError), ({1, 2}, TypeError)])
def test_what_json_does_not_have_is_refused(value: object, wrong: type[Exception]) -> None:
    with pytest.raises(wrong, match=r"^Response\.json: "):
        Response.json(value)


def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    assert Response.json("a\ud83d b").body == '"a\ufffd b"'.encode()


def test_a_handler_may_answer_with_a_dict_or_with_nothing() -> None:
    assert to_response({"a": 1}).body == b'{"a":1}'
    assert (to_response(None).status, to_response(None).body) == (204, b"")
    response = Response.text("x")
    assert to_response(response) is response


@pytest.mark.parametrize("answer", ["text", 5, [1], ({}, 200)])
def test_a_handler_may_answer_with_nothing_else(answer: object) -> None:
    with pytest.raises(TypeError, match="a handler answers with a Response, a dict or None"):
        to_response(answer)
