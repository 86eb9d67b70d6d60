"""Small plugins in WebAssembly text: no toolchain, a few milliseconds to compile, and every byte of their memory as the test says.

`plugin(manifest, handler)` gives a component that exports `manifest` and `webhooks`. A handler is the body of the core function behind
`webhooks.handle`: `$request` points at the arguments as the canonical ABI lays them out (see `REQUEST`), and what is left on the stack
points at the result. `Report()` and `Respond(...)` are the two that most tests need.

`plugin(manifest, handler, lifecycle={"start": Succeed()})` exports `lifecycle` too, with `Succeed`, `Fail` or `Code` for what has something
to do; the functions that are not given trap. The manifest names those that are.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from tests import host_functions_wat

RESULT = 64
"""Where a result is written, in bytes from the start of memory."""
DATA = 1024
"""Where constants are."""
PAGE = 65536
OUT = "exported-"
REQUEST = {
    "route": 0, "method": 8, "url": 16, "path": 24, "parameters": 32, "query": 40, "headers": 48, "body": 60,
    "delivery_id": 68, "attempt": 76, "received_at": 80, "verified": 88,
}  # fmt: skip
"""Offsets of the arguments, each text and list as its address and its length. At 56 is the body's case: 0 for text, 1 for base64."""

TYPES = (
    ("header", '(record (field "name" string) (field "value" string))'),
    ("payload", '(variant (case "text" string) (case "base64" string))'),
    (
        "request",
        """(record (field "method" string) (field "url" string) (field "path" string)
        (field "parameters" (list $header)) (field "query" (list $header)) (field "headers" (list $header))
        (field "body" $payload) (field "delivery-id" string) (field "attempt" u32) (field "received-at" u64) (field "verified" bool))""",
    ),
    ("response", '(record (field "status" u16) (field "headers" (list $header)) (field "body" $payload))'),
    ("plugin-error", '(variant (case "rejected" string) (case "failed" string))'),
)
"""The interface's types, those that others use first."""

HELPERS = """
    ;; The output of a report: from $start to $end, one piece after the other.
    (func $put (param $from i32) (param $size i32)
      (call $reserve (i32.add (global.get $end) (local.get $size)))
      (memory.copy (global.get $end) (local.get $from) (local.get $size))
      (global.set $end (i32.add (global.get $end) (local.get $size))))
    (func $put_text (param $field i32)
      (call $put (i32.load (local.get $field)) (i32.load offset=4 (local.get $field))))
    (func $put_byte (param $byte i32)
      (call $reserve (i32.add (global.get $end) (i32.const 1)))
      (i32.store8 (global.get $end) (local.get $byte))
      (global.set $end (i32.add (global.get $end) (i32.const 1))))
    ;; Pairs as name, unit separator, value, record separator.
    (func $put_pairs (param $field i32) (local $at i32) (local $last i32)
      (local.set $at (i32.load (local.get $field)))
      (local.set $last (i32.add (local.get $at) (i32.mul (i32.load offset=4 (local.get $field)) (i32.const 16))))
      (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $last)))
        (call $put_text (local.get $at))
        (call $put_byte (i32.const 31))
        (call $put_text (i32.add (local.get $at) (i32.const 8)))
        (call $put_byte (i32.const 30))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
      (call $put_byte (i32.const 29)))
    (func $put_field (param $field i32)
      (call $put_text (local.get $field))
      (call $put_byte (i32.const 29)))
    (func $reserve (param $to i32) (local $missing i32)
      (local.set $missing (i32.sub (local.get $to) (i32.mul (memory.size) (i32.const 65536))))
      (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
        (if (i32.eq (memory.grow (i32.div_u (i32.add (local.get $missing) (i32.const 65535)) (i32.const 65536))) (i32.const -1))
          (then (unreachable))))))
    (func $realloc (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $address i32)
      (local.set $address (i32.and
        (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1))) (i32.sub (i32.const 0) (local.get $align))))
      (global.set $heap (i32.add (local.get $address) (local.get $size)))
      (call $reserve (global.get $heap))
      (memory.copy (local.get $address) (local.get $old) (local.get $old_size))
      (local.get $address))
"""

SEPARATORS = "\x1d", "\x1e", "\x1f"


class Memory:
    """Constants of a component, one behind the other."""

    def __init__(self) -> None:
        self.data = bytearray()

    def place(self, data: bytes) -> int:
        """The address of these bytes, a multiple of eight."""
        self.data += bytes(-len(self.data) % 8)
        self.data += data
        return DATA + len(self.data) - len(data)

    def text(self, text: bytes) -> bytes:
        """A string's address and length, as the canonical ABI stores them."""
        return self.place(text).to_bytes(4, "little") + len(text).to_bytes(4, "little")


