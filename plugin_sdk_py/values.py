"""Names with values, where a name may come more than once: headers, queries."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

__all__ = ["Headers", "Pairs", "Values"]

Pairs: TypeAlias = "Mapping[str, str] | Iterable[tuple[str, str]]"


def pairs(values: Pairs) -> list[tuple[str, str]]:
    return list(values.items()) if isinstance(values, Mapping) else list(values)


class Values(Mapping[str, str]):
    """A mapping to the first value of each name. `get_all` gives every value of a name, `pairs` everything in its order."""

    def __init__(self, values: Pairs = ()) -> None:
        self._pairs = [(self._fold(name), value) for name, value in pairs(values)]
        self._first = dict(reversed(self._pairs))

    @staticmethod
    def _fold(name: str) -> str:
        return name

    def __getitem__(self, name: str) -> str:
        return self._first[self._fold(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._pairs))

    def __len__(self) -> int:
        return len(self._first)

    def get_all(self, name: str) -> list[str]:
        """Every value of `name`, in order; empty where there is none."""
        folded = self._fold(name)
        return [value for candidate, value in self._pairs if candidate == folded]

    def pairs(self) -> list[tuple[str, str]]:
        """All names and values, in order."""
        return list(self._pairs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._pairs!r})"


class Headers(Values):
    """Values whose names are the same in upper and lower case; kept in lower case."""

    @staticmethod
    def _fold(name: str) -> str:
        return name.lower()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._first
