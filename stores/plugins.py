"""Plugins: each component that was ever installed, by name and digest, with its manifest."""

from msgspec import Struct, json
from sqlalchemy import bindparam, delete, exists, insert, select

from host.model.manifest import Manifest, decode
from stores.statement import Connection, Row, Statement
from stores.tables import installations
from stores.tables import plugins as table


class Plugin(Struct, frozen=True):
    """`digest` is the component's SHA-256 in hexadecimal, or that of the manifest where there is no component."""

    name: str
    digest: str
    manifest: Manifest
    created_at: int


_p = table.c
_SELECT = select(_p.name, _p.digest, _p.manifest, _p.created_at)
_ONE = Statement(_SELECT.where(_p.name == bindparam("plugin"), _p.digest == bindparam("digest")))
_ALL = Statement(_SELECT.order_by(_p.name, _p.created_at.desc(), _p.digest))
_INSERT = Statement(insert(table))
_used = exists().where(installations.c.plugin == _p.name, installations.c.digest == _p.digest)
_UNUSED = Statement(select(_p.digest).where(_p.name == bindparam("plugin"), ~_used))
_FORGET = Statement(delete(table).where(_p.name == bindparam("plugin"), _p.digest == bindparam("digest")))


def add(connection: Connection, digest: str, manifest: str, at: int) -> Plugin:
    """Keeps a manifest (valid, JSON as text). One that is known by name and digest stays as it is."""
    decoded = decode_manifest(manifest)
    known = get(connection, decoded.name, digest)
    if known is not None:
        return known
    _INSERT.run(connection, name=decoded.name, digest=digest, version=decoded.version, manifest=manifest, created_at=at)
    return Plugin(decoded.name, digest, decoded, at)


def get(connection: Connection, plugin: str, digest: str) -> Plugin | None:
    row = _ONE.row(connection, plugin=plugin, digest=digest)
    return None if row is None else _plugin(row)


def all(connection: Connection) -> list[Plugin]:
    """In the order of their names, the newest of a name first."""
    return [_plugin(row) for row in _ALL.rows(connection)]


def forget_unused(connection: Connection, plugin: str) -> list[str]:
    """Forgets the versions of a plugin that no organisation has installed. Gives the digests of those."""
    unused = [str(digest) for (digest,) in _UNUSED.rows(connection, plugin=plugin)]
    for digest in unused:
        _FORGET.run(connection, plugin=plugin, digest=digest)
    return unused


def decode_manifest(manifest: str) -> Manifest:
    return decode(json.decode(manifest))


def _plugin(row: Row) -> Plugin:
    name, digest, manifest, created_at = row
    return Plugin(name, digest, decode_manifest(manifest), created_at)
