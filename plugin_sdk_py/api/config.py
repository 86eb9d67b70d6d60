"""Who the handler runs for, and what it was told."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from plugin_sdk_py.api.host import host
from plugin_sdk_py.text import Json, load

__all__ = ["Installation", "Settings", "installation"]


class Installation(NamedTuple):
    """The plugin in one organisation."""

    organization: str
    plugin: str
    version: str
    environment: Literal["production", "development"]


def installation() -> Installation:
    who = host.config.whoami()
    return Installation(who.organization, who.plugin, who.version, who.environment)


class Settings(Mapping[str, Json]):
    """This organisation's settings, complete with defaults. Asked from the host once per request, when they are first used."""

    def __init__(self) -> None:
        self._values: dict[str, Json] | None = None

    def forget(self) -> None:
        """The next use asks the host again: they may change between two requests."""
        self._values = None

    def _current(self) -> dict[str, Json]:
        if self._values is None:
            self._values = load(host.config.settings())
        return self._values

    def __getitem__(self, name: str) -> Json:
        return self._current()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())
