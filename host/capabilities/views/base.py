"""What the platform told one invocation."""

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeAlias, TypeVar, cast

from host.capabilities.reads import Platform

T = TypeVar("T")
Read: TypeAlias = tuple[Hashable, ...]
"""The kind of what was read, and its key: `("entry", scope, key)`."""


class Base:
    """The platform's reads for one organisation and plugin. Each single thing is asked for once: a second look sees the same.

    `reads` is everything that was asked for by key, with its answer, None for what was absent. Scans and pages are not in it.
    """

    def __init__(self, platform: Platform, organization: str, plugin: str) -> None:
        self.platform = platform
        self.organization = organization
        self.plugin = plugin
        self.reads: dict[Read, object] = {}

    async def once(self, read: Read, ask: Callable[[], Awaitable[T]]) -> T:
        if read not in self.reads:
            self.reads[read] = await ask()
        return cast(T, self.reads[read])
