"""What providers say of messages: it moves a message forward, or waits until its message is known."""

from sqlalchemy import BindParameter, bindparam, delete, select

from host.model.effects import StatusReported
from host.model.message import STATUS_RANK, Message, advanced
from host.model.value import merge
from stores import messages
from stores.statement import Connection, Statement, insert_or_update
from stores.tables import awaited_statuses

_a = awaited_statuses.c
_organization: BindParameter[str] = bindparam("organization")
_here = (_a.organization == _organization, _a.source == bindparam("source"), _a.external_id == bindparam("external_id"))
_AWAITED = Statement(select(_a.status, _a.at, _a.detail).where(*_here))
_AWAIT = insert_or_update(awaited_statuses, ["status", "at", "expires_at", "detail"])
_FORGET = Statement(delete(awaited_statuses).where(*_here))
_EXPIRE = Statement(delete(awaited_statuses).where(_a.organization == _organization, _a.expires_at <= bindparam("now")))


def report(connection: Connection, organization: str, report: StatusReported, now: int) -> None:
    """Applies the status to its message; without one it waits until it expires. What has expired by `now` is forgotten on the way."""
    message = messages.message_by_external_id(connection, organization, report.source, report.external_id)
    if message is not None:
        _apply(connection, organization, message, report.status, report.at, report.detail)
    else:
        _await(connection, organization, report, now)


def settle(connection: Connection, organization: str, message: Message, now: int) -> None:
    """Applies what has been waiting for a message that was just added."""
    if message.external_id is None:
        return
    name = {"organization": organization, "source": message.source, "external_id": message.external_id}
    row = _AWAITED.row(connection, **name)
    if row is None:
        return
    _EXPIRE.run(connection, organization=organization, now=now)
    if _FORGET.run(connection, **name):
        _apply(connection, organization, message, *row)


def _apply(connection: Connection, organization: str, message: Message, status: str, at: int, detail: str | None) -> None:
    after = advanced(message, status, detail)
    if after.status != message.status:
        messages.set_status(connection, organization, message.id, status, at, after.metadata)


def _await(connection: Connection, organization: str, report: StatusReported, now: int) -> None:
    _EXPIRE.run(connection, organization=organization, now=now)
    name = {"organization": organization, "source": report.source, "external_id": report.external_id}
    row = _AWAITED.row(connection, **name)
    detail = report.detail
    if row is not None:
        status, _, waiting = row
        if STATUS_RANK[report.status] <= STATUS_RANK[status]:
            return
        detail = merge(waiting or "{}", detail or "{}") if waiting or detail else None
    _AWAIT.run(connection, **name, status=report.status, at=report.at, expires_at=report.expires_at, detail=detail)
