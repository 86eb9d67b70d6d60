"""Commands that act on installed plugins: a runtime over a data directory that is there, beside a running server too."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from host.cli import lookup
from host.cli.options import cache_folder

if TYPE_CHECKING:
    from host.runtime.runtime import Runtime

T = TypeVar("T")


def operate(data: Path, cache: Path | None, work: "Callable[[Runtime], Awaitable[T]]") -> T:
    """What `work` gives. Raises `UsageError` where there is no data directory, or it can't be used."""
    from host.cli.data import existing
    from host.cli.loop import run

    directory = existing(data)

    async def working() -> T:
        from host.runtime.runtime import Runtime

        async with Runtime.opened(directory, cache_folder(cache)) as runtime:
            return await work(runtime)

    return run(working())


def check_installed(data: Path, organization: str, plugin: str) -> None:
    """Raises `UsageError`, with what there is, where the plugin is not installed in that organisation."""
    with lookup.reading(data) as connection:
        lookup.installation(connection, organization, plugin)


def check_plugin(data: Path, plugin: str) -> None:
    """Raises `UsageError`, with what there is, where none of that name is installed."""
    with lookup.reading(data) as connection:
        lookup.plugin(connection, plugin)
