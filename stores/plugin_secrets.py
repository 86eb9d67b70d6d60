"""A plugin's own secrets, whatever the organisation, sealed. They serve shared routes; no guest can use them."""

from sqlalchemy import bindparam, delete, select

from host.model.errors import UsageError
from host.model.installation import Secrets
from stores import epoch
from stores.sealing import Sealer, key_id_of
from stores.secrets import Stored, unsealed
from stores.statement import Connection, Statement, insert_or_update
from stores.tables import plugin_secrets as table

NOBODY = ""
"""The organisation in what is sealed: no organisation is called that, so none of theirs opens here, and none of these there."""

_s = table.c
_mine = _s.plugin == bindparam("plugin")
_STORED = Statement(select(_s.name, _s.key_id, _s.updated_at).where(_mine).order_by(_s.name))
_ALL = Statement(select(_s.name, _s.sealed).where(_mine).order_by(_s.name))
_SET = insert_or_update(table, ["sealed", "key_id", "updated_at"])
_REMOVE = Statement(delete(table).where(_mine, _s.name == bindparam("secret")))


def set(connection: Connection, sealer: Sealer, plugin: str, name: str, value: str, at: int) -> None:
    sealed = sealer.seal(value, NOBODY, plugin, name)
    _SET.run(connection, plugin=plugin, name=name, sealed=sealed, key_id=key_id_of(sealed), updated_at=at)
    epoch.bump(connection)


def remove(connection: Connection, plugin: str, name: str) -> None:
    """Raises `UsageError` when it is not set."""
    if not _REMOVE.run(connection, plugin=plugin, secret=name):
        raise UsageError(f"the secret {name} of {plugin} itself is not set")
    epoch.bump(connection)


def stored(connection: Connection, plugin: str) -> list[Stored]:
    """In the order of their names."""
    return [Stored(*row) for row in _STORED.rows(connection, plugin=plugin)]


def load_all(connection: Connection, sealer: Sealer, plugin: str) -> Secrets:
    """All of them, unsealed. Those that do not open are named with the reason, and cost the others nothing."""
    return unsealed(
        lambda: _ALL.rows(connection, plugin=plugin), lambda name, sealed: sealer.unseal(sealed, NOBODY, plugin, name)
    )  # fmt: skip
