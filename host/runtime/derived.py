"""What is made of installations, once for each snapshot, and kept no longer than that is."""

from collections.abc import Callable
from typing import Generic, TypeVar

from host.model.installation import Installation
from host.runtime.configuration import Configuration

T = TypeVar("T")


class Derived(Generic[T]):
    """`make` makes it of an installation. After a change it is dropped with the snapshots that the configuration does not keep any more."""

    def __init__(self, configuration: Configuration, make: Callable[[Installation], T]) -> None:
        self._configuration = configuration
        self._make = make
        self._made: dict[tuple[str, str], tuple[Installation, T]] = {}
        configuration.on_change.append(self._forget)

    def __repr__(self) -> str:
        return f"<Derived [of {len(self._made)} installations]>"

    def of(self, installation: Installation) -> T:
        key = (installation.organization, installation.plugin)
        known = self._made.get(key)
        if known is None or known[0] is not installation:
            known = self._made[key] = (installation, self._make(installation))
        return known[1]

    def _forget(self) -> None:
        self._made = {key: made for key, made in self._made.items() if self._configuration.keeps(made[0])}
