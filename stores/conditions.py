"""How installations are: their status, and whether the breaker keeps them from being called."""

from typing import Literal, TypeAlias

from msgspec import Struct
from sqlalchemy import bindparam, select, update

from stores import epoch
from stores.statement import Connection, Statement
from stores.tables import installations as table

Status: TypeAlias = Literal["starting", "running", "stopping", "stopped", "error"]
"""`starting` and `stopping` while `lifecycle.start` and `stop` run, `stopped` when it is disabled, `error` with a reason: requests are
served all the same, unless the breaker is open."""


class Condition(Struct, frozen=True):
    """`reason` says what is wrong, for operators; times are milliseconds since 1970.

    `initialized` is the digest whose `lifecycle.initialize` has succeeded.
    """

    status: Status
    reason: str | None
    at: int
    initialized: str | None
    breaker_opened_at: int | None


_i = table.c
_here = (_i.organization == bindparam("organization"), _i.plugin == bindparam("plugin"))
_ONE = Statement(select(_i.status, _i.status_reason, _i.status_at, _i.initialized, _i.breaker_opened_at).where(*_here))
_ALL = Statement(
    select(_i.organization, _i.plugin, _i.status, _i.status_reason, _i.status_at, _i.initialized, _i.breaker_opened_at).order_by(
        _i.organization, _i.plugin
    )
)
_SET = Statement(
    update(table).where(*_here).values(status=bindparam("new_status"), status_reason=bindparam("reason"), status_at=bindparam("at"))
)
_INITIALIZED = Statement(
    update(table).where(*_here, _i.digest == bindparam("new_initialized")).values(initialized=bindparam("new_initialized"))
)
_BREAKER = Statement(update(table).where(*_here).values(breaker_opened_at=bindparam("opened_at")))


def get(connection: Connection, organization: str, plugin: str) -> Condition | None:
    """None where it is not installed."""
    row = _ONE.row(connection, organization=organization, plugin=plugin)
    return None if row is None else Condition(*row)


def all(connection: Connection) -> dict[tuple[str, str], Condition]:
    """Those of all installations, by organisation and plugin, in their order."""
    return {(organization, plugin): Condition(*row) for organization, plugin, *row in _ALL.rows(connection)}


def set_status(connection: Connection, organization: str, plugin: str, status: Status, reason: str | None, at: int) -> None:
    """Not a change of configuration: no instance is given up for it."""
    _SET.run(connection, organization=organization, plugin=plugin, new_status=status, reason=reason, at=at)


def set_initialized(connection: Connection, organization: str, plugin: str, digest: str) -> None:
    """`lifecycle.initialize` of that component has succeeded: worth knowing while no other one has taken its place."""
    _INITIALIZED.run(connection, organization=organization, plugin=plugin, new_initialized=digest)


def set_breaker(connection: Connection, organization: str, plugin: str, opened_at: int | None) -> None:
    """Opens the breaker, or closes it with None."""
    _BREAKER.run(connection, organization=organization, plugin=plugin, opened_at=opened_at)
    epoch.bump(connection)
