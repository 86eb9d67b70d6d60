"""Installations: which component of a plugin an organisation has, and what it may."""

from collections.abc import Iterable
from typing import Any

from msgspec import MsgspecError, Struct, json
from sqlalchemy import and_, bindparam, delete, func, select, update

from host.model.errors import UsageError
from host.model.installation import Installation, Secrets
from host.model.limits import Overrides, effective
from host.model.manifest import Manifest
from stores import epoch, plugin_secrets, secrets
from stores.plugins import decode_manifest
from stores.sealing import Sealer
from stores.statement import Connection, Row, Statement, Violation, insert_or_update
from stores.tables import installations as table
from stores.tables import plugin_policies, plugins


class Chosen(Struct, frozen=True):
    """What an organisation's operator chose: `settings`, a JSON object as text without the manifest's defaults, and `limits` by field."""

    settings: str
    limits: Overrides
    enabled: bool


_i, _p = table.c, plugin_policies.c
_ENABLED = _i.enabled * func.coalesce(_p.enabled, 1)
_described = table.join(plugins, and_(plugins.c.name == _i.plugin, plugins.c.digest == _i.digest))
_SELECT = (
    select(
        _i.organization,
        _i.plugin,
        _i.digest,
        plugins.c.manifest,
        _i.settings,
        _i.grants,
        func.coalesce(_p.limits, "{}"),
        _i.limits,
        _ENABLED,
        _i.breaker_opened_at,
    )
    .select_from(_described.outerjoin(plugin_policies, _p.plugin == _i.plugin))
    .order_by(_i.organization, _i.plugin)
)
_ONE = Statement(_SELECT.where(_i.organization == bindparam("organization"), _i.plugin == bindparam("plugin")))
_OF_ORGANIZATION = Statement(_SELECT.where(_i.organization == bindparam("organization")))
_ALL = Statement(_SELECT)
_DIGESTS = Statement(
    select(_i.digest, _i.plugin)
    .distinct()
    .select_from(table.outerjoin(plugin_policies, _p.plugin == _i.plugin))
    .where(_ENABLED == 1)
    .order_by(_i.plugin, _i.digest)
)
_OF_PLUGIN = Statement(_SELECT.where(_i.plugin == bindparam("plugin")))
_UPSERT = insert_or_update(table, ["digest", "settings", "grants", "updated_at"])
_here = (_i.organization == bindparam("organization"), _i.plugin == bindparam("plugin"))
_CHOSEN = Statement(select(_i.settings, _i.limits, _i.enabled).where(*_here))
_CHOOSE = Statement(
    update(table)
    .where(*_here)
    .values(
        settings=bindparam("new_settings"), limits=bindparam("new_limits"), enabled=bindparam("new_enabled"), updated_at=bindparam("at")
    )
)
_SET_GRANTS = Statement(update(table).where(*_here).values(grants=bindparam("new_grants"), updated_at=bindparam("at")))
_REMOVE = Statement(delete(table).where(*_here))


def upsert(
    connection: Connection, organization: str, plugin: str, *, digest: str, settings: str = "{}", grants: Iterable[str] = (), at: int
) -> None:
    """Makes the installation, enabled and running; or replaces digest, settings and grants of one that is there.

    `settings` is a JSON object as text, without the manifest's defaults. Raises `UsageError` when there is no such organisation, no such
    plugin with that digest, or `settings` is no object.
    """
    _members(settings)
    try:
        _UPSERT.run(
            connection,
            organization=organization,
            plugin=plugin,
            digest=digest,
            settings=settings,
            grants=_listed(grants),
            limits="{}",
            enabled=1,
            created_at=at,
            updated_at=at,
            status="running",
            status_reason=None,
            status_at=at,
            initialized=None,
            breaker_opened_at=None,
        )
    except Violation:
        raise UsageError(f"there is no organisation {organization!r}, or no plugin {plugin!r} with the digest {digest}") from None
    epoch.bump(connection)


def chosen(connection: Connection, organization: str, plugin: str) -> Chosen | None:
    """None where it is not installed."""
    row = _CHOSEN.row(connection, organization=organization, plugin=plugin)
    return None if row is None else Chosen(row[0], json.decode(row[1], type=Overrides), bool(row[2]))


def choose(connection: Connection, organization: str, plugin: str, choice: Chosen, at: int) -> None:
    """Replaces what was chosen. Raises `UsageError` when it is not installed, or the settings are no object."""
    _members(choice.settings)
    changed = _CHOOSE.run(
        connection,
        organization=organization,
        plugin=plugin,
        new_settings=choice.settings,
        new_limits=json.encode(choice.limits).decode(),
        new_enabled=int(choice.enabled),
        at=at,
    )
    _require(changed, organization, plugin)
    epoch.bump(connection)


def set_grants(connection: Connection, organization: str, plugin: str, grants: Iterable[str], at: int) -> None:
    """Replaces the grants. Raises `UsageError` when it is not installed."""
    changed = _SET_GRANTS.run(connection, organization=organization, plugin=plugin, new_grants=_listed(grants), at=at)
    _require(changed, organization, plugin)
    epoch.bump(connection)


def remove(connection: Connection, organization: str, plugin: str) -> None:
    """Removes the installation and its secrets. What it stored stays. Raises `UsageError` when it is not installed."""
    _require(_REMOVE.run(connection, organization=organization, plugin=plugin), organization, plugin)
    epoch.bump(connection)


def load(connection: Connection, sealer: Sealer | None, organization: str, plugin: str) -> Installation | None:
    """Everything about it, its secrets unsealed, those that open; without a sealer it has none."""
    row = _ONE.row(connection, organization=organization, plugin=plugin)
    return None if row is None else _installation(connection, sealer, row)


def load_all(connection: Connection, sealer: Sealer | None, organization: str | None = None) -> list[Installation]:
    """Those of one organisation, or of all, in the order of organisations and plugins; without a sealer without their secrets."""
    rows = _ALL.rows(connection) if organization is None else _OF_ORGANIZATION.rows(connection, organization=organization)
    return [_installation(connection, sealer, row) for row in rows]


def digests(connection: Connection) -> dict[str, str]:
    """The components of all enabled installations, each with the name of its plugin. Reads no manifest: it is asked after each change."""
    return {row[0]: row[1] for row in _DIGESTS.rows(connection)}


def load_of_plugin(connection: Connection, plugin: str) -> list[Installation]:
    """Those of one plugin, in the order of organisations, without their secrets."""
    return [_installation(connection, None, row) for row in _OF_PLUGIN.rows(connection, plugin=plugin)]


def _installation(connection: Connection, sealer: Sealer | None, row: Row) -> Installation:
    organization, plugin, digest, described, settings, grants, policy, limits, enabled, breaker_opened_at = row
    manifest = decode_manifest(described)
    return Installation(
        organization=organization,
        plugin=plugin,
        digest=digest,
        manifest=manifest,
        settings=_complete(manifest, settings),
        grants=frozenset(json.decode(grants)),
        secrets=secrets.load_all(connection, sealer, organization, plugin) if sealer else Secrets({}),
        own_secrets=plugin_secrets.load_all(connection, sealer, plugin) if sealer else Secrets({}),
        limits=effective(json.decode(policy, type=Overrides), json.decode(limits, type=Overrides)),
        enabled=bool(enabled),
        breaker_open=breaker_opened_at is not None,
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


def _listed(grants: Iterable[str]) -> str:
    return json.encode(sorted(set(grants))).decode()


def _require(changed: int, organization: str, plugin: str) -> None:
    if not changed:
        raise UsageError(f"{plugin} is not installed in organisation {organization!r}")
