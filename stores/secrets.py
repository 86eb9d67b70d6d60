"""Secrets of installations, sealed."""

from sqlalchemy import bindparam, select

from host.model.errors import UsageError
from host.model.installation import Secrets
from stores import epoch
from stores.sealing import Sealer
from stores.statement import Connection, Statement, Violation, insert_or_update
from stores.tables import secrets as table

_s = table.c
_mine = (_s.organization == bindparam("organization"), _s.plugin == bindparam("plugin"))
_NAMES = Statement(select(_s.name).where(*_mine).order_by(_s.name))
_ALL = Statement(select(_s.name, _s.sealed).where(*_mine).order_by(_s.name))
_SET = insert_or_update(table, ["sealed", "key_id", "updated_at"])


def set(connection: Connection, sealer: Sealer, organization: str, plugin: str, name: str, value: str, at: int) -> None:
    """Raises `UsageError` when the plugin is not installed there."""
    try:
        _SET.run(
            connection,
            organization=organization,
            plugin=plugin,
            name=name,
            sealed=sealer.seal(value, organization, plugin, name),
            key_id=sealer.key_id,
            updated_at=at,
        )
    except Violation:
        raise UsageError(f"{plugin} is not installed in organisation {organization!r}") from None
    epoch.bump(connection)


def names(connection: Connection, organization: str, plugin: str) -> list[str]:
    return [str(name) for (name,) in _NAMES.rows(connection, organization=organization, plugin=plugin)]


def load_all(connection: Connection, sealer: Sealer, organization: str, plugin: str) -> Secrets:
    """All of them, unsealed. Raises `SealError` when one does not open."""
    rows = _ALL.rows(connection, organization=organization, plugin=plugin)
    return Secrets({name: sealer.unseal(sealed, organization, plugin, name) for name, sealed in rows})
