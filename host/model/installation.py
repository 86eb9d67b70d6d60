"""One organisation's copy of a plugin, as the hot path needs it: everything in one immutable snapshot."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from host.model.limits import Limits
from host.model.manifest import Manifest


class Secrets(Mapping[str, str]):
    """Unsealed secrets by name. Shows its names, never a value."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Secrets [{', '.join(sorted(self._values))}]>"


class Installation(Struct, frozen=True, kw_only=True):
    """`settings` is a JSON object as text, complete with the manifest's defaults; `digest` the component's SHA-256 in hexadecimal.

    `enabled` by its organisation and for the plugin as a whole. `breaker_open`: after repeated failures it is not called.
    """

    organization: str
    plugin: str
    digest: str
    manifest: Manifest
    settings: str
    grants: frozenset[str]
    secrets: Secrets
    limits: Limits
    enabled: bool = True
    breaker_open: bool = False
