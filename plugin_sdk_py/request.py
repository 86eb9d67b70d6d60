"""A request to a route."""

from functools import cached_property

from plugin_sdk_py.errors import Rejected
from plugin_sdk_py.text import Json, parse
from plugin_sdk_py.values import Headers, Pairs, Values

__all__ = ["Request"]


class Request:
    """What came in on a route. Headers, query, parameters and body are converted when they are first asked for.

    `url` is the address as the sender saw it, `path` the part below the plugin's root. `delivery_id` is also the invocation's id in the
    log; `attempt` counts from 1; `received_at` is in milliseconds since 1970; `verified` says that the host has checked the signature
    that the route declares. An author's unit test makes one with `Request("POST", "/webhook", body=...)`.
    """

    def __init__(
        self,
        method: str = "GET",
        path: str = "/",
        *,
        url: str = "",
        parameters: Pairs = (),
        query: Pairs = (),
        headers: Pairs = (),
        body: bytes | str = b"",
        delivery_id: str = "",
        attempt: int = 1,
        received_at: int = 0,
        verified: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.url = url
        self.delivery_id = delivery_id
        self.attempt = attempt
        self.received_at = received_at
        self.verified = verified
        self._parameters = parameters
        self._query = query
        self._headers = headers
        self._body = body

    @cached_property
    def parameters(self) -> dict[str, str]:
        """What `{name}` in the route's path stood for."""
        return dict(self._parameters)

    @cached_property
    def query(self) -> Values:
        return Values(self._query)

    @cached_property
    def headers(self) -> Headers:
        return Headers(self._headers)

    @cached_property
    def body(self) -> bytes:
        """The body, byte for byte."""
        return self._body.encode() if isinstance(self._body, str) else self._body

    @cached_property
    def text(self) -> str:
        """The body as UTF-8. Raises `Rejected` when it is not."""
        try:
            return self._body if isinstance(self._body, str) else self._body.decode()
        except UnicodeDecodeError as error:
            raise Rejected(f"the body is not UTF-8: {error}") from None

    def json(self) -> Json:
        """The body as JSON, parsed at each call. Raises `Rejected` when it is not, or is nested more than 500 levels deep."""
        try:
            return parse(self.text)
        except ValueError as error:
            raise Rejected(f"the body is not JSON: {error}") from None

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"
