"""What an order to install makes of what is there: looked at before anything is run or written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct
from msgspec.json import decode, encode

from host.model.effects import Effect, SourceRegistered
from host.model.errors import UsageError
from host.model.installation import Installation, Secrets
from host.model.limits import effective
from host.model.manifest import Manifest
from host.model.source import Source
from host.runtime import settings
from host.runtime.configuration import Configuration
from host.runtime.rehearsal import Step
from stores import conditions, epoch, installations, organizations, policies, sources
from stores.statement import Connection
from stores.transaction import snapshot


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


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An installation as it would be, beside the one that is there `before`, and the config epoch at which that was so.

    `chosen` are its settings without the manifest's defaults, a JSON object as text. `initialized`: its `lifecycle.initialize` has
    succeeded.
    """

    installation: Installation
    before: Installation | None
    chosen: str
    initialized: bool
    creates_organization: bool
    epoch: int

    @property
    def is_upgrade(self) -> bool:
        """Another version is there, which goes on where this one fails."""
        return self.before is not None and self.before.digest != self.installation.digest

    def steps(self) -> list[Step]:
        """What it is asked before it is installed. A disabled one is asked nothing."""
        if not self.installation.enabled:
            return []
        steps = [Step("initialize"), Step("start")] if not self.initialized else [Step("start")]
        if self.installation.settings != "{}" and (self.before is None or self.before.settings != self.installation.settings):
            steps = [Step("validate-auth", self.installation.settings), *steps]
        return [step for step in steps if step.function in self.installation.manifest.lifecycle]

    def effects(self) -> list[Effect]:
        """What comes with the manifest: the channel's source."""
        channel = self.installation.manifest.channel
        if channel is None:
            return []
        return [SourceRegistered(Source(channel.source, channel.name, channel.description, channel.icon, None))]


def check(manifest: Manifest, order: Order) -> dict[str, Any]:
    """The settings that are given. Raises `UsageError` where the order names what the manifest does not have, or it can't be served yet."""
    _refuse_unsupported(manifest)
    _check_names(manifest, order)
    return settings.from_text(manifest, order.settings)


def check_first(manifest: Manifest, order: Order) -> None:
    """What would fail in a data directory that does not exist yet, so that none is made. Raises `UsageError`."""
    given = check(manifest, order)
    if not order.create_organization:
        raise _no_organization(order)
    organizations.check_id(order.organization)
    settings.complete(manifest, given)


def candidate(connection: Connection, configuration: Configuration, digest: str, manifest: Manifest, order: Order) -> Candidate:
    """Raises `UsageError` where that can't be."""
    given = check(manifest, order)
    with snapshot(connection):
        creates = _creates_organization(connection, order)
        before = configuration.stored(order.organization, manifest.name)
        _check_source(connection, order.organization, manifest)
        chosen = _kept_settings(connection, order.organization, manifest) | given
        condition = conditions.get(connection, order.organization, manifest.name)
        return Candidate(
            installation=_installation(connection, before, digest, manifest, order, chosen),
            before=before,
            chosen=encode(chosen).decode(),
            initialized=condition is not None and condition.initialized == digest,
            creates_organization=creates,
            epoch=epoch.read(connection),
        )


def _installation(
    connection: Connection, before: Installation | None, digest: str, manifest: Manifest, order: Order, chosen: Mapping[str, Any]
) -> Installation:
    policy = policies.get(connection, manifest.name)
    return Installation(
        organization=order.organization,
        plugin=manifest.name,
        digest=digest,
        manifest=manifest,
        settings=settings.complete(manifest, chosen),
        grants=frozenset(_grants(before, manifest, order)),
        secrets=Secrets({**(before.secrets if before else {}), **order.secrets}),
        limits=before.limits if before else effective(policy.limits),
        enabled=before.enabled if before else policy.enabled,
    )


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


def _creates_organization(connection: Connection, order: Order) -> bool:
    if organizations.get(connection, order.organization) is not None:
        return False
    if not order.create_organization:
        raise _no_organization(order)
    organizations.check_id(order.organization)
    return True


def _no_organization(order: Order) -> UsageError:
    return UsageError(f"there is no organisation {order.organization!r}: --create-org makes it, `innkeeper orgs list` has the others")


def _check_source(connection: Connection, organization: str, manifest: Manifest) -> None:
    if manifest.channel is None:
        return
    owner = sources.source_owner(connection, organization, manifest.channel.source)
    if owner not in (None, manifest.name):
        raise UsageError(f"the source {manifest.channel.source!r} of {manifest.name} belongs to the plugin {owner} in {organization!r}")


def _kept_settings(connection: Connection, organization: str, manifest: Manifest) -> dict[str, Any]:
    """What was chosen earlier, as far as the manifest still has it."""
    chosen = installations.chosen(connection, organization, manifest.name)
    properties = manifest.settings.get("properties", {})
    return {name: value for name, value in decode(chosen.settings if chosen else "{}").items() if name in properties}


def _grants(before: Installation | None, manifest: Manifest, order: Order) -> set[str]:
    """Earlier grants stay; new wishes wait for consent unless this order gives it."""
    wishes = {wish.name for wish in manifest.wishes()}
    kept = set(before.grants) & wishes if before else set()
    return kept | (wishes if order.grant_all else set(order.grants))
