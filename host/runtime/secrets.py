"""Secrets as operators see them: what a plugin declares and what is set of it, of an organisation's installation or the plugin's own."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct
from msgspec.json import decode, encode

from host.model.errors import UsageError
from host.model.installation import Installation, Secrets
from host.model.manifest import Secret
from host.model.masks import Masks
from stores import installations, plugin_secrets, rotation, secrets
from stores.sealing import Sealer
from stores.secrets import Stored
from stores.statement import Connection


class Owner(Struct, frozen=True):
    """Whose secrets: an organisation's installation, or without one the plugin itself."""

    plugin: str
    organization: str | None = None

    def __str__(self) -> str:
        return f"{self.plugin} in organisation {self.organization!r}" if self.organization else f"{self.plugin} itself"


class Known(Struct, frozen=True, kw_only=True):
    """All that is told of a secret. `purpose` is None where the manifest does not declare it any more.

    `unreadable` is one that does not open, and is as if it were missing; `reason` says why. `set_at` is in milliseconds since 1970.
    """

    name: str
    purpose: str | None
    required: bool
    description: str
    state: Literal["set", "missing", "unreadable"]
    reason: str | None
    set_at: int | None
    key_id: str | None


def listed(connection: Connection, sealer: Sealer, owner: Owner) -> list[Known]:
    """Those that are declared in the manifest's order, then those that are only set. Raises `UsageError` when it is not installed."""
    declared = _declared(connection, owner)
    stored = {each.name: each for each in _stored(connection, owner)}
    shut = _load(connection, sealer, owner).shut
    names = [*declared, *(name for name in stored if name not in declared)]
    return [_known(name, declared.get(name), stored.get(name), shut.get(name)) for name in names]


def check_declared(connection: Connection, owner: Owner, name: str) -> None:
    """Raises `UsageError` when it is not declared for this use. What was typed is not repeated: it may be the value."""
    declared = _declared(connection, owner)
    if name not in declared:
        raise _undeclared(owner, declared)


def set_secret(connection: Connection, sealer: Sealer, owner: Owner, name: str, value: str, at: int) -> list[str]:
    """Sets it; gives what is worth knowing beyond that it worked. Raises `UsageError` when it is not declared for this use."""
    check_declared(connection, owner, name)
    if owner.organization is None:
        plugin_secrets.set(connection, sealer, owner.plugin, name, value, at)
    else:
        secrets.set(connection, sealer, owner.organization, owner.plugin, name, value, at)
    return [*_in_settings(connection, owner, name, value), *_under_other_keys(connection, sealer)]


def remove_secret(connection: Connection, owner: Owner, name: str) -> None:
    """Also one that the manifest does not declare any more. Raises `UsageError` when it is not set."""
    _declared(connection, owner)
    if name not in {each.name for each in _stored(connection, owner)}:
        raise UsageError(f"no such secret of {owner} is set; `innkeeper secrets list` shows them")
    if owner.organization is None:
        plugin_secrets.remove(connection, owner.plugin, name)
    else:
        secrets.remove(connection, owner.organization, owner.plugin, name)


def _declared(connection: Connection, owner: Owner) -> dict[str, Secret]:
    """By name. A plugin's own can only verify: for everything else a guest would have to use it."""
    found = [secret for installed in _installed(connection, owner) for secret in installed.manifest.secrets]
    if owner.organization is None:
        found = [secret for secret in found if secret.purpose == "verify"]
    return {secret.name: secret for secret in found}


def _installed(connection: Connection, owner: Owner) -> list[Installation]:
    if owner.organization is None:
        found = installations.load_of_plugin(connection, owner.plugin)
        if not found:
            raise UsageError(f"no plugin {owner.plugin!r} is installed")
        return found
    one = installations.load(connection, None, owner.organization, owner.plugin)
    if one is None:
        raise UsageError(f"no plugin {owner.plugin!r} is installed in an organisation {owner.organization!r}")
    return [one]


def _stored(connection: Connection, owner: Owner) -> list[Stored]:
    if owner.organization is None:
        return plugin_secrets.stored(connection, owner.plugin)
    return secrets.stored(connection, owner.organization, owner.plugin)


def _load(connection: Connection, sealer: Sealer, owner: Owner) -> Secrets:
    if owner.organization is None:
        return plugin_secrets.load_all(connection, sealer, owner.plugin)
    return secrets.load_all(connection, sealer, owner.organization, owner.plugin)


def _known(name: str, declared: Secret | None, stored: Stored | None, reason: str | None) -> Known:
    return Known(
        name=name,
        purpose=declared.purpose if declared else None,
        required=declared.required if declared else False,
        description=declared.description if declared else "",
        state="missing" if stored is None else "unreadable" if reason else "set",
        reason=reason,
        set_at=stored.set_at if stored else None,
        key_id=stored.key_id if stored else None,
    )


def _undeclared(owner: Owner, declared: dict[str, Secret]) -> UsageError:
    names = ", ".join(declared) or "none"
    if owner.organization is None:
        return UsageError(
            f"{owner.plugin} declares no secret of that name with the purpose verify, and others can't be the plugin's own: "
            f"no guest can use them; it declares: {names}"
        )
    return UsageError(f"{owner.plugin} declares no secret of that name; it declares: {names}")


def _in_settings(connection: Connection, owner: Owner, name: str, value: str) -> Iterator[str]:
    """Guests read settings, and commands show them."""
    masks = Masks([(name, value)])
    for installed in _installed(connection, owner):
        for setting, content in decode(installed.settings).items():
            text = encode(content).decode()
            if masks.masked(text) != text:
                yield f"the setting {setting} in organisation {installed.organization!r} holds the value of {name}; guests see settings"


def _under_other_keys(connection: Connection, sealer: Sealer) -> Iterator[str]:
    others = [key_id for key_id in rotation.key_ids(connection) if key_id not in sealer.key_ids]
    if others:
        yield (
            f"other secrets are sealed with the key {', '.join(others)}, which is not at hand here: if the server has it in INNKEEPER_KEY, "
            "it can't open this one; set it again with that key"
        )
