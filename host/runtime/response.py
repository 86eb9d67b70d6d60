"""A guest's response, checked before anything commits: what could not be sent counts as a failure."""

import re
from dataclasses import dataclass

from host.model.errors import Failed, HostError
from host.model.payload import from_payload
from host.model.webhook import Response

NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
BODILESS = (204, 304)
MOST_HEADERS, HEADER_BYTES = 100, 64 * 1024
SHOWN = 100
"""Characters of a wrong header that an error repeats."""


@dataclass(frozen=True)
class CheckedResponse:
    """A response that can be sent. Header names are lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def checked(response: Response) -> CheckedResponse:
    """Raises `Failed` where the status, a header or the body is none (RFC 9110)."""
    if not 200 <= response.status <= 599:
        raise Failed(f"the plugin answered with the status {response.status}; 200 to 599 are possible")
    if len(response.headers) > MOST_HEADERS or sum(len(each.name) + len(each.value) for each in response.headers) > HEADER_BYTES:
        raise Failed(f"the plugin answered with more than {MOST_HEADERS} headers, or more than {HEADER_BYTES} bytes of them")
    for header in response.headers:
        if not NAME.fullmatch(header.name) or not VALUE.fullmatch(header.value):
            raise Failed(f"the plugin answered with a header that can't be sent: {header.name[:SHOWN]!r}: {header.value[:SHOWN]!r}")
    try:
        body = from_payload(response.body)
    except HostError as error:
        raise Failed(f"the plugin answered with a body that can't be sent: {error.message}") from None
    if body and response.status in BODILESS:
        raise Failed(f"the plugin answered with the status {response.status} and a body")
    return CheckedResponse(response.status, [(header.name.lower(), header.value) for header in response.headers], body)
