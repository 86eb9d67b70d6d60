"""Bodies of all requests together: as many bytes as the host has room for, and as many of one sender as leave room for others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from host.model.errors import RequestError
from host.model.limits import Limits

SHARE = 4
"""As many addresses at least it takes to fill what there is, where it has room for as many of the largest bodies."""
LEAST = Limits().input_bytes
"""Bytes of one sender for which there is room however few there are: a body of any size that a plugin takes by default."""


class Bodies:
    """Counts the bytes that requests hold, from their arrival until the request is answered."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0
        self._part = min(most, max(most // SHARE, LEAST))
        self._held_of: dict[str, int] = {}
        """By address; of those that hold any."""

    def __repr__(self) -> str:
        return f"<Bodies [{self.held} of {self.most} bytes, {len(self._held_of)} addresses]>"

    def room(self, address: str | None) -> int:
        """What one sender can hold if it holds nothing yet. None is one of whom nothing is known, perhaps all the world."""
        return self.most if address is None else self._part

    @contextmanager
    def holding(self, address: str | None) -> Iterator[Callable[[int], None]]:
        """Gives what a request calls with the size of each part before it keeps it; raises `RequestError` with 503 where there is no room.

        However the request ends, what it took is free again.
        """
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            self._take(address, size)
            taken += size

        try:
            yield take
        finally:
            self._give_back(address, taken)

    def _take(self, address: str | None, size: int) -> None:
        if self.held + size > self.most:
            raise _full("the host holds as many bodies of requests as it has room for")
        if address is not None and size:
            held = self._held_of.get(address, 0) + size
            if held > self._part:
                raise _full("the host holds as many bodies of requests from this address as it has room for")
            self._held_of[address] = held
        self.held += size

    def _give_back(self, address: str | None, size: int) -> None:
        self.held -= size
        if address is not None and size:
            self._held_of[address] -= size
            if not self._held_of[address]:
                del self._held_of[address]


def _full(message: str) -> RequestError:
    return RequestError(503, "host.bodies", message)
