"""What a route answers."""

from typing import TypeAlias

from plugin_sdk_py.text import Json, dump
from plugin_sdk_py.values import Headers, Pairs

__all__ = ["Answer", "Response", "to_response"]


class Response:
    """An answer. A status from 200 to 399 keeps what the handler did through the host, 400 to 599 drops it all.

    Text goes out as UTF-8. Raises ValueError for a status out of that range, TypeError for a body that is neither text nor bytes.
    """

    def __init__(self, body: str | bytes = b"", *, status: int = 200, headers: Pairs = ()) -> None:
        if not isinstance(body, (str, bytes)):
            raise TypeError(f"Response: a body is text or bytes, not {type(body).__name__}; Response.json(...) takes any JSON value")
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise ValueError(f"Response: a status is a number from 200 to 599, not {status!r}")
        self.status = status
        self.headers = Headers(headers)
        self.content = body

    @classmethod
    def json(cls, value: Json, *, status: int = 200, headers: Pairs = ()) -> "Response":
        """`value` as JSON."""
        return cls(dump(value, "Response.json"), status=status, headers=_typed("application/json", headers))

    @classmethod
    def text(cls, value: str, *, status: int = 200, headers: Pairs = ()) -> "Response":
        """Plain text."""
        return cls(value, status=status, headers=_typed("text/plain; charset=utf-8", headers))

    @property
    def body(self) -> bytes:
        return self.content.encode() if isinstance(self.content, str) else self.content

    def __repr__(self) -> str:
        return f"<Response {self.status} [{len(self.content)}]>"


Answer: TypeAlias = Response | dict[str, Json] | None


def to_response(answer: object) -> Response:
    """A handler's answer: a Response as it is, a dict as JSON, None as 204. Raises TypeError for anything else."""
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, dict):
        return Response.json(answer)
    if answer is None:
        return Response(status=204)
    raise TypeError(f"a handler answers with a Response, a dict or None, not {type(answer).__name__}")


def _typed(content_type: str, headers: Pairs) -> Pairs:
    given = Headers(headers)
    return given.pairs() if "content-type" in given else [("content-type", content_type), *given.pairs()]
