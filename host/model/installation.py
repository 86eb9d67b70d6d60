"""One organisation's copy of a plugin, as the hot path needs it: everything in one immutable snapshot."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType

from msgspec import Struct

from host.model.limits import Limits
from host.model.manifest import Manifest
from host.model.masks import Masks


class Secrets(Mapping[str, str]):
    """Unsealed secrets by name. Shows its names, never a value, and goes nowhere: it is neither pickled nor encoded.

    `shut` has those that do not open, each with the reason. They are as if they were not set.
    """

    __slots__ = ("_values", "shut")

    def __init__(self, values: Mapping[str, str], shut: Mapping[str, str] = MappingProxyType({})) -> None:
        self._values = dict(values)
        self.shut = dict(shut)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Secrets [{', '.join(sorted(self._values))}]>"

    def __reduce__(self) -> str:
        raise TypeError("secrets are not copied and not pickled")


class Installation(Struct, frozen=True, kw_only=True, dict=True, weakref=True):
    """`settings` is a JSON object as text, complete with the manifest's defaults; `digest` the component's SHA-256 in hexadecimal.

    `own_secrets` are the plugin's own, which serve shared routes: host functions must not look at them.
    `enabled` by its organisation and for the plugin as a whole. `breaker_open`: after repeated failures it is not called.
    """

    organization: str
    plugin: str
    digest: str
    manifest: Manifest
    settings: str
    grants: frozenset[str]
    secrets: Secrets
    own_secrets: Secrets = Secrets({})
    limits: Limits
    enabled: bool = True
    breaker_open: bool = False

    @cached_property
    def masks(self) -> Masks:
        """What hides the values of its secrets, and of the plugin's own, in what anybody reads."""
        return Masks([*self.secrets.items(), *self.own_secrets.items()])
