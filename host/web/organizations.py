"""Organisations, how their plugins stand and what they used, for operators."""

import time
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from host.model.identifier import first_id
from host.runtime.standings import standings
from host.web.api import admitted, admitted_to_all, document, moment, parameter, read
from stores import organizations, usage
from stores.page import LAST
from stores.usage import DAY_MS, DayOfUse


async def list_organizations(request: Request) -> Response:
    """In the order of their ids: for tokens that are good for all of them."""
    runtime = admitted_to_all(request)
    found = organizations.all(runtime.reads)
    return document({"items": [{"id": each.id, "created_at": each.created_at} for each in found], "next": None})


async def list_plugins(request: Request) -> Response:
    """The organisation's plugins, in the order of their names: whether each runs, why not, and what it waits for."""
    runtime, organization = admitted(request)
    return document({"items": standings(runtime.reads, organization), "next": None})


async def show_usage(request: Request) -> Response:
    """What plugins used, a sum for each plugin and day (UTC), the oldest first; of the last 24 hours unless `since` is given."""
    runtime, organization = admitted(request)
    plugin, since = parameter(request, "plugin"), moment(request, "since")
    least = first_id(time.time_ns() // 1_000_000 - DAY_MS if since is None else since)
    found = await read(runtime, lambda connection: usage.days(connection, organization, plugin, least, LAST))
    return document({"items": [_day(each) for each in found], "next": None})


def _day(used: DayOfUse) -> dict[str, Any]:
    fields = asdict(used) | {"day": datetime.fromtimestamp(used.day * DAY_MS / 1000, UTC).strftime("%Y-%m-%d")}
    del fields["organization"]
    return fields
