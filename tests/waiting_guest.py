"""A small plugin that waits: it sleeps through WASI for as long as its code says, then answers."""

from typing import Any

from tests.guests_wat import Respond, plugin


def waiting(described: dict[str, Any], milliseconds: int = 3_600_000, body: bytes = b"done") -> bytes:
    """The component, as text. Without anything else said it waits longer than any deadline."""
    nanoseconds = milliseconds * 1_000_000
    sleep = f"(local $p i32) (call $block (local.tee $p (call $duration (i64.const {nanoseconds})))) (call $drop (local.get $p))"
    return plugin(described, Respond(body=body, before=sleep), ["duration", "block", "drop"])
