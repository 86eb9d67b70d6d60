"""Host functions as plugins in WebAssembly text import them: by interface its text, and by function how the core module calls it."""

from collections.abc import Sequence

WITH_MEMORY = "(memory $memory) (realloc $realloc)"

INTERFACES = {
    "random": """(import "innkeeper:plugin/random@0.1.0" (instance $random
      (export "number" (func (result u64)))
      (export "hex" (func (param "count" u32) (result string)))))""",
    "log": """(import "innkeeper:plugin/log@0.1.0" (instance $log
      (type $l (enum "debug" "info" "warn" "error")) (export "level" (type $level (eq $l)))
      (export "write" (func (param "level" $level) (param "message" string) (param "fields" (option string))))))""",
    "store": """(import "innkeeper:plugin/store@0.1.0" (instance $store
      (type $e (record (field "code" string) (field "message" string) (field "retry-after-ms" (option u32))))
      (export "host-error" (type $error (eq $e)))
      (type $s (variant (case "plugin") (case "workspace" string) (case "task" string) (case "conversation" string)
        (case "customer" string)))
      (export "scope" (type $scope (eq $s)))
      (export "set" (func (param "scope" $scope) (param "key" string) (param "value" string) (result (result (error $error)))))
      (export "compare-and-set" (func
        (param "scope" $scope) (param "key" string) (param "value" string) (param "expected" (option string))
        (result (result (error $error)))))
      (export "add" (func (param "scope" $scope) (param "key" string) (param "by" s64) (result (result (error $error)))))))""",
    "clock": """(import "wasi:io/poll@0.2.9" (instance $poll
      (export "pollable" (type $p (sub resource)))
      (export "[method]pollable.block" (func (param "self" (borrow $p))))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:clocks/monotonic-clock@0.2.9" (instance $clock
      (alias outer 1 $pollable (type $p0)) (export "pollable" (type $p (eq $p0)))
      (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))""",
}

FUNCTIONS = {
    "number": ("random", '(canon lower (func $random "number"))', "(result i64)"),
    "hex": ("random", f'(canon lower (func $random "hex") {WITH_MEMORY})', "(param i32 i32)"),
    "write": ("log", f'(canon lower (func $log "write") {WITH_MEMORY})', "(param i32 i32 i32 i32 i32 i32)"),
    "set": ("store", f'(canon lower (func $store "set") {WITH_MEMORY})', "(param i32 i32 i32 i32 i32 i32 i32 i32)"),
    "compare-and-set": (
        "store",
        f'(canon lower (func $store "compare-and-set") {WITH_MEMORY})',
        "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)",
    ),
    "add": ("store", f'(canon lower (func $store "add") {WITH_MEMORY})', "(param i32 i32 i32 i32 i32 i64 i32)"),
    "duration": ("clock", '(canon lower (func $clock "subscribe-duration"))', "(param i64) (result i32)"),
    "block": ("clock", '(canon lower (func $poll "[method]pollable.block"))', "(param i32)"),
    "drop": ("clock", "(canon resource.drop $pollable)", "(param i32)"),
}
"""By the name that the core module has for it: its interface, how it is lowered, and its core type."""


def interfaces(functions: Sequence[str]) -> str:
    """The component's imports."""
    return "\n".join(text for name, text in INTERFACES.items() if name in {FUNCTIONS[each][0] for each in functions})


def lowered(functions: Sequence[str]) -> str:
    """The core functions, and the core instance `$host` that has them."""
    canon = "\n".join(f"(core func ${name} {FUNCTIONS[name][1]})" for name in functions)
    parts = " ".join(f'(export "{name}" (func ${name}))' for name in functions)
    return f"{canon}\n(core instance $host {parts})"


def wanted(functions: Sequence[str]) -> str:
    """The core module's imports."""
    return "\n".join(f'(import "host" "{name}" (func ${name} {FUNCTIONS[name][2]}))' for name in functions)