class Handler(ABC):
    """WebAssembly text, the constants that it uses, and the host's functions that it calls (see `tests.host_functions_wat`)."""

    functions: Sequence[str] = ()

    @abstractmethod
    def build(self, memory: Memory) -> str:
        """The text. `memory` is what the constants are placed in."""


class Code(Handler):
    """Instructions as they are: `Code("unreachable")`."""

    def __init__(self, instructions: str) -> None:
        self._instructions = instructions

    def build(self, memory: Memory) -> str:
        return self._instructions


class Respond(Handler):
    """Answers every request the same. Texts go out as they are given here, byte for byte, after `before` (instructions) has run."""

    def __init__(self, status: int = 200, headers: Sequence[tuple[str, bytes]] = (), body: bytes = b"", before: str = "") -> None:
        self._status, self._headers, self._body, self._before = status, headers, body, before

    def build(self, memory: Memory) -> str:
        pairs = b"".join([memory.text(name.encode()) + memory.text(value) for name, value in self._headers])
        result = bytes(4) + self._status.to_bytes(4, "little") + memory.place(pairs).to_bytes(4, "little")
        result += len(self._headers).to_bytes(4, "little") + bytes(4) + memory.text(self._body)
        return f"{self._before} (i32.const {memory.place(result)})"


class Echo(Handler):
    """Answers with the body that it was given, text as text and base64 as base64."""

    def build(self, memory: Memory) -> str:
        body = REQUEST["body"]
        return f"""
          (i32.store (i32.const {RESULT}) (i32.const 0))
          (i32.store16 offset=4 (i32.const {RESULT}) (i32.const 200))
          (i32.store offset=8 (i32.const {RESULT}) (i32.const {DATA})) (i32.store offset=12 (i32.const {RESULT}) (i32.const 0))
          (i32.store8 offset=16 (i32.const {RESULT}) (i32.load8_u offset=56 (local.get $request)))
          (i32.store offset=20 (i32.const {RESULT}) (i32.load offset={body} (local.get $request)))
          (i32.store offset=24 (i32.const {RESULT}) (i32.load offset={body + 4} (local.get $request)))
          (i32.const {RESULT})"""


class Succeed(Handler):
    """A lifecycle function's success, after `before` (instructions) has run. For `validate-auth` `$proposed` and `$size` are the text."""

    def __init__(self, before: str = "") -> None:
        self._before = before

    def build(self, memory: Memory) -> str:
        return f"{self._before} (i32.const {memory.place(bytes(16))})"


class Fail(Handler):
    """A lifecycle function's error: `failed` or `rejected`, with these words."""

    def __init__(self, message: str, case: str = "failed") -> None:
        self._message, self._case = message, case

    def build(self, memory: Memory) -> str:
        case = ("rejected", "failed").index(self._case)
        result = (1).to_bytes(4, "little") + case.to_bytes(4, "little") + memory.text(self._message.encode())
        return f"(i32.const {memory.place(result)})"


class Keep(Handler):
    """Writes a store entry of the plugin's, then does what `then` does. `guarded`: only where there is none, else it traps.

    `value` is JSON. With `times` it is written so often.
    """

    def __init__(self, key: str, value: str, then: Handler, *, guarded: bool = False, times: int = 1) -> None:
        self._key, self._value, self._then, self._guarded, self._times = key, value, then, guarded, times
        self._function = "compare-and-set" if guarded else "set"
        self.functions = [self._function, *then.functions]

    def build(self, memory: Memory) -> str:
        key, value, result = memory.place(self._key.encode()), memory.place(self._value.encode()), memory.place(bytes(32))
        texts = " ".join(f"(i32.const {number})" for number in (0, 0, 0, key, len(self._key.encode()), value, len(self._value.encode())))
        none = "(i32.const 0) (i32.const 0) (i32.const 0) " if self._guarded else ""
        write = f"(call ${self._function} {texts} {none}(i32.const {result}))"
        return f"""
          (global.set $left (i32.const {self._times}))
          (loop $again {write}
            (if (i32.load8_u (i32.const {result})) (then (unreachable)))
            (global.set $left (i32.sub (global.get $left) (i32.const 1)))
            (br_if $again (global.get $left)))
          {self._then.build(memory)}"""


