"""What a plugin may answer: anything that can be sent."""

import pytest

from host.model.case import Case
from host.model.errors import Failed
from host.model.webhook import Header, Response
from host.runtime.response import HEADER_BYTES, MOST_HEADERS, checked

NOTHING = Case("text", "")


def test_header_names_go_out_in_lower_case() -> None:
    response = checked(Response(200, [Header("X-Trace", "a b")], Case("text", "ok")))
    assert (response.headers, response.body) == ([("x-trace", "a b")], b"ok")


@pytest.mark.parametrize(
    "response",
    [
        Response(199, [], NOTHING),
        Response(600, [], NOTHING),
        Response(200, [Header("a b", "")], NOTHING),
        Response(200, [Header("a", "b\r\nc: d")], NOTHING),
        Response(200, [Header("a", "b")] * (MOST_HEADERS + 1), NOTHING),
        Response(200, [Header("a", "b" * HEADER_BYTES)], NOTHING),
        Response(200, [], Case("base64", "no base64!")),
        Response(204, [], Case("text", "a body")),
    ],
)
def test_what_can_not_be_sent_is_the_plugins_failure(response: Response) -> None:
    with pytest.raises(Failed) as failure:
        checked(response)
    assert len(failure.value.message) < 500
