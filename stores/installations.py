"""Installations: which component of a plugin an organisation has, and what it may."""

from collections.abc import Iterable
from typing import Any

from msgspec import MsgspecError, json, structs
from sqlalchemy import and_, bindparam, select

from host.model.errors import UsageError
from host.model.installation import Installation, Secrets
from host.model.limits import Limits
from host.model.manifest import Manifest
from stores import epoch, secrets
from stores.plugins import decode_manifest
from stores.sealing import Sealer
from stores.statement import Connection, Row, Statement, Violation, insert_or_update
from stores.tables import installations as table
from stores.tables import plugins

_i = table.c
_SELECT = (
    select(_i.organization, _i.plugin, _i.digest, plugins.c.manifest, _i.settings, _i.grants, _i.limits, _i.enabled)
    .select_from(table.join(plugins, and_(plugins.c.name == _i.plugin, plugins.c.digest == _i.digest)))
    .order_by(_i.organization, _i.plugin)
)
_ONE = Statement(_SELECT.where(_i.organization == bindparam("organization"), _i.plugin == bindparam("plugin")))
_OF_ORGANIZATION = Statement(_SELECT.where(_i.organization == bindparam("organization")))
_ALL = Statement(_SELECT)
_UPSERT = insert_or_update(table, ["digest", "settings", "grants", "limits", "enabled", "updated_at"])
_DEFAULTS = structs.asdict(Limits())


def upsert(
    connection: Connection,
    organization: str,
    plugin: str,
    *,
    digest: str,
    settings: str = "{}",
    grants: Iterable[str] = (),
    limits: Limits | None = None,
    enabled: bool = True,
    at: int,
) -> None:
    """Makes the installation, or replaces all of it but its secrets. `settings` is a JSON object as text, without the manifest's defaults.

    Raises `UsageError` when there is no such organisation, no such plugin with that digest, or `settings` is no object.
    """
    _members(settings)
    try:
        _UPSERT.run(
            connection,
            organization=organization,
            plugin=plugin,
            digest=digest,
            settings=settings,
            grants=json.encode(sorted(set(grants))).decode(),
            limits=json.encode(_overrides(limits or Limits())).decode(),
            enabled=int(enabled),
            created_at=at,
            updated_at=at,
        )
    except Violation:
        raise UsageError(f"there is no organisation {organization!r}, or no plugin {plugin!r} with the digest {digest}") from None
    epoch.bump(connection)


def load(connection: Connection, sealer: Sealer | None, organization: str, plugin: str) -> Installation | None:
    """Everything about it, its secrets unsealed; without a sealer it has none. Raises what `Sealer.unseal` raises."""
    row = _ONE.row(connection, organization=organization, plugin=plugin)
    return None if row is None else _installation(connection, sealer, row)


def load_all(connection: Connection, sealer: Sealer | None, organization: str | None = None) -> list[Installation]:
    """Those of one organisation, or of all, in the order of organisations and plugins; without a sealer without their secrets."""
    rows = _ALL.rows(connection) if organization is None else _OF_ORGANIZATION.rows(connection, organization=organization)
    return [_installation(connection, sealer, row) for row in rows]


def _installation(connection: Connection, sealer: Sealer | None, row: Row) -> Installation:
    organization, plugin, digest, described, settings, grants, limits, enabled = row
    manifest = decode_manifest(described)
    return Installation(
        organization=organization,
        plugin=plugin,
        digest=digest,
        manifest=manifest,
        settings=_complete(manifest, settings),
        grants=frozenset(json.decode(grants)),
        secrets=secrets.load_all(connection, sealer, organization, plugin) if sealer else Secrets({}),
        limits=json.decode(limits, type=Limits),
        enabled=bool(enabled),
    )


def _complete(manifest: Manifest, settings: str) -> str:
    """The settings with the defaults that the manifest's schema has for what is missing."""
    properties = manifest.settings.get("properties", {})
    defaults = {name: schema["default"] for name, schema in properties.items() if isinstance(schema, dict) and "default" in schema}
    return json.encode(defaults | _members(settings)).decode()


def _members(settings: str) -> dict[str, Any]:
    try:
        return json.decode(settings, type=dict[str, Any])
    except (MsgspecError, UnicodeEncodeError) as error:
        raise UsageError(f"settings: not a JSON object: {error}") from None


def _overrides(limits: Limits) -> dict[str, Any]:
    """Only what differs from the defaults, so that a default that changes later reaches every installation that never chose."""
    return {name: value for name, value in structs.asdict(limits).items() if value != _DEFAULTS[name]}
