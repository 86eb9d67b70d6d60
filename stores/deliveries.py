"""Records of what came in, with the lines that the plugin logged."""

from collections.abc import Iterable

from msgspec import structs
from sqlalchemy import ColumnElement, and_, bindparam, func, insert, select

from host.model.delivery import Delivery, LogLine
from stores.page import LAST, Page, cursor
from stores.statement import Connection, Row, Statement
from stores.tables import deliveries as table
from stores.tables import log_lines
from stores.transaction import snapshot

COLUMNS = [column.name for column in table.columns]

_d = table.c
_l = log_lines.c
_mine = and_(
    _d.organization == bindparam("organization"),
    _d.id < bindparam("before"),
    _d.id >= bindparam("since"),
    _d.kind == func.coalesce(bindparam("kind"), _d.kind),
    _d.outcome == func.coalesce(bindparam("outcome"), _d.outcome),
)
_of_plugin = and_(_mine, _d.plugin == bindparam("plugin"))
_lines = select(_l.delivery_id, _l.at, _l.level, _l.message, _l.fields).where(_l.organization == bindparam("organization"))
_line_order = (_l.delivery_id, _l.number)


def _newest(condition: ColumnElement[bool]) -> tuple[Statement, Statement]:
    """The deliveries of a page, and the lines of all of them."""
    ids = select(_d.id).where(condition).order_by(_d.id.desc()).limit(bindparam("limit"))
    rows = select(table).where(condition).order_by(_d.id.desc()).limit(bindparam("limit"))
    return Statement(rows), Statement(_lines.where(_l.delivery_id.in_(ids)).order_by(*_line_order))


_PAGE = _newest(_mine)
_PAGE_OF_PLUGIN = _newest(_of_plugin)
_ONE = Statement(select(table).where(_d.organization == bindparam("organization"), _d.id == bindparam("delivery_id")))
_LINES = Statement(_lines.where(_l.delivery_id == bindparam("delivery_id")).order_by(*_line_order))
_INSERT = Statement(insert(table))
_INSERT_LINE = Statement(insert(log_lines))


def record(connection: Connection, delivery: Delivery) -> None:
    """Keeps the record and its log. Raises `Violation` when it is kept already, or there is no such organisation."""
    _INSERT.run(connection, **{name: getattr(delivery, name) for name in COLUMNS})
    if delivery.log:
        _INSERT_LINE.run_each(connection, (_line_row(delivery, number, line) for number, line in enumerate(delivery.log)))


def get(connection: Connection, organization: str, delivery_id: str) -> Delivery | None:
    with snapshot(connection):
        row = _ONE.row(connection, organization=organization, delivery_id=delivery_id)
        lines = _LINES.rows(connection, organization=organization, delivery_id=delivery_id)
    return None if row is None else _delivery(row, _by_delivery(lines))


def page(
    connection: Connection,
    organization: str,
    plugin: str | None,
    before: str | None,
    limit: int,
    *,
    kind: str | None = None,
    outcome: str | None = None,
    since: str = "",
) -> Page[Delivery]:
    """Those of one plugin, or of all, newest first: at most `limit` (1 or more) whose ids are below `before` and not below `since`.

    With a `kind` or an `outcome` only those that have it; all that came since then may have to be read for them.
    """
    wanted: dict[str, object] = {"organization": organization, "before": before or LAST, "since": since, "limit": limit + 1}
    wanted |= {"kind": kind, "outcome": outcome}
    if plugin is not None:
        wanted["plugin"] = plugin
    deliveries, lines = _PAGE if plugin is None else _PAGE_OF_PLUGIN
    with snapshot(connection):
        rows = deliveries.rows(connection, **wanted)
        logs = _by_delivery(lines.rows(connection, **wanted))
    found = [_delivery(row, logs) for row in rows]
    return Page(found[:limit], cursor([each.id for each in found], limit))


def _line_row(delivery: Delivery, number: int, line: LogLine) -> dict[str, object]:
    return {"organization": delivery.organization, "delivery_id": delivery.id, "number": number, **structs.asdict(line)}


def _by_delivery(rows: Iterable[Row]) -> dict[str, list[LogLine]]:
    logs: dict[str, list[LogLine]] = {}
    for delivery_id, *line in rows:
        logs.setdefault(delivery_id, []).append(LogLine(*line))
    return logs


def _delivery(row: Row, logs: dict[str, list[LogLine]]) -> Delivery:
    fields = dict(zip(COLUMNS, row, strict=True))
    return Delivery(**{**fields, "cold": bool(fields["cold"])}, log=logs.get(fields["id"], []))
