"""What came in for plugins and what became of it, for operators."""

from typing import Any

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from host.model.delivery import KINDS, OUTCOMES, Delivery, LogLine
from host.model.identifier import first_id
from host.web.api import admitted, choice, document, embedded, identifier, moment, parameter, read, window
from host.web.errors import NotFound
from stores import deliveries
from stores.page import Page
from stores.statement import Connection


async def list_deliveries(request: Request) -> Response:
    """Newest first, without their logs; only of a `plugin`, a `kind`, an `outcome`, or since a time, where the query says so."""
    runtime, organization = admitted(request)
    plugin, (before, limit), since = parameter(request, "plugin"), window(request), moment(request, "since")
    kind, outcome = choice(request, "kind", KINDS), choice(request, "outcome", OUTCOMES)
    least = "" if since is None else first_id(since)

    def question(connection: Connection) -> Page[Delivery]:
        return deliveries.page(connection, organization, plugin, before, limit, kind=kind, outcome=outcome, since=least)

    page = await read(runtime, question)
    return document({"items": [_delivery(delivery) for delivery in page.items], "next": page.next})


async def show_delivery(request: Request) -> Response:
    """One delivery with its log."""
    runtime, organization = admitted(request)
    delivery = deliveries.get(runtime.reads, organization, identifier(request))
    if delivery is None:
        raise NotFound
    return document(_delivery(delivery) | {"log": [_line(line) for line in delivery.log]})


def _delivery(delivery: Delivery) -> dict[str, Any]:
    fields = asdict(delivery)
    del fields["log"]
    return fields


def _line(line: LogLine) -> dict[str, Any]:
    return asdict(line) | {"fields": embedded(line.fields)}
