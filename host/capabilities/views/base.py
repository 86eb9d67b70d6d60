"""What the platform told one invocation."""

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeAlias, TypeVar, cast

from host.capabilities.reads import Platform
from host.model.errors import LimitExceeded
from host.model.size import size

T = TypeVar("T")
Read: TypeAlias = tuple[Hashable, ...]
"""The kind of what was read, and its key: `("entry", scope, key)`."""


class Base:
    """The platform's reads for one organisation and plugin. Each single thing is asked for once: a second look sees the same.

    `reads` is everything that was asked for by key, with its answer, None for what was absent. Scans and pages are not in it.
    """

    def __init__(self, platform: Platform, organization: str, plugin: str, read_bytes: int) -> None:
        self.platform = platform
        self.organization = organization
        self.plugin = plugin
        self.reads: dict[Read, object] = {}
        self._read_bytes = read_bytes
        self._bytes = 0

    async def once(self, read: Read, ask: Callable[[], Awaitable[T]]) -> T:
        """Raises `LimitExceeded` `answer-bytes` where all that was read, which stays in memory, has more than `read_bytes`."""
        if read not in self.reads:
            answer = self.reads[read] = await ask()
            self._bytes += size(answer)
            if self._bytes > self._read_bytes:
                raise LimitExceeded("answer-bytes", f"the guest reads more than {self._read_bytes} bytes (the limit answer-bytes)")
        return cast(T, self.reads[read])
