"""Sealing what is sealed under another key: both kinds of secrets, in batches."""

from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, literal, select, tuple_, union_all, update

from stores import epoch
from stores.sealing import Sealer, SealError, key_id_of
from stores.statement import Connection, Statement
from stores.tables import plugin_secrets, secrets


class Place(NamedTuple):
    """Where a secret belongs; a plugin's own has no organisation."""

    organization: str
    plugin: str
    name: str


FIRST = Place("", "", "")
"""Before all of them."""


class Batch(NamedTuple):
    """What became of some secrets: how many were sealed anew, and why others do not open. After `last` it goes on, None at the end."""

    resealed: int
    shut: dict[Place, str]
    last: Place | None


_s, _p = secrets.c, plugin_secrets.c
_every = union_all(
    select(_s.organization, _s.plugin, _s.name, _s.sealed, _s.key_id),
    select(literal("").label("organization"), _p.plugin, _p.name, _p.sealed, _p.key_id),
).subquery()
_e = _every.c
_other = _e.key_id != bindparam("current")
_after = tuple_(_e.organization, _e.plugin, _e.name) > tuple_(
    bindparam("after_organization"), bindparam("after_plugin"), bindparam("after_name")
)
_NEXT = Statement(
    select(_e.organization, _e.plugin, _e.name, _e.sealed)
    .where(_other, _after)
    .order_by(_e.organization, _e.plugin, _e.name)
    .limit(bindparam("count"))
)
_LEFT = Statement(select(func.count()).select_from(_every).where(_other))
_KEYS = Statement(select(_e.key_id).distinct().order_by(_e.key_id))
_new: dict[str, Any] = {"sealed": bindparam("new_sealed"), "key_id": bindparam("new_key_id")}
_OF_INSTALLATION = Statement(
    update(secrets)
    .where(_s.organization == bindparam("organization"), _s.plugin == bindparam("plugin"), _s.name == bindparam("name"))
    .values(_new)
)
_OF_PLUGIN = Statement(
    update(plugin_secrets).where(_p.plugin == bindparam("plugin"), _p.name == bindparam("name")).values(_new)
)  # fmt: skip


def left(connection: Connection, key_id: str) -> int:
    """How many secrets are sealed under another key than this."""
    row = _LEFT.row(connection, current=key_id)
    return int(row[0]) if row else 0


def key_ids(connection: Connection) -> list[str]:
    """The keys that any secret is sealed under."""
    return [str(row[0]) for row in _KEYS.rows(connection)]


def reseal(connection: Connection, sealer: Sealer, after: Place, count: int) -> Batch:
    """Seals the next `count` secrets that are under another key with the sealer's current one. When each was set stays what it was.

    Takes a transaction, which holds off everybody who seals meanwhile: bounded by `count`.
    """
    place = {"after_organization": after.organization, "after_plugin": after.plugin, "after_name": after.name}
    rows = _NEXT.rows(connection, current=sealer.key_id, count=count, **place)
    shut: dict[Place, str] = {}
    for organization, plugin, name, sealed in rows:
        try:
            _replace(connection, Place(organization, plugin, name), sealer, sealed)
        except SealError as error:
            shut[Place(organization, plugin, name)] = error.message
    resealed = len(rows) - len(shut)
    if resealed:
        epoch.bump(connection)
    return Batch(resealed, shut, Place(*rows[-1][:3]) if len(rows) == count else None)


def _replace(connection: Connection, place: Place, sealer: Sealer, sealed: bytes) -> None:
    new = sealer.seal(sealer.unseal(sealed, *place), *place)
    values = {"plugin": place.plugin, "name": place.name, "new_sealed": new, "new_key_id": key_id_of(new)}
    if place.organization:
        _OF_INSTALLATION.run(connection, organization=place.organization, **values)
    else:
        _OF_PLUGIN.run(connection, **values)
