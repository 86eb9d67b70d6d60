"""Which of a plugin's declared routes a request is for."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from host.model.installation import Installation
from host.model.manifest import Route
from host.web.errors import MethodNotAllowed


@dataclass(frozen=True)
class Match:
    """A route, the method that it runs with, and what its path's `{names}` stand for. `challenge`: the host answers, not the guest."""

    route: Route
    method: str
    parameters: list[tuple[str, str]]
    challenge: bool
    granted: bool


@dataclass(frozen=True)
class Pattern:
    """A route's path. A segment is a text, or None with the name of a parameter beside it."""

    route: Route
    segments: list[tuple[str | None, str]]
    granted: bool

    @classmethod
    def of(cls, route: Route, grants: frozenset[str]) -> "Pattern":
        parts = route.path.split("/")[1:]
        named: list[tuple[str | None, str]] = [(None, part[1:-1]) if part.startswith("{") else (unquote(part), "") for part in parts]
        return cls(route, named, route.granted(grants))

    @property
    def rank(self) -> list[bool]:
        """A text goes before a parameter, segment by segment from the left."""
        return [text is None for text, _ in self.segments]

    @property
    def methods(self) -> list[str]:
        return [*self.route.methods, *(["GET"] if self.route.challenge else [])]

    def match(self, segments: list[str]) -> list[tuple[str, str]] | None:
        """The parameters, or None, of as many segments as the pattern has. A parameter is never empty."""
        parameters = []
        for (text, name), segment in zip(self.segments, segments, strict=True):
            if text is None and segment:
                parameters.append((name, segment))
            elif text != segment:
                return None
        return parameters


class RouteTable:
    """The routes of an installation. Paths are compared decoded, segment by segment; one with a slash at its end is another path."""

    def __init__(self, installation: Installation) -> None:
        patterns = [Pattern.of(route, installation.grants) for route in installation.manifest.routes]
        self._by_length: dict[int, list[Pattern]] = {}
        for pattern in sorted(patterns, key=lambda pattern: pattern.rank):
            self._by_length.setdefault(len(pattern.segments), []).append(pattern)

    def match(self, method: str, segments: list[str]) -> Match | None:
        """The first route with that path and method. HEAD is GET where it is not declared itself: the guest gets to see GET.

        Raises `MethodNotAllowed` where the path is declared, but not with that method; with OPTIONS, which the host answers, it says the
        same. What is public without a grant is not there.
        """
        candidates = self._by_length.get(len(segments), [])
        matching = [(pattern, parameters) for pattern in candidates if (parameters := pattern.match(segments)) is not None]
        for wanted in (method, "GET") if method == "HEAD" else (method,):
            for pattern, parameters in matching:
                if wanted in pattern.methods:
                    challenge = wanted == "GET" and pattern.route.challenge is not None
                    return Match(pattern.route, wanted, parameters, challenge, pattern.granted)
        if allowed := {method for pattern, _ in matching if pattern.granted for method in _with_head(pattern.methods)}:
            raise MethodNotAllowed(sorted({*allowed, "OPTIONS"}))
        return None


def _with_head(methods: list[str]) -> Iterator[str]:
    yield from methods
    if "GET" in methods:
        yield "HEAD"
