"""Installing: a component that is what it says, and starts, becomes an organisation's plugin, all of it or nothing."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from msgspec import Struct

from host.model.errors import Conflict, RequestError, UsageError
from host.model.manifest import Wish
from host.runtime.candidate import Candidate, Order, candidate, check, check_first
from host.runtime.data import DataDirectory
from host.runtime.describe import Description, describe
from host.runtime.difference import Difference, difference
from host.runtime.invocations import ConfigurationChanged
from host.runtime.lifecycle import reason_of, words_of
from host.runtime.needs import require_all
from host.runtime.rehearsal import Rehearsal
from host.runtime.run import Run
from host.runtime.runtime import Runtime
from host.sandbox.cache import Cache, digest
from stores import conditions, deliveries, effects, epoch, installations, organizations, plugins, secrets
from stores.conditions import Status
from stores.statement import Connection

__all__ = ["Installed", "NotInstalled", "Order", "Progress", "inspect", "install", "install_in"]

ATTEMPTS = 10
"""How often what others change in the very moment is followed."""

Progress = Callable[[str], None]


class NotInstalled(UsageError):
    """The plugin is not installed: it rejects its settings, or a new version does not start. What was there goes on."""

    code = "install.failed"


class Installed(Struct, frozen=True, kw_only=True):
    """What came of it: `waiting` are wishes without a grant, `missing_secrets` the required ones that are not set.

    `reason` says what is wrong where the `status` is `error`. `difference` is to another version that was there before.
    """

    organization: str
    plugin: str
    version: str
    digest: str
    grants: list[str]
    waiting: list[Wish]
    missing_secrets: list[str]
    created_organization: bool
    status: Status
    reason: str | None
    difference: Difference | None


async def install(data: DataDirectory, cache: Path, wasm: bytes, order: Order, progress: Progress) -> Installed:
    """Installs into a data directory, beside a running server too, which sees it at its next request.

    Raises as `install_in` does; then no data directory was made where there was none.
    """
    description = await inspect(Cache(cache / "artefacts"), wasm, progress)
    check(description.manifest, order)
    if not data.database.exists():
        check_first(description.manifest, order)
    async with Runtime.opened(data, cache) as runtime:
        return await _install(runtime, wasm, description, order, progress)


async def install_in(runtime: Runtime, wasm: bytes, order: Order, progress: Progress) -> Installed:
    """Compiles, describes, checks, asks the plugin to initialise and to start, and stores all that in one transaction.

    A first version that does not start is installed all the same, with the status `error`. Raises `ComponentError` or `UsageError`
    (`NotInstalled` where the plugin is why); then nothing was stored but the record of the call that failed.
    """
    description = await inspect(runtime.cache, wasm, progress)
    check(description.manifest, order)
    return await _install(runtime, wasm, description, order, progress)


async def inspect(cache: Cache, wasm: bytes, progress: Progress) -> Description:
    """What a component is, asked of itself in an instance that can do nothing. Raises `ComponentError`."""
    known = digest(wasm)
    if not cache.has(known):
        progress("compiling the component (once per version)")
    return await describe(await cache.artefact(known, lambda: wasm))


async def _install(runtime: Runtime, wasm: bytes, description: Description, order: Order, progress: Progress) -> Installed:
    """Again where somebody else changed what it was made for."""
    manifest, known = description.manifest, digest(wasm)
    progress(f"installing {manifest.name} {manifest.version} for {order.organization}")
    for _ in range(ATTEMPTS):
        wanted = candidate(runtime.reads, runtime.configuration, known, manifest, order)
        artefact = await runtime.cache.artefact(known, lambda: wasm)
        await require_all(f"{manifest.name} {manifest.version}", artefact, wanted.installation.limits)
        rehearsal = await runtime.rehearse(wanted.installation, wanted.steps(), wanted.effects())
        await _refuse_failed(runtime, wanted, rehearsal)
        try:
            return await _store(runtime, wasm, description, order, wanted, rehearsal)
        except Conflict:
            continue
    raise UsageError(f"others changed what {manifest.name} works with, {ATTEMPTS} times while it was installed: install it again")


async def _store(
    runtime: Runtime, wasm: bytes, description: Description, order: Order, wanted: Candidate, rehearsal: Rehearsal
) -> Installed:
    """All of it in one transaction. Raises `Conflict` where it was made for what is not so any more."""
    installation = wanted.installation
    with runtime.components.written(wasm) as put_in_place:
        for _ in range(ATTEMPTS):

            def job(connection: Connection, wanted: Candidate = wanted) -> Installed:
                if epoch.read(connection) != wanted.epoch:
                    raise ConfigurationChanged
                _write(connection, runtime, description, order, wanted, rehearsal)
                put_in_place()
                return _installed(connection, wanted)

            try:
                return await runtime.writer.commit(job)
            except ConfigurationChanged:
                now = candidate(runtime.reads, runtime.configuration, installation.digest, installation.manifest, order)
                if replace(now, epoch=wanted.epoch) != wanted:
                    raise
                wanted = now  # it was somebody else's
    raise ConfigurationChanged


def _write(
    connection: Connection, runtime: Runtime, description: Description, order: Order, wanted: Candidate, rehearsal: Rehearsal
) -> None:
    installation = wanted.installation
    organization, plugin, at = installation.organization, installation.plugin, _now()
    if wanted.creates_organization:
        organizations.create(connection, organization, at)
    plugins.add(connection, installation.digest, description.document, at)
    installations.upsert(
        connection, organization, plugin, digest=installation.digest, settings=wanted.chosen, grants=installation.grants, at=at
    )
    for name, value in order.secrets.items():
        secrets.set(connection, runtime.sealer, organization, plugin, name, value, at)
    effects.apply(connection, organization, plugin, rehearsal.effects, at, runtime.platform.appliers(), installation.limits)
    conditions.set_breaker(connection, organization, plugin, None)
    conditions.set_status(connection, organization, plugin, *_status(wanted, rehearsal), at)
    for run in rehearsal.runs:
        deliveries.record(connection, run.delivery())
        if run.succeeded:
            run.request.commit(connection, run.value)


def _status(wanted: Candidate, rehearsal: Rehearsal) -> tuple[Status, str | None]:
    if not wanted.installation.enabled:
        return "stopped", None
    failed = rehearsal.failed
    return ("error", _reason(failed)) if failed else ("running", None)


def _installed(connection: Connection, wanted: Candidate) -> Installed:
    installation, before = wanted.installation, wanted.before
    organization, plugin, manifest = installation.organization, installation.plugin, installation.manifest
    present = secrets.names(connection, organization, plugin)
    condition = conditions.get(connection, organization, plugin)
    assert condition is not None, "it was written in the same transaction"
    return Installed(
        organization=organization, plugin=plugin, version=manifest.version, digest=installation.digest, grants=sorted(installation.grants),
        waiting=[wish for wish in manifest.wishes() if wish.name not in installation.grants],
        missing_secrets=[secret.name for secret in manifest.secrets if secret.required and secret.name not in present],
        created_organization=wanted.creates_organization, status=condition.status, reason=condition.reason,
        difference=difference(before, manifest) if before and wanted.is_upgrade else None,
    )  # fmt: skip


async def _refuse_failed(runtime: Runtime, wanted: Candidate, rehearsal: Rehearsal) -> None:
    """Raises `NotInstalled`, once the failure is recorded, where it keeps the candidate from being installed."""
    failed = rehearsal.failed
    if failed is not None and isinstance(failed.error, RequestError):
        raise failed.error  # the host itself is full, or ends
    if failed is None or not (wanted.is_upgrade or failed.request.name == "validate-auth"):
        return
    if not wanted.creates_organization:
        delivery = failed.delivery()
        await runtime.writer.commit(lambda connection: deliveries.record(connection, delivery))
    installation, before = wanted.installation, wanted.before
    version = f"{installation.plugin} {installation.manifest.version} is not installed in {installation.organization}"
    goes_on = f", and {before.manifest.version} goes on" if before else ""
    raise NotInstalled(f"{version}{goes_on}: {_why(failed)}")


def _why(failed: Run) -> str:
    assert failed.error is not None, "only a failed run is asked"
    if failed.request.name == "validate-auth" and failed.error.code == "rejected":
        return f"it rejects its settings: {words_of(failed.error)}"
    return f"its lifecycle.{_reason(failed)}"


def _reason(failed: Run) -> str:
    assert failed.error is not None, "only a failed run is asked"
    return reason_of(failed.request.name, failed.error)


def _now() -> int:
    return time.time_ns() // 1_000_000
