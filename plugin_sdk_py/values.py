"""Names with values, where a name may come more than once: headers, queries."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

__all__ = ["Headers", "Pairs", "Values"]

Pairs: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]


def _pairs(values: Pairs) -> Iterable[tuple[str, str]]:
    return values.items() if isinstance(values, Mapping) else values


class Values(Mapping[str, str]):
    """A mapping to the first value of each name. `get_all` gives every value of a name, `pairs` everything in its order."""

    def __init__(self, values: Pairs = ()) -> None:
        self._pairs: list[tuple[str, str]] = list(_pairs(values))
        self._first: dict[str, str] = dict(reversed(self._pairs))

    def __getitem__(self, name: str) -> str:
        return self._first[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._pairs))

    def __len__(self) -> int:
        return len(self._first)

    def get_all(self, name: str) -> list[str]:
        """Every value of `name`, in order; empty where there is none."""
        return [value for candidate, value in self._pairs if candidate == name]

    def pairs(self) -> list[tuple[str, str]]:
        """All names and values, in order."""
        return list(self._pairs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._pairs!r})"


class Headers(Values):
    """Values whose names are the same in upper and lower case; kept in lower case."""

    def __init__(self, values: Pairs = ()) -> None:
        super().__init__([(name.lower(), value) for name, value in _pairs(values)])

    def __getitem__(self, name: str) -> str:
        return self._first[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._first

    def get_all(self, name: str) -> list[str]:
        return super().get_all(name.lower())
