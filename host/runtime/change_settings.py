"""An organisation's settings of a plugin: shown, and changed once the plugin agrees."""

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct
from msgspec.json import decode, encode
from msgspec.structs import replace

from host.model.errors import Conflict, UsageError
from host.model.installation import Installation
from host.runtime import asking, settings
from host.runtime.lifecycle import now_ms, reason_of, words_of
from host.runtime.runtime import Runtime
from stores import installations
from stores.installations import Chosen
from stores.statement import Connection

ATTEMPTS = 10
"""How often what others change in the very moment is followed."""


class SettingsRefused(UsageError):
    """The plugin does not agree to the settings: they stay as they were."""

    code = "settings.refused"


class Setting(Struct, frozen=True, kw_only=True):
    """One setting: `value` is what the plugin sees, None where there is none. `chosen` by an operator; else the manifest's default."""

    name: str
    value: Any
    chosen: bool
    required: bool
    type: str
    description: str


class Changed(Struct, frozen=True, kw_only=True):
    """The settings afterwards. `changed`: they were others before. `asked`: the plugin agreed to them, since it checks them.

    `reason` is what `lifecycle.settings-changed` said where it failed, which undoes nothing.
    """

    organization: str
    plugin: str
    changed: bool
    asked: bool
    reason: str | None
    settings: list[Setting]


def settings_of(connection: Connection, organization: str, plugin: str) -> list[Setting]:
    """In the manifest's order. Raises `UsageError` where it is not installed."""
    installation, chosen = _installed(connection, organization, plugin)
    values, of_operator = decode(installation.settings), decode(chosen.settings)
    required = installation.manifest.settings.get("required", [])
    return [
        Setting(
            name=name,
            value=values.get(name),
            chosen=name in of_operator,
            required=name in required,
            type=str(schema.get("type", "any")) if isinstance(schema, dict) else "any",
            description=str(schema.get("description", "")) if isinstance(schema, dict) else "",
        )
        for name, schema in installation.manifest.settings.get("properties", {}).items()
    ]


async def change_settings(
    runtime: Runtime, organization: str, plugin: str, given: Mapping[str, str], unset: Collection[str] = ()
) -> Changed:
    """Sets values, as they were typed, and takes back what was chosen: checked by the manifest's schema, then by the plugin, then stored.

    A plugin that is disabled is not asked. Raises `UsageError` (`SettingsRefused` where the plugin is why); then nothing was stored but the
    record of the call.
    """
    for _ in range(ATTEMPTS):
        installation, before = _installed(runtime.reads, organization, plugin)
        wanted = _wanted(installation, before, given, unset)
        if wanted == decode(before.settings):
            return _changed(runtime.reads, organization, plugin, changed=False)
        asked = await _agreed(runtime, installation, settings.complete(installation.manifest, wanted))
        try:
            await runtime.writer.commit(_storing(installation, before, encode(wanted).decode()))
        except Conflict:
            continue
        error = await asking.ask(runtime, organization, plugin, "settings-changed")
        reason = reason_of("settings-changed", error) if error else None
        return _changed(runtime.reads, organization, plugin, changed=True, asked=asked, reason=reason)
    raise UsageError(f"others changed the settings of {plugin} in {organization!r} too, {ATTEMPTS} times: try again")


def _installed(connection: Connection, organization: str, plugin: str) -> tuple[Installation, Chosen]:
    chosen = installations.chosen(connection, organization, plugin)
    installation = installations.load(connection, None, organization, plugin)
    if chosen is None or installation is None:
        raise UsageError(f"{plugin} is not installed in organisation {organization!r}")
    return installation, chosen


def _wanted(installation: Installation, before: Chosen, given: Mapping[str, str], unset: Collection[str]) -> dict[str, Any]:
    manifest = installation.manifest
    settings.check_names(manifest, [*given, *unset])
    if both := sorted(given.keys() & set(unset)):
        raise UsageError(f"{', '.join(both)}: set it or unset it, not both")
    kept = {name: value for name, value in decode(before.settings).items() if name not in unset}
    return kept | settings.from_text(manifest, given)


async def _agreed(runtime: Runtime, installation: Installation, proposed: str) -> bool:
    """Whether the plugin was asked, and agreed. Raises `SettingsRefused` where it did not."""
    organization, plugin = installation.organization, installation.plugin
    if not installation.enabled or "validate-auth" not in installation.manifest.lifecycle:
        return False
    error = await asking.ask(runtime, organization, plugin, "validate-auth", proposed)
    if error is None:
        return True
    if error.code == "rejected":
        raise SettingsRefused(f"{plugin} rejects these settings for {organization}: {words_of(error)}")
    failed = reason_of("validate-auth", error)
    raise SettingsRefused(f"{plugin} could not tell whether these settings are right for {organization}: {failed}")


def _storing(installation: Installation, before: Chosen, wanted: str) -> Any:
    """The job that stores them. It raises `Conflict` where somebody else changed what they were made for."""
    organization, plugin = installation.organization, installation.plugin

    def job(connection: Connection) -> None:
        now, chosen = _installed(connection, organization, plugin)
        if now.digest != installation.digest or chosen.settings != before.settings:
            raise Conflict(f"the settings of {plugin} have changed")
        installations.choose(connection, organization, plugin, replace(chosen, settings=wanted), now_ms())

    return job


def _changed(
    connection: Connection, organization: str, plugin: str, *, changed: bool, asked: bool = False, reason: str | None = None
) -> Changed:
    found = settings_of(connection, organization, plugin)
    return Changed(organization=organization, plugin=plugin, changed=changed, asked=asked, reason=reason, settings=found)