class Report(Handler):
    """Answers with all that it was given; `Told` reads it."""

    def build(self, memory: Memory) -> str:
        texts = "".join(f"(call $put_field (i32.add (local.get $request) (i32.const {REQUEST[name]})))" for name in Told.TEXTS)
        lists = "".join(f"(call $put_pairs (i32.add (local.get $request) (i32.const {REQUEST[name]})))" for name in Told.LISTS)
        return f"""
          (global.set $start (global.get $heap)) (global.set $end (global.get $heap))
          {texts} {lists}
          (call $put_byte (i32.add (i32.const 48) (i32.load8_u offset=56 (local.get $request)))) (call $put_byte (i32.const 29))
          (call $put_byte (i32.add (i32.const 48) (i32.load8_u offset={REQUEST["verified"]} (local.get $request))))
          (call $put_byte (i32.const 29))
          (call $put_text (i32.add (local.get $request) (i32.const {REQUEST["body"]})))
          (i32.store (i32.const {RESULT}) (i32.const 0))
          (i32.store16 offset=4 (i32.const {RESULT}) (i32.const 200))
          (i32.store offset=8 (i32.const {RESULT}) (i32.const {DATA})) (i32.store offset=12 (i32.const {RESULT}) (i32.const 0))
          (i32.store offset=16 (i32.const {RESULT}) (i32.const 0))
          (i32.store offset=20 (i32.const {RESULT}) (global.get $start))
          (i32.store offset=24 (i32.const {RESULT}) (i32.sub (global.get $end) (global.get $start)))
          (i32.const {RESULT})"""


class Told:
    """What a `Report` says that the guest got. `body` is the text that crossed: base64 where `base64` says so."""

    TEXTS = ("route", "method", "url", "path", "delivery_id")
    LISTS = ("parameters", "query", "headers")

    def __init__(self, content: bytes) -> None:
        group, record, unit = SEPARATORS
        parts = content.decode().split(group, len(self.TEXTS) + len(self.LISTS) + 2)
        self.route, self.method, self.url, self.path, self.delivery_id = parts[:5]
        self.parameters, self.query, self.headers = ([tuple(pair.split(unit)) for pair in part.split(record)[:-1]] for part in parts[5:8])
        self.base64, self.verified = parts[8] == "1", parts[9] == "1"
        self.body = parts[10]

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


def manifest(*routes: dict[str, Any], name: str = "probe", **properties: Any) -> dict[str, Any]:
    """A valid manifest with these routes."""
    return {"name": name, "version": "1.0.0", "description": "A plugin for tests", "routes": list(routes), **properties}


LIFECYCLE = ("initialize", "start", "settings-changed", "validate-auth", "stop")


