"""Hooks: what a plugin does about an event of its organisation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from plugin_sdk_py import names
from plugin_sdk_py.text import Json

__all__ = ["Event", "Hook", "HookHandler"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """What happened. `id` is the same when the event is handed over again; `occurred_at` is in milliseconds since 1970.

    An author's unit test makes one with `Event(name="task.created", data={...})`.
    """

    name: str
    data: dict[str, Json]
    id: str = ""
    occurred_at: int = 0


HookHandler: TypeAlias = Callable[[Event], dict[str, Json] | None]


@dataclass(frozen=True, kw_only=True)
class Hook:
    event: str
    handler: HookHandler

    def __post_init__(self) -> None:
        """Raises TypeError or ValueError for what the manifest can't say."""
        names.identifier("event", self.event)
        names.plain_function("hook", self.event, self.handler)

    def describe(self) -> Json:
        return {"event": self.event}
