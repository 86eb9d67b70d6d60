"""`innkeeper doctor`: what a host needs, looked at one by one. Nothing is changed, and no check keeps another from being made."""

import sqlite3
from collections.abc import Callable, Iterator

from host.cli.configuration import ServerConfiguration
from host.cli.doctor import directory, system
from host.cli.doctor.finding import Finding, ok, warning, wrong
from host.model.errors import InnkeeperError

__all__ = ["Finding", "examine"]


def examine(found: ServerConfiguration) -> list[Finding]:
    """All findings for a server that would be started like this."""
    folder = directory.Directory(found.place.data)
    checks: dict[str, Callable[[], Finding]] = {
        "configuration": lambda: _configuration(found),
        "python": system.python,
        "packages": system.packages,
        "sandbox": system.sandbox,
        "directory": folder.itself,
        "server": folder.server,
        "schema": folder.schema,
        "integrity": folder.integrity,
        "key": folder.key,
        "components": folder.components,
        "cache": lambda: folder.cache(found.place.cache),
        "disk": lambda: system.disk(found.place.data, found.place.cache),
        "open-files": system.open_files,
        "memory-maps": lambda: system.memory_maps(found.options.max_instances),
        "clock": lambda: system.clock(folder.newest()),
        "port": lambda: system.port(found.place.host, found.place.port, folder.holder()),
    }
    return list(_made(checks))


def _made(checks: dict[str, Callable[[], Finding]]) -> Iterator[Finding]:
    for name, check in checks.items():
        try:
            yield check().named(name)
        except (InnkeeperError, OSError, sqlite3.Error) as error:
            said = error.message if isinstance(error, InnkeeperError) else str(error)
            yield wrong(said, "see what that says, and run this again").named(name)
        except Exception as error:  # boundary: one check's defect hides no other's finding
            yield wrong(f"this could not be looked at: {type(error).__name__}: {error}", "report it").named(name)


def _configuration(found: ServerConfiguration) -> Finding:
    if found.unknown:
        return warning(f"{', '.join(found.unknown)} in the environment means nothing", "see `innkeeper serve --print-config` for the names")
    return ok(f"the options can work; the file is {found.file}" if found.file else "the options can work; there is no file")
