"""An event loop for a guest, which has no sockets to wait on: time is all that it can wait for."""

import asyncio
import time
import warnings
from typing import Any

__all__ = ["Loop", "install"]


class Loop(asyncio.BaseEventLoop):
    """What `asyncio.run` runs on. `select` is what the base class calls to wait: here it sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("asyncio: every task waits for something that can't happen, since a guest has no threads and no sockets")
        if timeout > 0:
            time.sleep(timeout)
        return []

    def _process_events(self, events: list[Any]) -> None: ...

    def _write_to_self(self) -> None: ...


def install() -> None:
    """Makes it the loop of `asyncio.run`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        asyncio.get_event_loop_policy()._loop_factory = Loop  # type: ignore[attr-defined]
