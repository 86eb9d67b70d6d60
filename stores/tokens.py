"""Bearer tokens of the operator API. Only the SHA-256 of a token's text is kept: it has 256 random bits, which nobody can guess."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from os import urandom

from msgspec import Struct
from sqlalchemy import bindparam, insert, select, update

from host.model.errors import UsageError
from host.model.identifier import new_id
from stores.statement import Connection, Statement, Violation
from stores.tables import tokens as table

PREFIX = "ink_"


class Token(Struct, frozen=True):
    """Good for one organisation, or for all where `organization` is None. Times are milliseconds since 1970."""

    id: str
    name: str
    organization: str | None
    role: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None

    def valid(self, at: int) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


_t = table.c
_SELECT = select(_t.id, _t.name, _t.organization, _t.role, _t.created_at, _t.expires_at, _t.revoked_at)
_BY_HASH = Statement(_SELECT.where(_t.sha256 == bindparam("digest")))
_ALL = Statement(_SELECT.order_by(_t.id))
_INSERT = Statement(insert(table))
_REVOKE = Statement(update(table).where(_t.id == bindparam("token_id"), _t.revoked_at.is_(None)).values(revoked_at=bindparam("at")))


def create(
    connection: Connection, name: str, *, organization: str | None = None, role: str = "operator", at: int, expires_at: int | None = None
) -> str:
    """The token's text, which can't be had again. Raises `UsageError` when there is no such organisation."""
    text = PREFIX + urlsafe_b64encode(urandom(32)).rstrip(b"=").decode()
    try:
        _INSERT.run(
            connection,
            id=new_id(),
            name=name,
            sha256=_digest(text),
            organization=organization,
            role=role,
            created_at=at,
            expires_at=expires_at,
            revoked_at=None,
        )
    except Violation:
        raise UsageError(f"there is no organisation {organization!r}") from None
    return text


def verify(connection: Connection, text: str, at: int) -> Token | None:
    """The token with that text, if it is valid at that time. What the look-up's duration may tell is about the hash, never the text."""
    if not text.startswith(PREFIX):
        return None
    row = _BY_HASH.row(connection, digest=_digest(text))
    token = None if row is None else Token(*row)
    return token if token is not None and token.valid(at) else None


def all(connection: Connection) -> list[Token]:
    """The oldest first; revoked and expired ones too."""
    return [Token(*row) for row in _ALL.rows(connection)]


def revoke(connection: Connection, token_id: str, at: int) -> None:
    """Revoking a revoked one changes nothing. Raises `UsageError` when there is no such token."""
    if not _REVOKE.run(connection, token_id=token_id, at=at) and token_id not in {token.id for token in all(connection)}:
        raise UsageError(f"there is no token with the id {token_id!r}: `innkeeper token list` shows them")


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()
