"""Uninstalling: an organisation's copy of a plugin goes, with its secrets; its data where that is said."""

from msgspec import Struct

from host.model.errors import UsageError
from host.runtime import asking
from host.runtime.lifecycle import reason_of
from host.runtime.runtime import Runtime
from stores import erasure, installations, plugins
from stores.statement import Connection


class Uninstalled(Struct, frozen=True, kw_only=True):
    """What came of it. `installed`: it was until then. `stop_failed` is what `lifecycle.stop` said, which kept nothing from happening.

    `kept_data`: what it stored is still there, for when it is installed again.
    """

    organization: str
    plugin: str
    installed: bool
    stop_failed: str | None
    kept_data: bool
    deleted_entries: int
    deleted_dedupe_keys: int


async def uninstall(runtime: Runtime, organization: str, plugin: str, *, delete_data: bool = False) -> Uninstalled:
    """Stops it, then removes installation and secrets; messages and customers stay, and what it stored unless `delete_data`.

    With `delete_data` what an earlier uninstall left goes too. Raises `UsageError` where there is nothing to remove.
    """
    installed = installations.chosen(runtime.reads, organization, plugin) is not None
    if not installed and not (delete_data and erasure.has_data(runtime.reads, organization, plugin)):
        also = ", and has no data there" if delete_data else ""
        raise UsageError(f"{plugin} is not installed in organisation {organization!r}{also}")
    error = await asking.stop(runtime, organization, plugin)
    if installed:
        await runtime.writer.commit(lambda connection: installations.remove(connection, organization, plugin))
    entries, keys = await _erase(runtime, organization, plugin) if delete_data else (0, 0)
    await runtime.writer.commit(lambda connection: _forget_components(connection, runtime, plugin))
    return Uninstalled(
        organization=organization,
        plugin=plugin,
        installed=installed,
        stop_failed=None if error is None else reason_of("stop", error),
        kept_data=erasure.has_data(runtime.reads, organization, plugin),
        deleted_entries=entries,
        deleted_dedupe_keys=keys,
    )


async def _erase(runtime: Runtime, organization: str, plugin: str) -> tuple[int, int]:
    """Store entries and dedupe keys, batch by batch. Stops where it is installed anew meanwhile: that data is somebody's."""

    def job(connection: Connection) -> tuple[int, int]:
        if installations.chosen(connection, organization, plugin) is not None:
            return 0, 0
        return erasure.erase_some(connection, organization, plugin)

    entries = keys = 0
    while (deleted := await runtime.writer.commit(job)) != (0, 0):
        entries, keys = entries + deleted[0], keys + deleted[1]
    return entries, keys


def _forget_components(connection: Connection, runtime: Runtime, plugin: str) -> None:
    """The components of versions that nobody has any more. Under the write lock, so that none is just being installed."""
    for digest in plugins.forget_unused(connection, plugin):
        runtime.components.remove(digest)
