"""What plugins logged, across deliveries."""

from msgspec import Struct
from sqlalchemy import BindParameter, bindparam, select

from stores.statement import Connection, Statement
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
_LINES = Statement(
    select(_d.organization, _d.plugin, _d.id, _l.number, _l.at, _l.level, _l.message, _l.fields)
    .select_from(deliveries.join(log_lines, (_l.organization == _d.organization) & (_l.delivery_id == _d.id)))
    .where(_d.organization == _organization, _d.id == bindparam("delivery_id"))
    .order_by(_l.number)
)
_ids = select(_d.id).where(_d.organization == _organization, _d.id > bindparam("after")).order_by(_d.id).limit(bindparam("limit"))
_IDS = Statement(_ids)
_IDS_OF_PLUGIN = Statement(_ids.where(_d.plugin == bindparam("plugin")))


def of_delivery(connection: Connection, organization: str, delivery_id: str) -> list[LoggedLine]:
    """In the order in which they were written."""
    return [LoggedLine(*row) for row in _LINES.rows(connection, organization=organization, delivery_id=delivery_id)]


def delivery_ids(connection: Connection, organization: str, plugin: str | None, after: str, limit: int) -> list[str]:
    """The ids of deliveries to one plugin, or to all, that come after that one: the first `limit` in their order.

    Those that logged nothing are among them.
    """
    wanted = {"organization": organization, "after": after, "limit": limit}
    rows = _IDS.rows(connection, **wanted) if plugin is None else _IDS_OF_PLUGIN.rows(connection, **wanted, plugin=plugin)
    return [str(delivery_id) for (delivery_id,) in rows]
