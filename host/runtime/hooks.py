"""Events: each enabled plugin of an organisation that asks for one hears of it, on its own and at once."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import structlog

from host.model.errors import HostError, InnkeeperError, UnknownOrganization, UsageError
from host.model.event import NAME, Event
from host.model.identifier import new_id
from host.runtime.hook import HookRequest
from host.runtime.plain import object_text
from host.runtime.runtime import Runtime
from stores import organizations

LONGEST_ID = 200
"""Characters of an event's id."""
LATEST = 2**53
"""Of milliseconds since 1970: what JSON's readers can tell apart."""

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class HookResult:
    """What became of an event at one plugin. `answer` is what the hook gave, a JSON object, or None; `error` says why it is not `ok`."""

    plugin: str
    ok: bool
    answer: dict[str, Any] | None
    error: InnkeeperError | None
    delivery_id: str


async def emit(
    runtime: Runtime, organization: str, name: str, data: dict[str, Any], *, id: str | None = None, occurred_at: int | None = None
) -> dict[str, HookResult]:
    """The results by plugin, once all have ended: each hook is an invocation with its own transaction, limits and record.

    An event that is handed over again has the `id` that it had. Raises `UnknownOrganization`; `UsageError` for a name, an id, a time or
    data that can't be any.
    """
    event = _event(name, data, id, occurred_at)
    require_organization(runtime, organization)
    heard = [each for each in runtime.configuration.installations(organization) if each.manifest.hook(name)]
    results = await asyncio.gather(*(_handled(runtime, HookRequest(installation=each, event=event)) for each in heard))
    return {result.plugin: result for result in results}


def require_organization(runtime: Runtime, organization: str) -> None:
    if not isinstance(organization, str) or organizations.get(runtime.reads, organization) is None:
        raise UnknownOrganization(f"there is no organisation {organization!r}")


def _event(name: str, data: dict[str, Any], id: str | None, occurred_at: int | None) -> Event:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no event's name: letters and digits, with _ - . between them, at most 64")
    if id is not None and not (isinstance(id, str) and 0 < len(id) <= LONGEST_ID and id.isprintable()):
        raise UsageError(f"an event's id is text of 1 to {LONGEST_ID} characters")
    if occurred_at is not None and not (type(occurred_at) is int and 0 <= occurred_at < LATEST):
        raise UsageError("occurred_at is a whole number: milliseconds since 1970")
    try:
        text = object_text("data", data)[1]
    except HostError as error:
        raise UsageError(f"the event {name}: {error.message}") from None
    return Event(id or new_id(), name, time.time_ns() // 1_000_000 if occurred_at is None else occurred_at, text)


async def _handled(runtime: Runtime, request: HookRequest) -> HookResult:
    plugin, delivery_id = request.installation.plugin, request.delivery_id
    try:
        runtime.rates.admit(request.installation)
        run = await runtime.invoke(request)
        error, answer = run.error, run.value
    except InnkeeperError as failed:
        error, answer = failed, None
    except Exception as defect:  # boundary: whatever fails one plugin's hook must not stop another's
        log.exception("hook.defect", organization=request.installation.organization, plugin=plugin, event_name=request.name)
        error, answer = InnkeeperError(f"the host failed: {defect!r}"), None
    return HookResult(plugin=plugin, ok=error is None, answer=answer, error=error, delivery_id=delivery_id)
