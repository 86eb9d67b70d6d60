"""What another version of a plugin changes, for the operator who installs it."""

from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct

from host.model.installation import Installation
from host.model.manifest import Manifest, Route

T = TypeVar("T")


class Changes(Struct, frozen=True):
    """Names that came and went."""

    new: list[str]
    gone: list[str]


class RouteChange(Struct, frozen=True):
    """A route that is found elsewhere, takes other methods, or is open to others than before."""

    name: str
    before: Route
    after: Route


class Difference(Struct, frozen=True, kw_only=True):
    """To the version before, `version` with its `digest`. `required_settings` are those that were not required, or not there."""

    version: str
    digest: str
    capabilities: Changes
    routes: Changes
    changed_routes: list[RouteChange]
    settings: Changes
    required_settings: list[str]
    secrets: Changes


def difference(before: Installation, after: Manifest) -> Difference:
    was = before.manifest
    return Difference(
        version=was.version,
        digest=before.digest,
        capabilities=_changes((wish.name for wish in was.wishes()), (wish.name for wish in after.wishes())),
        routes=_changes((route.name for route in was.routes), (route.name for route in after.routes)),
        changed_routes=_changed_routes(was, after),
        settings=_changes(was.settings.get("properties", {}), after.settings.get("properties", {})),
        required_settings=_changes(was.settings.get("required", []), after.settings.get("required", [])).new,
        secrets=_changes((secret.name for secret in was.secrets), (secret.name for secret in after.secrets)),
    )


def _changes(before: Iterable[str], after: Iterable[str]) -> Changes:
    was, now = set(before), set(after)
    return Changes(sorted(now - was), sorted(was - now))


def _changed_routes(before: Manifest, after: Manifest) -> list[RouteChange]:
    pairs = [(was, now) for now in after.routes if (was := before.route(now.name)) is not None]
    return [RouteChange(now.name, was, now) for was, now in pairs if _reach(was) != _reach(now)]


def _reach(route: Route) -> tuple[object, ...]:
    return route.path, sorted(route.methods), route.auth, route.challenge
