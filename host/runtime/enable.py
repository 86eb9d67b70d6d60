"""Enabling and disabling a plugin, in one organisation or as a whole."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from host.model.errors import DeadlineExceeded, InnkeeperError, UsageError
from host.runtime import asking
from host.runtime.lifecycle import now_ms, reason_of
from host.runtime.runtime import Runtime
from stores import conditions, installations, plugins, policies
from stores.conditions import Status
from stores.installations import Chosen
from stores.statement import Connection

AT_ONCE = 8
"""Organisations whose copies of a plugin are started or stopped at the same time."""
STOPPING_S = 60.0
"""Seconds within which the copies of a plugin that is disabled as a whole may stop. Those that did not are disabled all the same."""


class Switched(Struct, frozen=True, kw_only=True):
    """An organisation's installation afterwards. `changed`: it was not so before.

    `enabled` is the organisation's choice, `enabled_as_a_whole` the plugin's: it takes both. `reason` says what is wrong, or what
    `lifecycle.stop` said.
    """

    organization: str
    plugin: str
    changed: bool
    enabled: bool
    enabled_as_a_whole: bool
    status: Status
    reason: str | None


class SwitchedAsAWhole(Struct, frozen=True, kw_only=True):
    """A plugin afterwards, with its installations. `changed`: it was not so before."""

    plugin: str
    changed: bool
    enabled: bool
    installations: list[Switched]


async def enable(runtime: Runtime, organization: str, plugin: str) -> Switched:
    """Enables it for one organisation, closes its breaker and starts it; a start that fails is its status `error`.

    One that runs already is left alone. Raises `UsageError` where it is not installed.
    """

    def job(connection: Connection) -> bool:
        chosen, condition = _chosen(connection, organization, plugin), conditions.get(connection, organization, plugin)
        as_a_whole = policies.get(connection, plugin).enabled
        status: Status = "running" if as_a_whole else "stopped"
        if chosen.enabled and condition is not None and condition.status == status and condition.breaker_opened_at is None:
            return False
        installations.choose(connection, organization, plugin, replace(chosen, enabled=True), now_ms())
        conditions.set_breaker(connection, organization, plugin, None)
        conditions.set_status(connection, organization, plugin, "starting" if as_a_whole else "stopped", None, now_ms())
        return True

    changed = await runtime.writer.commit(job)
    if changed:
        await asking.start(runtime, organization, plugin)
    return _switched(runtime.reads, organization, plugin, changed)


async def disable(runtime: Runtime, organization: str, plugin: str) -> Switched:
    """Disables it for one organisation, after `lifecycle.stop`, whatever that answers. Raises `UsageError` where it is not installed."""
    if not _chosen(runtime.reads, organization, plugin).enabled:
        return _switched(runtime.reads, organization, plugin, False)
    error = await asking.stop(runtime, organization, plugin)

    def job(connection: Connection) -> None:
        chosen = _chosen(connection, organization, plugin)
        installations.choose(connection, organization, plugin, replace(chosen, enabled=False), now_ms())
        conditions.set_status(connection, organization, plugin, "stopped", _said(error), now_ms())

    await runtime.writer.commit(job)
    return _switched(runtime.reads, organization, plugin, True)


async def enable_as_a_whole(runtime: Runtime, plugin: str) -> SwitchedAsAWhole:
    """Enables a plugin that was disabled as a whole, and starts it where organisations have it enabled. Raises `UsageError` where it is
    not known."""

    def job(connection: Connection) -> list[str]:
        policy = _policy(connection, plugin)
        if policy.enabled:
            return []
        policies.change(connection, plugin, replace(policy, enabled=True), now_ms())
        started = [each.organization for each in installations.load_of_plugin(connection, plugin) if each.enabled and not each.breaker_open]
        for organization in started:
            conditions.set_status(connection, organization, plugin, "starting", None, now_ms())
        return started

    changed = not _policy(runtime.reads, plugin).enabled
    await _each(await runtime.writer.commit(job), lambda organization: asking.start(runtime, organization, plugin))
    return _as_a_whole(runtime.reads, plugin, changed)


async def disable_as_a_whole(runtime: Runtime, plugin: str, *, within_s: float = STOPPING_S) -> SwitchedAsAWhole:
    """Disables a plugin for all organisations, after `lifecycle.stop` of each, and `within_s` seconds at the latest. What they chose stays.

    Raises `UsageError` where it is not known.
    """
    if not _policy(runtime.reads, plugin).enabled:
        return _as_a_whole(runtime.reads, plugin, False)
    enabled = [each.organization for each in installations.load_of_plugin(runtime.reads, plugin) if each.enabled]
    late = DeadlineExceeded(f"it did not end within {within_s:g} s, in which the plugin was to stop everywhere")
    errors: dict[str, InnkeeperError | None] = dict.fromkeys(enabled, late)

    async def stop(organization: str) -> None:
        errors[organization] = await asking.stop(runtime, organization, plugin)

    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await _each(enabled, stop)

    def job(connection: Connection) -> None:
        enabled = [each.organization for each in installations.load_of_plugin(connection, plugin) if each.enabled]
        policies.change(connection, plugin, replace(_policy(connection, plugin), enabled=False), now_ms())
        for organization in enabled:
            conditions.set_status(connection, organization, plugin, "stopped", _said(errors.get(organization)), now_ms())

    await runtime.writer.commit(job)
    return _as_a_whole(runtime.reads, plugin, True)


async def _each(organizations: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(organization: str) -> None:
        async with turns:
            await work(organization)

    try:
        async with asyncio.TaskGroup() as tasks:
            for organization in organizations:
                tasks.create_task(one(organization))
    except ExceptionGroup as group:  # boundary: callers know our errors, one at a time, and no groups of a library's
        raise group.exceptions[0] from group


def _said(error: InnkeeperError | None) -> str | None:
    return None if error is None else reason_of("stop", error)


def _chosen(connection: Connection, organization: str, plugin: str) -> Chosen:
    chosen = installations.chosen(connection, organization, plugin)
    if chosen is None:
        raise UsageError(f"{plugin} is not installed in organisation {organization!r}")
    return chosen


def _policy(connection: Connection, plugin: str) -> policies.Policy:
    if not any(each.name == plugin for each in plugins.all(connection)):
        raise UsageError(f"there is no plugin {plugin!r}: none of that name was installed")
    return policies.get(connection, plugin)


def _switched(connection: Connection, organization: str, plugin: str, changed: bool) -> Switched:
    condition = conditions.get(connection, organization, plugin)
    if condition is None:
        raise UsageError(f"{plugin} is no longer installed in organisation {organization!r}")
    return Switched(
        organization=organization,
        plugin=plugin,
        changed=changed,
        enabled=_chosen(connection, organization, plugin).enabled,
        enabled_as_a_whole=policies.get(connection, plugin).enabled,
        status=condition.status,
        reason=condition.reason,
    )


def _as_a_whole(connection: Connection, plugin: str, changed: bool) -> SwitchedAsAWhole:
    found = [each.organization for each in installations.load_of_plugin(connection, plugin)]
    return SwitchedAsAWhole(
        plugin=plugin,
        changed=changed,
        enabled=policies.get(connection, plugin).enabled,
        installations=[_switched(connection, organization, plugin, changed) for organization in found],
    )
