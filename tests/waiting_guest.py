"""A small plugin that waits: it sleeps through WASI for as long as its code says, then answers."""

from typing import Any

from tests.guests_wat import Respond, plugin

IMPORTS = """(component
  (import "wasi:io/poll@0.2.9" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.9" (instance $clock
    (alias outer 1 $pollable (type $p0)) (export "pollable" (type $p (eq $p0)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $duration (canon lower (func $clock "subscribe-duration")))
  (core func $drop (canon resource.drop $pollable))
  (core instance $wasi (export "block" (func $block)) (export "duration" (func $duration)) (export "drop" (func $drop)))
  (core module $module
    (import "wasi" "block" (func $block (param i32)))
    (import "wasi" "duration" (func $duration (param i64) (result i32)))
    (import "wasi" "drop" (func $drop (param i32)))"""


def waiting(described: dict[str, Any], milliseconds: int = 3_600_000, body: bytes = b"done") -> bytes:
    """The component, as text. Without anything else said it waits longer than any deadline."""
    nanoseconds = milliseconds * 1_000_000
    sleep = f"(local $p i32) (call $block (local.tee $p (call $duration (i64.const {nanoseconds})))) (call $drop (local.get $p))"
    text = plugin(described, Respond(body=body, before=sleep)).decode()
    text = text.replace("(component\n  (core module $module", IMPORTS, 1)
    return text.replace("(instantiate $module)", '(instantiate $module (with "wasi" (instance $wasi)))', 1).encode()
