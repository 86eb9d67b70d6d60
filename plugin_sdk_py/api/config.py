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
    """This organisation's settings, complete with defaults. Each use asks the host, since they may change between two requests."""

    def __init__(self) -> None:
        self._text = ""
        self._values: dict[str, Json] = {}

    def _current(self) -> dict[str, Json]:
        text = host.config.settings()
        if text != self._text:
            self._text, self._values = text, load(text)
        return self._values

    def __getitem__(self, name: str) -> Json:
        return self._current()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())
