"""Limits as operators see and choose them: for a plugin as a whole, or for one organisation's copy of it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Literal, TypeAlias

from msgspec import Struct, structs

from host.model.errors import UsageError
from host.model.limits import LIMITS, Overrides, effective, tag
from host.runtime.components import Components
from host.runtime.needs import STEPS, require
from stores import installations, organizations, plugins, policies
from stores.database import Database
from stores.statement import Connection

Origin: TypeAlias = Literal["default", "plugin", "organisation"]


class Change(Struct, frozen=True, kw_only=True):
    """What an operator asks for, by field: values, and those that are to be what they were before anybody chose. Without an organisation it
    is for the plugin as a whole, and holds wherever an organisation has no choice of its own."""

    plugin: str
    organization: str | None = None
    values: Overrides = {}
    reset: frozenset[str] = frozenset()

    def onto(self, chosen: Overrides) -> Overrides:
        return {name: value for name, value in chosen.items() if name not in self.reset} | self.values


class Shown(Struct, frozen=True):
    """A limit that holds, and whose choice it is."""

    value: int
    origin: Origin


class Layers(Struct, frozen=True):
    """What was chosen for the plugin, and for its installations by organisation, each with its component's digest."""

    plugin: Overrides
    installed: dict[str, tuple[Overrides, str]]


def show(connection: Connection, plugin: str, organization: str | None) -> dict[str, Shown]:
    """Every limit by field. Raises `UsageError` where there is no such plugin or organisation, or it is not installed there."""
    layers = _layers(connection, plugin, organization)
    own = layers.installed[organization][0] if organization else {}
    values = asdict(effective(layers.plugin, own))
    return {name: Shown(value, _origin(name, layers.plugin, own)) for name, value in values.items()}


async def change(database: Database, components: Components, wanted: Change, progress: Callable[[str], None]) -> None:
    """Chooses. A running server's next call is under it.

    Raises `UsageError` where there is no such installation, a value is out of its bounds, or a component could not start with it; then
    nothing was changed.
    """
    for name, value in wanted.values.items():
        _check_bounds(name, value)
    with database.transaction() as connection:
        layers = _layers(connection, wanted.plugin, wanted.organization)
    await _check_needs(components, wanted, layers, progress)
    with database.transaction() as connection:
        _layers(connection, wanted.plugin, wanted.organization)
        _write(connection, wanted)


def _write(connection: Connection, wanted: Change) -> None:
    now = time.time_ns() // 1_000_000
    if wanted.organization is None:
        policy = policies.get(connection, wanted.plugin)
        return policies.change(connection, wanted.plugin, structs.replace(policy, limits=wanted.onto(policy.limits)), now)
    chosen = installations.chosen(connection, wanted.organization, wanted.plugin)
    assert chosen is not None, "its layers have been read"
    chosen = structs.replace(chosen, limits=wanted.onto(chosen.limits))
    installations.choose(connection, wanted.organization, wanted.plugin, chosen, now)


def _layers(connection: Connection, plugin: str, organization: str | None) -> Layers:
    installed = {}
    for each in installations.load_of_plugin(connection, plugin):
        chosen = installations.chosen(connection, each.organization, plugin)
        assert chosen is not None, "it was loaded"
        if organization in (None, each.organization):
            installed[each.organization] = (chosen.limits, each.digest)
    _require(connection, plugin, organization, installed)
    return Layers(policies.get(connection, plugin).limits, installed)


def _require(connection: Connection, plugin: str, organization: str | None, installed: Iterable[str]) -> None:
    known = sorted({each.name for each in plugins.all(connection)})
    if plugin not in known:
        raise UsageError(f"there is no plugin {plugin!r}; the plugins are: {', '.join(known) or 'none, install one first'}")
    if organization is not None and organization not in installed:
        if organizations.get(connection, organization) is None:
            raise UsageError(f"there is no organisation {organization!r}: `innkeeper orgs list` shows those that there are")
        raise UsageError(f"{plugin} is not installed in organisation {organization!r}: `innkeeper plugins` shows where it is")


def _origin(name: str, plugin: Overrides, organization: Overrides) -> Origin:
    return "organisation" if name in organization else "plugin" if name in plugin else "default"


def _check_bounds(name: str, value: int) -> None:
    limit = LIMITS[name]
    if not limit.least <= value <= limit.most:
        unit = f" {limit.unit}" if limit.unit else ""
        raise UsageError(f"the limit {tag(name)} takes {limit.least:,} to {limit.most:,}{unit}, not {value:,}")


async def _check_needs(components: Components, wanted: Change, layers: Layers, progress: Callable[[str], None]) -> None:
    for name in STEPS:
        for digest, value in sorted(_to_try(name, wanted, layers)):
            if not components.is_quick(digest):
                progress("compiling the component (once per version)")
            await require(wanted.plugin, await components.artefact(digest), name, value)


def _to_try(name: str, wanted: Change, layers: Layers) -> set[tuple[str, int]]:
    """Components, and the values that they would have. A plugin's value fits also those that have one of their own by now."""
    if name not in wanted.values and name not in wanted.reset:
        return set()
    if wanted.organization is None:
        value = getattr(effective(wanted.onto(layers.plugin)), name)
        return {(digest, value) for _, digest in layers.installed.values()}
    return {(digest, getattr(effective(layers.plugin, wanted.onto(own)), name)) for own, digest in layers.installed.values()}
