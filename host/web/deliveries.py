"""What came in for plugins and what became of it, for operators."""

from typing import Any

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from host.model.delivery import Delivery, LogLine
from host.web.api import admitted, document, embedded, identifier, parameter, window
from host.web.errors import NotFound
from stores import deliveries


async def list_deliveries(request: Request) -> Response:
    """Newest first, without their logs; with `plugin` in the query only that plugin's."""
    runtime, organization = admitted(request)
    page = deliveries.page(runtime.reads, organization, parameter(request, "plugin"), *window(request))
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
