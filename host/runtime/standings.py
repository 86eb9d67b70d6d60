"""How installed plugins stand, for operators: what runs, what does not and why, what they still wait for."""

from msgspec import Struct

from host.model.installation import Installation
from stores import conditions, installations, policies, secrets
from stores.statement import Connection


class Standing(Struct, frozen=True, kw_only=True):
    """`state` is `disabled`, `breaker-open`, or the installation's status; `reason` says why where that is not `running`.

    `waiting` are capabilities that nobody granted, `missing_secrets` the required ones that are not set.
    """

    organization: str
    plugin: str
    version: str
    digest: str
    state: str
    reason: str | None
    grants: list[str]
    waiting: list[str]
    missing_secrets: list[str]


def standings(connection: Connection, organization: str | None = None) -> list[Standing]:
    """Of one organisation, or of all, in the order of organisations and plugins."""
    return [_standing(connection, found) for found in installations.load_all(connection, None, organization)]


def _standing(connection: Connection, found: Installation) -> Standing:
    state, reason = _state(connection, found)
    present = secrets.names(connection, found.organization, found.plugin)
    return Standing(
        organization=found.organization,
        plugin=found.plugin,
        version=found.manifest.version,
        digest=found.digest,
        state=state,
        reason=reason,
        grants=sorted(found.grants),
        waiting=[wish.name for wish in found.manifest.wishes() if wish.name not in found.grants],
        missing_secrets=[each.name for each in found.manifest.secrets if each.required and each.name not in present],
    )


def _state(connection: Connection, found: Installation) -> tuple[str, str | None]:
    """What an operator decided goes before what happened."""
    condition = conditions.get(connection, found.organization, found.plugin)
    assert condition is not None, "it was read from the same rows"
    if not policies.get(connection, found.plugin).enabled:
        return "disabled", "for all organisations"
    if not found.enabled:
        return "disabled", f"for {found.organization}"
    if found.breaker_open:
        return "breaker-open", condition.reason or "it failed too often"
    return condition.status, condition.reason
