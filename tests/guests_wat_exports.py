"""Small plugins in WebAssembly text that have hooks and tools: `plugin(manifest, hook=..., tool=...)`, as in `tests.guests_wat`.

A hook's or a tool's handler is the body of a core function with the arguments as the canonical ABI passes them ($id, $name, $at, $data of
an event, $name and $arguments of a call; of each text the address, and its length as `$..._size`), and leaves the result's address.
"""

import json
from typing import Any

from tests.guests_wat import DATA, HELPERS, PAGE, RESULT, Code, Handler, Memory
from tests.guests_wat import manifest as manifest_of

PLUGIN_ERROR = '(variant (case "rejected" string) (case "failed" string))'
HOOKS = (
    "hooks",
    "handle",
    {
        "plugin-error": PLUGIN_ERROR,
        "event": '(record (field "id" string) (field "name" string) (field "occurred-at" u64) (field "data" string))',
    },
    '(param "event" $event) (result (result (option string) (error $plugin-error)))',
    "(param $id i32) (param $id_size i32) (param $name i32) (param $name_size i32)"
    " (param $at i64) (param $data i32) (param $data_size i32)",
)
TOOLS = (
    "tools",
    "call",
    {
        "tool-result": '(record (field "content" string) (field "structured" (option string)) (field "is-error" bool))',
        "tool-error": '(variant (case "unknown-tool") (case "invalid-arguments" string) (case "failed" string))',
    },
    '(param "name" string) (param "arguments" string) (result (result $tool-result (error $tool-error)))',
    "(param $name i32) (param $name_size i32) (param $arguments i32) (param $arguments_size i32)",
)
TRAP = Code("unreachable")
SPIN = Code("(loop $again (br $again)) unreachable")


class Returned(Handler):
    """A result that is always the same: these bytes and texts, one behind the other, each text as its address and length."""

    def __init__(self, *parts: bytes | str) -> None:
        self._parts = parts

    def build(self, memory: Memory) -> str:
        fields = b"".join(memory.text(part.encode()) if isinstance(part, str) else part for part in self._parts)
        return f"(i32.const {memory.place(fields)})"


def case(number: int) -> bytes:
    """A variant's case before its payload."""
    return number.to_bytes(4, "little")


def answer(text: str | None) -> Handler:
    """A hook's answer."""
    return Returned(case(0), case(0)) if text is None else Returned(case(0), case(1), text)


def hook_error(number: int, text: str) -> Handler:
    """0: `rejected`, 1: `failed`."""
    return Returned(case(1), case(number), text)


def _given(text: str) -> Code:
    return Code(
        f"""(i32.store (i32.const {RESULT}) (i32.const 0)) (i32.store offset=4 (i32.const {RESULT}) (i32.const 1))
        (i32.store offset=8 (i32.const {RESULT}) (local.get {text})) (i32.store offset=12 (i32.const {RESULT}) (local.get {text}_size))
        (i32.const {RESULT})"""
    )


ECHO, ID = _given("$data"), _given("$id")
"""Hooks that answer with the event's data, or its id."""
MIRROR = Code(
    f"""(i32.store (i32.const {RESULT}) (i32.const 0))
    (i32.store offset=4 (i32.const {RESULT}) (i32.const {DATA})) (i32.store offset=8 (i32.const {RESULT}) (i32.const 2))
    (i32.store offset=12 (i32.const {RESULT}) (i32.const 1))
    (i32.store offset=16 (i32.const {RESULT}) (local.get $arguments)) (i32.store offset=20 (i32.const {RESULT}) (local.get $arguments_size))
    (i32.store8 offset=24 (i32.const {RESULT}) (i32.const 0)) (i32.const {RESULT})"""
)
"""A tool whose structured result is its arguments, without content."""


def gave(content: str, structured: str | None = None, is_error: bool = False) -> Handler:
    """A tool's result."""
    told = (case(0), case(0), case(0)) if structured is None else (case(1), structured)
    return Returned(case(0), content, *told, case(int(is_error)))


def tool_error(number: int, text: str = "") -> Handler:
    """0: `unknown-tool`, 1: `invalid-arguments`, 2: `failed`."""
    return Returned(case(1), case(number), text)


def manifest(name: str, *, events: tuple[str, ...] = (), tools: tuple[dict[str, Any], ...] = (), **properties: Any) -> dict[str, Any]:
    return manifest_of(name=name, hooks=[{"event": event} for event in events], tools=list(tools), **properties)


def plugin(described: dict[str, Any], *, hook: Handler = TRAP, tool: Handler = TRAP) -> bytes:
    """The component, as text."""
    memory = Memory()
    memory.place(b"[]")
    bodies = [(HOOKS, hook.build(memory)), (TOOLS, tool.build(memory))]
    description = memory.place(memory.text(json.dumps(described).encode()))
    base = -(-(DATA + len(memory.data)) // PAGE) * PAGE
    data = "".join(f"\\{byte:02x}" for byte in memory.data)
    return f"""(component
  (core module $module
    (memory (export "memory") {base // PAGE + 1})
    (global $heap (mut i32) (i32.const {base}))
    (global $start (mut i32) (i32.const 0))
    (global $end (mut i32) (i32.const 0))
    (data (i32.const {DATA}) "{data}"){HELPERS}
    (func (export "describe") (result i32) (i32.const {description}))
    {"".join(f'(func (export "{name}") {parameters} (result i32) {body})' for (name, _, _, _, parameters), body in bodies)})
  (core instance $core (instantiate $module))
  (alias core export $core "memory" (core memory $memory))
  (alias core export $core "realloc" (core func $realloc))
  (alias core export $core "describe" (core func $describe))
  (func $describe (result string) (canon lift (core func $describe) (memory $memory) (realloc (core func $realloc))))
  (instance $manifest (export "describe" (func $describe)))
  (export "innkeeper:plugin/manifest@0.1.0" (instance $manifest))
  {_interface(*HOOKS[:4])}
  {_interface(*TOOLS[:4])})""".encode()


def _interface(name: str, function: str, types: dict[str, str], signature: str) -> str:
    """An exported interface with one function. A component of its own gives it: see `tests.guests_wat`."""

    def named(wit: str, prefix: str) -> str:
        return wit.replace("$", f"${prefix}{name}-")

    outer = "".join(f"(type ${name}-{key} {named(wit, '')})" for key, wit in types.items())
    imported = "".join(
        f'(type $new-{name}-{key} {named(wit, "in-")}) (import "{key}" (type $in-{name}-{key} (eq $new-{name}-{key})))'
        for key, wit in types.items()
    )
    exported = "".join(
        f'(type $made-{name}-{key} {named(wit, "out-")}) (export $out-{name}-{key} "{key}" (type $made-{name}-{key}))'
        for key, wit in types.items()
    )
    handed = "".join(f'(with "{key}" (type ${name}-{key}))' for key in types)
    return f"""(alias core export $core "{name}" (core func ${name}))
  {outer}
  (func ${name} {named(signature, "")} (canon lift (core func ${name}) (memory $memory) (realloc (core func $realloc))))
  (component ${name}-shim {imported}
    (import "given" (func $given {named(signature, "in-")}))
    {exported}
    (export "{function}" (func $given) (func {named(signature, "out-")})))
  (instance ${name} (instantiate ${name}-shim {handed} (with "given" (func ${name}))))
  (export "innkeeper:plugin/{name}@0.1.0" (instance ${name}))"""