def plugin(
    described: dict[str, Any],
    handler: Handler,
    functions: Sequence[str] = (),
    core: str = "",
    lifecycle: Mapping[str, Handler] | None = None,
) -> bytes:
    """The component, as text. `functions` are the host's that the handler calls (see `tests.host_functions_wat`), `core` is what else its
    core module has. With `lifecycle` it exports that too."""
    memory = Memory()
    code = handler.build(memory)
    life = {name: (lifecycle or {}).get(name, Code("(unreachable)")).build(memory) for name in LIFECYCLE if lifecycle is not None}
    description = memory.place(memory.text(json.dumps(described).encode()))
    base = -(-(DATA + len(memory.data)) // PAGE) * PAGE
    data = "".join(f"\\{byte:02x}" for byte in memory.data)
    functions = [*dict.fromkeys([*functions, *(name for each in (handler, *(lifecycle or {}).values()) for name in each.functions)])]
    return f"""(component
  {_library(base, functions) if functions else ""}
  (core module $module
    {_imported(functions) if functions else _owned(base)}
    (global $start (mut i32) (i32.const 0))
    (global $end (mut i32) (i32.const 0))
    (global $left (mut i32) (i32.const 0))
    (data (i32.const {DATA}) "{data}"){HELPERS} {core}
    (func (export "describe") (result i32) (i32.const {description}))
    (func $answer (param $request i32) (result i32) {code})
    ;; What the next call is given goes where this one's was: the host has read the result by then.
    (func (export "handle") (param $request i32) (result i32)
      (call $answer (local.get $request))
      (global.set $heap (i32.const {base})))
    {"".join(_core_of(name, text) for name, text in life.items())})
  (core instance $core (instantiate $module {_given() if functions else ""}))
  {"" if functions else _aliases("core")}
  (alias core export $core "describe" (core func $describe))
  (alias core export $core "handle" (core func $handle))
  (func $describe (result string) (canon lift (core func $describe) (memory $memory) (realloc (core func $realloc))))
  (instance $manifest (export "describe" (func $describe)))
  (export "innkeeper:plugin/manifest@0.1.0" (instance $manifest))
  {_webhooks()}{_lifecycle() if life else ""})""".encode()


def _core_of(name: str, code: str) -> str:
    parameters = "(param $proposed i32) (param $size i32) " if name == "validate-auth" else ""
    return f"""
    (func (export "{name}") {parameters}(result i32) {code})"""


def _lifecycle() -> str:
    """As `_webhooks`, whose type of a plugin's error it shares."""
    wit = dict(TYPES)["plugin-error"]
    parts = [_lifecycle_function(name) for name in LIFECYCLE]
    functions, imported, exported, handed = ("".join(part) for part in zip(*parts, strict=True))
    return f"""{functions}
  (component $life_shim (type $new {wit}) (import "plugin-error" (type $plugin-error (eq $new))) {imported}
    (type $out {wit}) (export ${OUT}plugin-error "plugin-error" (type $out)) {exported})
  (instance $lifecycle (instantiate $life_shim (with "plugin-error" (type $plugin-error)) {handed}))
  (export "innkeeper:plugin/lifecycle@0.1.0" (instance $lifecycle))"""


def _lifecycle_function(name: str) -> tuple[str, str, str, str]:
    """Lifted, as the shim imports it, exports it, and is given it."""
    parameters = '(param "proposed" string) ' if name == "validate-auth" else ""
    wit = f"{parameters}(result (result (error $plugin-error)))"
    lifted = f"""
  (alias core export $core "{name}" (core func $core-{name}))
  (func ${name} {wit} (canon lift (core func $core-{name}) (memory $memory) (realloc (core func $realloc))))"""
    imported = f'(import "the-{name}" (func ${name} {wit}))'
    return lifted, imported, f'(export "{name}" (func ${name}) (func {_out(wit)}))', f'(with "the-{name}" (func ${name}))'


def _owned(base: int) -> str:
    """The core module's own memory, and where its heap begins."""
    return f"""(memory (export "memory") {base // PAGE + 1})
    (global $heap (mut i32) (i32.const {base}))"""


def _library(base: int, functions: Sequence[str]) -> str:
    """Memory and heap in a core module of their own: what a guest imports needs them before the guest is there."""
    return f"""{host_functions_wat.interfaces(functions)}
  (core module $library
    (memory (export "memory") {base // PAGE + 1})
    (global $heap (export "heap") (mut i32) (i32.const {base}))
    (global $start (mut i32) (i32.const 0))
    (global $end (mut i32) (i32.const 0)){HELPERS})
  (core instance $library (instantiate $library))
  {_aliases("library")}
  {host_functions_wat.lowered(functions)}"""


def _aliases(instance: str) -> str:
    return f"""(alias core export ${instance} "memory" (core memory $memory))
  (alias core export ${instance} "realloc" (core func $realloc))"""


def _imported(functions: Sequence[str]) -> str:
    return f"""(import "library" "memory" (memory 1))
    (import "library" "heap" (global $heap (mut i32)))
    {host_functions_wat.wanted(functions)}"""


def _given() -> str:
    return '(with "library" (instance $library)) (with "host" (instance $host))'


def _webhooks() -> str:
    """The interface's instance. A component of its own gives it: in an exported function's type each part is itself an export."""
    types = "".join(f"(type ${name} {wit})" for name, wit in TYPES)
    imported = "".join(f'(type $new-{name} {wit}) (import "{name}" (type ${name} (eq $new-{name})))' for name, wit in TYPES)
    exported = "".join(f'(type $out-{name} {_out(wit)}) (export ${OUT}{name} "{name}" (type $out-{name}))' for name, wit in TYPES)
    handed = "".join(f'(with "{name}" (type ${name}))' for name, _ in TYPES)
    handle = '(param "route" string) (param "request" $request) (result (result $response (error $plugin-error)))'
    return f"""{types}
  (func $handle {handle} (canon lift (core func $handle) (memory $memory) (realloc (core func $realloc))))
  (component $shim {imported}
    (import "handle-webhook" (func $handle {handle}))
    {exported}
    (export "handle" (func $handle) (func {_out(handle)})))
  (instance $webhooks (instantiate $shim {handed} (with "handle-webhook" (func $handle))))
  (export "innkeeper:plugin/webhooks@0.1.0" (instance $webhooks))"""


def _out(wit: str) -> str:
    return wit.replace("$", f"${OUT}")
