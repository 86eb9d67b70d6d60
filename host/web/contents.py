"""Media types of bodies that a route takes."""

from host.model.manifest import Route
from host.web.errors import Refusal

WITHOUT_BODY = ("GET", "HEAD", "DELETE", "OPTIONS")
"""Methods that mostly come without a body: they need not say what is in it, and an empty one need not be JSON."""


def check_content_type(route: Route, method: str, values: list[str]) -> None:
    """Raises `Refusal` with 415 where the values of the header Content-Type are not one of the route's media types.

    Parameters, such as a charset, don't count.
    """
    if not route.content_types or (not values and method in WITHOUT_BODY):
        return
    given = values[0].partition(";")[0].strip(" \t").lower() if len(values) == 1 else ""
    if not any(_covers(wanted, given) for wanted in route.content_types):
        takes = ", ".join(route.content_types)
        what = f"a body of one of these media types: {takes}" if len(route.content_types) > 1 else f"a body of the media type {takes}"
        raise Refusal(415, "content-type.unsupported", f"this path takes {what}, said once in Content-Type", headers=(("accept", takes),))


def _covers(wanted: str, given: str) -> bool:
    """`image/*` covers all of `image`, and a type that is none is covered by nothing."""
    main, slash, sub = given.partition("/")
    return given == wanted or (wanted == f"{main}/*" and bool(slash and sub) and not set(sub) & set("*/, \t"))
