"""Installing: a component that is what it says becomes an organisation's plugin, all of it or nothing."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.json import decode, encode

from host.model.errors import Conflict, UsageError
from host.model.installation import Installation, Secrets
from host.model.manifest import Manifest, Wish
from host.model.source import Source
from host.runtime import settings
from host.runtime.components import Components
from host.runtime.data import DataDirectory
from host.runtime.describe import Description, describe
from host.runtime.runtime import open_stores
from host.sandbox.cache import Cache, digest
from stores import epoch, installations, organizations, plugins, secrets, sources
from stores.sealing import Sealer
from stores.statement import Connection

Progress = Callable[[str], None]


class Order(Struct, frozen=True, kw_only=True):
    """What an operator asks for. Settings and secrets are as typed; what is not given stays as it was."""

    organization: str
    create_organization: bool = False
    grants: list[str] = []
    grant_all: bool = False
    settings: dict[str, str] = {}
    secrets: Mapping[str, str] = Secrets({})

    def __repr__(self) -> str:
        """Without the values of secrets."""
        return f"<Order for {self.organization} [secrets: {', '.join(sorted(self.secrets)) or 'none'}]>"


class Installed(Struct, frozen=True, kw_only=True):
    """What came of it: `waiting` are wishes without a grant, `missing_secrets` the required ones that are not set."""

    organization: str
    plugin: str
    version: str
    digest: str
    grants: list[str]
    waiting: list[Wish]
    missing_secrets: list[str]
    created_organization: bool


async def install(data: DataDirectory, cache: Cache, wasm: bytes, order: Order, progress: Progress) -> Installed:
    """Compiles, describes, checks, stores. Works beside a running server, which sees it at its next request.

    Raises `ComponentError` or `UsageError`; then nothing was stored.
    """
    description = await inspect(cache, wasm, progress)
    manifest = description.manifest
    _refuse_unsupported(manifest)
    _check_names(manifest, order)
    given = settings.from_text(manifest, order.settings)
    if not data.database.exists():
        _check_first(manifest, order, given)
    progress(f"installing {manifest.name} {manifest.version} for {order.organization}")
    database, sealer = open_stores(data)
    with Components(data.components, cache).written(wasm) as put_in_place, database.transaction() as connection:
        created = _organization(connection, order)
        installed = _write(connection, sealer, description, digest(wasm), order, given, created)
        put_in_place()
    return installed


async def inspect(cache: Cache, wasm: bytes, progress: Progress) -> Description:
    """What a component is, asked of itself in an instance that can do nothing. Raises `ComponentError`."""
    known = digest(wasm)
    if not cache.has(known):
        progress("compiling the component (once per version)")
    return await describe(await cache.artefact(known, lambda: wasm))


def _refuse_unsupported(manifest: Manifest) -> None:
    queued = [route.name for route in manifest.routes if route.mode == "queued"]
    if queued:
        raise UsageError(f"{manifest.name} has queued routes ({', '.join(queued)}), which this version of the host can't serve yet")


def _check_names(manifest: Manifest, order: Order) -> None:
    wishes = [wish.name for wish in manifest.wishes()]
    if unknown := sorted(set(order.grants) - set(wishes)):
        asked = ", ".join(wishes) or "nothing"
        raise UsageError(f"{manifest.name} does not ask for {', '.join(unknown)}, so it can't be granted; it asks for: {asked}")
    names = [secret.name for secret in manifest.secrets]
    if unknown := sorted(order.secrets.keys() - set(names)):
        raise UsageError(f"{manifest.name} has no secret {', '.join(unknown)}; its secrets: {', '.join(names) or 'it has none'}")


def _organization(connection: Connection, order: Order) -> bool:
    """Whether it had to be made."""
    if organizations.get(connection, order.organization) is not None:
        return False
    if not order.create_organization:
        raise _no_organization(order)
    organizations.create(connection, order.organization, _now())
    return True


def _check_first(manifest: Manifest, order: Order, given: Mapping[str, Any]) -> None:
    """What would fail in a data directory that does not exist yet, so that none is made."""
    if not order.create_organization:
        raise _no_organization(order)
    settings.complete(manifest, given)


def _no_organization(order: Order) -> UsageError:
    return UsageError(f"there is no organisation {order.organization!r}: make it with --create-org")


def _write(
    connection: Connection, sealer: Sealer, description: Description, digest: str, order: Order, given: Mapping[str, Any], created: bool
) -> Installed:
    manifest = description.manifest
    before = installations.load(connection, None, order.organization, manifest.name)
    kept = _kept_settings(before, manifest) | dict(given)
    settings.complete(manifest, kept)
    grants = _grants(before, manifest, order)
    plugins.add(connection, digest, description.document, _now())
    installations.upsert(
        connection, order.organization, manifest.name, digest=digest, settings=encode(kept).decode(), grants=grants, at=_now(),
    )  # fmt: skip
    for name, value in order.secrets.items():
        secrets.set(connection, sealer, order.organization, manifest.name, name, value, _now())
    _register_channel(connection, order.organization, manifest)
    epoch.bump(connection)
    present = secrets.names(connection, order.organization, manifest.name)
    return Installed(
        organization=order.organization, plugin=manifest.name, version=manifest.version, digest=digest, grants=sorted(grants),
        waiting=[wish for wish in manifest.wishes() if wish.name not in grants],
        missing_secrets=[secret.name for secret in manifest.secrets if secret.required and secret.name not in present],
        created_organization=created,
    )  # fmt: skip


def _kept_settings(before: Installation | None, manifest: Manifest) -> dict[str, Any]:
    """Earlier settings that the manifest still has. What was only a default stays one, so that a new version can change it."""
    if before is None:
        return {}
    defaults = settings.defaults(before.manifest)
    properties = manifest.settings.get("properties", {})
    chosen = {name: value for name, value in decode(before.settings).items() if name not in defaults or value != defaults[name]}
    return {name: value for name, value in chosen.items() if name in properties}


def _grants(before: Installation | None, manifest: Manifest, order: Order) -> set[str]:
    """Earlier grants stay; new wishes wait for consent unless this order gives it."""
    wishes = {wish.name for wish in manifest.wishes()}
    kept = set(before.grants) & wishes if before else set()
    return kept | (wishes if order.grant_all else set(order.grants))


def _register_channel(connection: Connection, organization: str, manifest: Manifest) -> None:
    channel = manifest.channel
    if channel is None:
        return
    try:
        sources.register(
            connection, organization, manifest.name, Source(channel.source, channel.name, channel.description, channel.icon, None)
        )
    except Conflict:
        owner = sources.source_owner(connection, organization, channel.source)
        raise UsageError(f"the source {channel.source!r} of {manifest.name} belongs to the plugin {owner} in {organization!r}") from None


def _now() -> int:
    return time.time_ns() // 1_000_000
