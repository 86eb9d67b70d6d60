"""What plugins used: sums over the records of deliveries."""

from msgspec import Struct
from sqlalchemy import ColumnElement, bindparam, case, func, literal_column, select

from stores.statement import Connection, Statement
from stores.tables import deliveries

DAY_MS = 24 * 60 * 60 * 1000


class DayOfUse(Struct, frozen=True):
    """What a plugin used in an organisation on one day. `day` counts from 1970-01-01, in UTC.

    `calls` are all deliveries; of these `failures` failed and `refused` reached no guest, and `cold` got an instance of their own. The
    other figures are as `Delivery` has them.
    """

    organization: str
    plugin: str
    day: int
    calls: int
    failures: int
    refused: int
    fuel: int
    duration_us: int
    bytes_in: int
    bytes_out: int
    host_calls: int
    cold: int


_d = deliveries.c
_length: ColumnElement[int] = literal_column(str(DAY_MS))  # as a parameter it would make two expressions of one, to Postgres
_day = (_d.received_at // _length).label("day")
_SUMS = (
    func.count(),
    func.sum(case((_d.outcome == "failed", 1), else_=0)),
    func.sum(case((_d.outcome == "refused", 1), else_=0)),
    *(func.sum(column) for column in (_d.fuel, _d.duration_us, _d.bytes_in, _d.bytes_out, _d.host_calls, _d.cold)),
)
_of = select(_d.organization, _d.plugin, _day, *_SUMS).group_by(_d.organization, _d.plugin, _day).order_by(_d.plugin, _day)
_mine = (_d.organization == bindparam("organization"), _d.id >= bindparam("since"), _d.id < bindparam("until"))
_ALL = Statement(_of.where(*_mine))
_OF_PLUGIN = Statement(_of.where(*_mine, _d.plugin == bindparam("plugin")))


def days(connection: Connection, organization: str, plugin: str | None, since: str, until: str) -> list[DayOfUse]:
    """Of one plugin, or of all, over the deliveries with ids from `since` to before `until`; days without any are not there."""
    wanted = {"organization": organization, "since": since, "until": until}
    rows = _ALL.rows(connection, **wanted) if plugin is None else _OF_PLUGIN.rows(connection, **wanted, plugin=plugin)
    return [DayOfUse(*row) for row in rows]
