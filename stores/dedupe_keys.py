"""What answered requests whose route names a key, for the same request when it comes again.

A key counts until it expires, at the times that callers give (milliseconds since 1970), and is deleted some time after that.
"""

from msgspec import json
from sqlalchemy import ClauseElement, bindparam, delete, select, tuple_

from host.model.dedupe import Place, RecordedResponse
from host.model.errors import KeyTaken
from stores.statement import INSERTS, Connection, Statement
from stores.tables import dedupe_keys as table

PURGED_PER_CLAIM = 4
"""Expired keys that go with each new one: more than one, so that they get fewer, and few, since somebody waits for the commit."""

_k = table.c
_here = (
    _k.organization == bindparam("organization"),
    _k.plugin == bindparam("plugin"),
    _k.route == bindparam("route"),
    _k.key == bindparam("key"),
)
_FIND = Statement(
    select(_k.body_sha256, _k.delivery_id, _k.status, _k.headers, _k.body).where(*_here, _k.expires_at > bindparam("at")),
)


def _claim(dialect: str) -> ClauseElement:
    insert = INSERTS[dialect](table)
    keys = [column.name for column in table.primary_key.columns]
    claim: ClauseElement = insert.on_conflict_do_update(
        index_elements=keys,
        set_={column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys},
        where=_k.expires_at <= bindparam("at"),
    )
    return claim


_CLAIM = Statement(_claim)
_primary = tuple_(*table.primary_key.columns)
_PURGE = Statement(
    delete(table).where(
        _primary.in_(
            select(*table.primary_key.columns).where(_k.expires_at <= bindparam("at")).order_by(_k.expires_at).limit(bindparam("limit"))
        )
    )
)


def find(connection: Connection, place: Place, at: int) -> RecordedResponse | None:
    """What answered the request with that key, unless it has expired."""
    row = _FIND.row(connection, organization=place.organization, plugin=place.plugin, route=place.route, key=place.key, at=at)
    if row is None:
        return None
    body_sha256, delivery_id, status, headers, body = row
    return RecordedResponse(body_sha256, delivery_id, status, json.decode(headers, type=list[tuple[str, str]]), body)


def claim(connection: Connection, place: Place, response: RecordedResponse, at: int, expires_at: int) -> None:
    """Keeps a response under a key that is free or expired, and deletes a few other expired ones. Raises `KeyTaken` when it is neither."""
    changed = _CLAIM.run(
        connection,
        organization=place.organization,
        plugin=place.plugin,
        route=place.route,
        key=place.key,
        body_sha256=response.body_sha256,
        delivery_id=response.delivery_id,
        status=response.status,
        headers=json.encode(response.headers).decode(),
        body=response.body,
        expires_at=expires_at,
        at=at,
    )
    if not changed:
        raise KeyTaken
    purge(connection, at, PURGED_PER_CLAIM)


def purge(connection: Connection, at: int, limit: int) -> int:
    """Deletes at most `limit` expired keys of whomever, those first that expired first; gives how many it were."""
    return _PURGE.run(connection, at=at, limit=limit)
