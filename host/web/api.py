"""What the endpoints of the operator API have in common."""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, TypeVar

from msgspec import Raw
from msgspec.json import encode
from starlette.requests import Request
from starlette.responses import Response

from host.model.errors import RequestError
from host.runtime.runtime import Runtime
from host.runtime.subject import note
from host.web.authentication import READING, authenticated, authorize
from host.web.errors import NotFound
from stores import organizations
from stores.statement import Connection

T = TypeVar("T")

LIMIT, LARGEST = 50, 200
"""Items of a page: where nothing is said, and at most."""
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""How ids are written; an id is a cursor."""
NUMBER = re.compile(r"[1-9][0-9]{0,2}")
MOMENT = re.compile(r"[0-9]{1,14}")


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def admitted(request: Request) -> tuple[Runtime, str]:
    """The runtime and the organisation in the path, once it is certain that the caller may see it.

    Raises `RequestError`: 401 without a valid token, whatever the path says; 404 for an organisation that is not there, or not the token's.
    """
    runtime, organization = runtime_of(request), request.path_params["organization"]
    authorize(authenticated(runtime, request.headers.getlist("authorization")), organization, READING)
    if organizations.get(runtime.reads, organization) is None:
        raise NotFound
    note(organization=organization)
    return runtime, organization


def admitted_to_all(request: Request) -> Runtime:
    """The runtime, once it is certain that the caller may see all organisations. Raises `RequestError`: 401 as `admitted`, else 403."""
    runtime = runtime_of(request)
    token = authenticated(runtime, request.headers.getlist("authorization"))
    if token.organization is not None:
        raise RequestError(403, "forbidden", "this token is good for one organisation: this takes one that is good for all")
    return runtime


async def read(runtime: Runtime, question: Callable[[Connection], T]) -> T:
    """The answer to what may take long: asked on a connection of its own in a thread, while the event loop serves webhooks."""

    def ask() -> T:
        with closing(runtime.database.read_connection()) as connection:
            return question(connection)

    return await asyncio.to_thread(ask)


def window(request: Request) -> tuple[str | None, int]:
    """The query's `cursor` and `limit`. Raises `RequestError` where they are none."""
    cursor, limit = parameter(request, "cursor"), parameter(request, "limit")
    if cursor is not None and not ID.fullmatch(cursor):
        raise RequestError(400, "invalid", "cursor: not one of this listing's; take it from `next`")
    if limit is not None and not (NUMBER.fullmatch(limit) and int(limit) <= LARGEST):
        raise RequestError(400, "invalid", f"limit: a number from 1 to {LARGEST} is needed")
    return cursor, int(limit or LIMIT)


def parameter(request: Request, name: str) -> str | None:
    """A query parameter, which may come once."""
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise RequestError(400, "invalid", f"{name}: comes more than once")
    return values[0] if values else None


def choice(request: Request, name: str, known: Sequence[str]) -> str | None:
    """A query parameter that takes one of a few words. Raises `RequestError`."""
    value = parameter(request, name)
    if value is not None and value not in known:
        raise RequestError(400, "invalid", f"{name}: one of {', '.join(known)} is needed")
    return value


def moment(request: Request, name: str) -> int | None:
    """A query parameter that is a time in milliseconds since 1970. Raises `RequestError`."""
    value = parameter(request, name)
    if value is not None and not MOMENT.fullmatch(value):
        raise RequestError(400, "invalid", f"{name}: a time in milliseconds since 1970 is needed")
    return None if value is None else int(value)


def identifier(request: Request) -> str:
    """The id in the path. Raises `NotFound` where it can't be any."""
    value: str = request.path_params["id"]
    if not ID.fullmatch(value):
        raise NotFound
    return value


def document(value: Any) -> Response:
    """An answer as JSON, which nobody keeps."""
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(encode(value), media_type="application/json", headers=headers)


def embedded(text: str | None) -> Raw | None:
    """JSON that is kept as text, as JSON."""
    return None if text is None else Raw(text.encode())
