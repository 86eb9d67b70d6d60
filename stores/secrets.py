"""Secrets of installations, sealed."""

from collections.abc import Callable, Sequence

from msgspec import Struct
from sqlalchemy import bindparam, delete, select

from host.model.errors import UsageError
from host.model.installation import Secrets
from stores import epoch
from stores.sealing import Sealer, SealError, key_id_of
from stores.statement import Connection, Row, Statement, Violation, insert_or_update
from stores.tables import secrets as table


class Stored(Struct, frozen=True):
    """What is known of a secret without opening it: the id of the key that sealed it, and when it was set, in milliseconds since 1970."""

    name: str
    key_id: str
    set_at: int


_s = table.c
_mine = (_s.organization == bindparam("organization"), _s.plugin == bindparam("plugin"))
_STORED = Statement(select(_s.name, _s.key_id, _s.updated_at).where(*_mine).order_by(_s.name))
_ALL = Statement(select(_s.name, _s.sealed).where(*_mine).order_by(_s.name))
_SET = insert_or_update(table, ["sealed", "key_id", "updated_at"])
_REMOVE = Statement(delete(table).where(*_mine, _s.name == bindparam("secret")))


def set(connection: Connection, sealer: Sealer, organization: str, plugin: str, name: str, value: str, at: int) -> None:
    """Raises `UsageError` when the plugin is not installed there."""
    sealed = sealer.seal(value, organization, plugin, name)
    try:
        _SET.run(
            connection, organization=organization, plugin=plugin, name=name, sealed=sealed, key_id=key_id_of(sealed), updated_at=at
        )  # fmt: skip
    except Violation:
        raise UsageError(f"{plugin} is not installed in organisation {organization!r}") from None
    epoch.bump(connection)


def remove(connection: Connection, organization: str, plugin: str, name: str) -> None:
    """Raises `UsageError` when it is not set."""
    if not _REMOVE.run(connection, organization=organization, plugin=plugin, secret=name):
        raise UsageError(f"the secret {name} of {plugin} is not set in organisation {organization!r}")
    epoch.bump(connection)


def stored(connection: Connection, organization: str, plugin: str) -> list[Stored]:
    """In the order of their names."""
    return [Stored(*row) for row in _STORED.rows(connection, organization=organization, plugin=plugin)]


def names(connection: Connection, organization: str, plugin: str) -> list[str]:
    return [secret.name for secret in stored(connection, organization, plugin)]


def load_all(connection: Connection, sealer: Sealer, organization: str, plugin: str) -> Secrets:
    """All of them, unsealed. Those that do not open are named with the reason, and cost the others nothing."""
    return unsealed(
        lambda: _ALL.rows(connection, organization=organization, plugin=plugin),
        lambda name, sealed: sealer.unseal(sealed, organization, plugin, name),
    )


def unsealed(read: Callable[[], Sequence[Row]], unseal: Callable[[str, bytes], str]) -> Secrets:
    """Opens the rows of names and sealed bytes. What does not open is read again: a rotation may have sealed it anew meanwhile."""
    rows = read()
    while True:
        values, shut = {}, {}
        for name, sealed in rows:
            try:
                values[name] = unseal(name, sealed)
            except SealError as error:
                shut[name] = error.message
        again = read() if shut else rows
        if again == rows:
            return Secrets(values, shut)
        rows = again
