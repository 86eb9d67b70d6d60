"""Media types of bodies that a route takes."""

import re

from host.model.manifest import Route
from host.web.errors import Refusal

MEDIA_TYPE = re.compile(r"[ \t]*(([a-z0-9!#$&^_.+-]+)/[a-z0-9!#$&^_.+-]+)[ \t]*(;|\Z)", re.ASCII)
"""A media type in lower case, and where its parameters begin (RFC 9110, 8.3.1)."""
WITHOUT_BODY = ("GET", "HEAD", "DELETE", "OPTIONS")
"""Methods that mostly come without a body: they need not say what is in it, and an empty one need not be JSON."""


def check_content_type(route: Route, method: str, values: list[str]) -> None:
    """Raises `Refusal` with 415 where the values of the header Content-Type are not one of the route's media types.

    Parameters, such as a charset, don't count.
    """
    if not route.content_types or (not values and method in WITHOUT_BODY):
        return
    given = MEDIA_TYPE.match(values[0].lower()) if len(values) == 1 else None
    if given is None or not {given[1], f"{given[2]}/*"} & set(route.content_types):
        takes = ", ".join(route.content_types)
        message = f"this path takes bodies of {takes}, which the header Content-Type must say once"
        raise Refusal(415, "content-type.unsupported", message, headers=(("accept", takes),))
