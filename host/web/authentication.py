"""Bearer tokens (RFC 6750): who asks, and for which organisation."""

import time

from host.model.errors import RequestError
from host.runtime.runtime import Runtime
from host.web.errors import NotFound, Refusal
from stores import tokens
from stores.tokens import Token

ACTING = ("operator",)
"""The roles that may do everything within their organisation."""
READING = ("operator", "reader")
"""Those that may read everything in it."""


def authenticated(runtime: Runtime, credentials: list[str]) -> Token:
    """The token in the values of the header Authorization. Raises `Refusal` with 401 for anything but one valid token."""
    scheme, _, text = credentials[0].partition(" ") if len(credentials) == 1 else ("", "", "")
    token = tokens.verify(runtime.reads, text.strip(), time.time_ns() // 1_000_000) if scheme.lower() == "bearer" else None
    if token is None:
        raise Refusal(401, "unauthenticated", "a valid bearer token is needed", headers=(("www-authenticate", 'Bearer realm="innkeeper"'),))
    return token


def authorize(token: Token, organization: str, roles: tuple[str, ...]) -> None:
    """Raises `NotFound` where the token is another organisation's, as if there were none of that name; 403 where its role is not enough."""
    if token.organization not in (None, organization):
        raise NotFound
    if token.role not in roles:
        raise RequestError(403, "forbidden", f"the role {token.role!r} may not do this; {' and '.join(roles)} may")
