"""What plugins logged, across deliveries."""

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct
from sqlalchemy import BindParameter, ColumnElement, bindparam, select

from stores.statement import Connection, Row, Statement
from stores.tables import deliveries, log_lines


class LoggedLine(Struct, frozen=True):
    """A line, and whose it is. `number` counts within its delivery, `at` is in milliseconds since 1970, `fields` a JSON object as text."""

    organization: str
    plugin: str
    delivery_id: str
    number: int
    at: int
    level: str
    message: str
    fields: str | None


_d, _l = deliveries.c, log_lines.c
_organization: BindParameter[str] = bindparam("organization")


def _lines(*conditions: ColumnElement[bool]) -> Statement:
    """In the order of deliveries, and of the lines of each."""
    both = deliveries.join(log_lines, (_l.organization == _d.organization) & (_l.delivery_id == _d.id))
    return Statement(
        select(_d.organization, _d.plugin, _d.id, _l.number, _l.at, _l.level, _l.message, _l.fields)
        .select_from(both)
        .where(_d.organization == _organization, *conditions)
        .order_by(_d.id, _l.number)
    )


_since = _d.id >= bindparam("since")
_SINCE = _lines(_since)
_OF_PLUGIN_SINCE = _lines(_d.plugin == bindparam("plugin"), _since)
_OF_DELIVERY = _lines(_d.id == bindparam("delivery_id"))
_IDS_SINCE = Statement(select(_d.id).where(_d.organization == _organization, _since).order_by(_d.id))


@contextmanager
def each(connection: Connection, organization: str, plugin: str | None, since: str) -> Iterator[Iterator[LoggedLine]]:
    """The lines of an organisation's deliveries whose ids are not below `since`, one by one: within the block."""
    wanted = {"organization": organization, "since": since}
    found = _SINCE.each(connection, **wanted) if plugin is None else _OF_PLUGIN_SINCE.each(connection, **wanted, plugin=plugin)
    with found as rows:
        yield map(_line, rows)


def of_delivery(connection: Connection, organization: str, delivery_id: str) -> list[LoggedLine]:
    return [_line(row) for row in _OF_DELIVERY.rows(connection, organization=organization, delivery_id=delivery_id)]


def deliveries_since(connection: Connection, organization: str, since: str) -> list[str]:
    """The ids that are not below `since`, in their order: also of deliveries that logged nothing."""
    return [str(delivery_id) for (delivery_id,) in _IDS_SINCE.rows(connection, organization=organization, since=since)]


def _line(row: Row) -> LoggedLine:
    return LoggedLine(*row)
