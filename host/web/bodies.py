"""Bodies of all requests together: as many bytes as the host has room for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from host.model.errors import RequestError


class Bodies:
    """Counts the bytes that requests hold, from their arrival until the request is answered."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    def __repr__(self) -> str:
        return f"<Bodies [{self.held} of {self.most} bytes]>"

    @contextmanager
    def holding(self) -> Iterator[Callable[[int], None]]:
        """Gives what a request calls with the size of each part before it keeps it; raises `RequestError` with 503 where there is no room.

        However the request ends, what it took is free again.
        """
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if self.held + size > self.most:
                raise RequestError(503, "host.bodies", "the host holds as many bodies of requests as it has room for")
            self.held += size
            taken += size

        try:
            yield take
        finally:
            self.held -= taken
