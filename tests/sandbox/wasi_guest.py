"""A guest in WAT that uses every part of WASI that there is for guests, and some that there is not."""

IMPORTS = """
  (import "wasi:io/poll@0.2.9" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.ready" (func (param "self" (borrow $p)) (result bool)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))
    (export "poll" (func (param "in" (list (borrow $p))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.9" (instance $clock
    (alias outer 1 $pollable (type $p0)) (export "pollable" (type $p (eq $p0)))
    (export "now" (func (result u64)))
    (export "subscribe-instant" (func (param "when" u64) (result (own $p))))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (import "wasi:clocks/wall-clock@0.2.9" (instance $wall
    (type $d (record (field "seconds" u64) (field "nanoseconds" u32))) (export "datetime" (type $datetime (eq $d)))
    (export "now" (func (result $datetime)))))
  (import "wasi:random/random@0.2.9" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))
    (export "get-random-u64" (func (result u64)))))
  (import "wasi:io/error@0.2.9" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/streams@0.2.9" (instance $streams
    (alias outer 1 $error (type $e0)) (export "error" (type $e (eq $e0)))
    (type $s (variant (case "last-operation-failed" (own $e)) (case "closed"))) (export "stream-error" (type $se (eq $s)))
    (export "input-stream" (type $in (sub resource)))
    (export "output-stream" (type $out (sub resource)))
    (export "[method]input-stream.blocking-read" (func (param "self" (borrow $in)) (param "len" u64)
      (result (result (list u8) (error $se)))))
    (export "[method]output-stream.check-write" (func (param "self" (borrow $out)) (result (result u64 (error $se)))))
    (export "[method]output-stream.write" (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $se)))))
    (export "[method]output-stream.blocking-flush" (func (param "self" (borrow $out)) (result (result (error $se)))))))
  (alias export $streams "output-stream" (type $output))
  (alias export $streams "input-stream" (type $input))
  (import "wasi:cli/stdout@0.2.9" (instance $stdout
    (alias outer 1 $output (type $o0)) (export "output-stream" (type $o (eq $o0))) (export "get-stdout" (func (result (own $o))))))
  (import "wasi:cli/stderr@0.2.9" (instance $stderr
    (alias outer 1 $output (type $o0)) (export "output-stream" (type $o (eq $o0))) (export "get-stderr" (func (result (own $o))))))
  (import "wasi:cli/stdin@0.2.9" (instance $stdin
    (alias outer 1 $input (type $i0)) (export "input-stream" (type $i (eq $i0))) (export "get-stdin" (func (result (own $i))))))
  (import "wasi:cli/environment@0.2.9" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))
    (export "get-arguments" (func (result (list string))))
    (export "initial-cwd" (func (result (option string))))))
  (import "wasi:cli/exit@0.2.9" (instance $exit (export "exit" (func (param "status" (result))))))
  (import "wasi:filesystem/preopens@0.2.9" (instance $preopens (export "get-directories" (func (result (list (tuple u32 string)))))))
  (import "wasi:filesystem/types@0.2.9" (instance $files
    (type $c (enum "access" "exist")) (export "error-code" (type $code (eq $c)))
    (export "open" (func (param "path" string) (result (result u32 (error $code)))))))
  (import "wasi:sockets/tcp-create-socket@0.2.9" (instance $tcp
    (type $c (enum "unknown" "access-denied")) (export "error-code" (type $code (eq $c)))
    (export "create-tcp-socket" (func (param "address-family" u8) (result (result u32 (error $code)))))))
  (import "wasi:sockets/other@0.2.9" (instance $other (export "connect" (func))))
"""
WITH_MEMORY = "(memory $memory) (realloc $realloc)"
LOWERED = {
    name: f'(canon lower (func ${instance} "{function}") {WITH_MEMORY}) => {core}'
    for name, (instance, function, core) in {
        "ready": ("poll", "[method]pollable.ready", "(param i32) (result i32)"),
        "block": ("poll", "[method]pollable.block", "(param i32)"),
        "poll": ("poll", "poll", "(param i32 i32 i32)"),
        "now": ("clock", "now", "(result i64)"),
        "instant": ("clock", "subscribe-instant", "(param i64) (result i32)"),
        "duration": ("clock", "subscribe-duration", "(param i64) (result i32)"),
        "wall": ("wall", "now", "(param i32)"),
        "bytes": ("random", "get-random-bytes", "(param i64 i32)"),
        "u64": ("random", "get-random-u64", "(result i64)"),
        "read": ("streams", "[method]input-stream.blocking-read", "(param i32 i64 i32)"),
        "check": ("streams", "[method]output-stream.check-write", "(param i32 i32)"),
        "write": ("streams", "[method]output-stream.write", "(param i32 i32 i32 i32)"),
        "flush": ("streams", "[method]output-stream.blocking-flush", "(param i32 i32)"),
        "stdout": ("stdout", "get-stdout", "(result i32)"),
        "stderr": ("stderr", "get-stderr", "(result i32)"),
        "stdin": ("stdin", "get-stdin", "(result i32)"),
        "environment": ("environment", "get-environment", "(param i32)"),
        "arguments": ("environment", "get-arguments", "(param i32)"),
        "cwd": ("environment", "initial-cwd", "(param i32)"),
        "exit": ("exit", "exit", "(param i32)"),
        "directories": ("preopens", "get-directories", "(param i32)"),
        "open": ("files", "open", "(param i32 i32 i32)"),
        "tcp": ("tcp", "create-tcp-socket", "(param i32 i32)"),
        "connect": ("other", "connect", ""),
    }.items()
} | {"drop": "(canon resource.drop $pollable) => (param i32)", "drop-output": "(canon resource.drop $output) => (param i32)"}

CORE = """
  (func $put (param i32 i32 i32) (call $write (local.get 0) (local.get 1) (local.get 2) (i32.const 0)) (call $drop-output (local.get 0)))
  (func (export "print") (param i32 i32) (call $put (call $stdout) (local.get 0) (local.get 1)))
  (func (export "complain") (param i32 i32) (call $put (call $stderr) (local.get 0) (local.get 1)))
  (func (export "flood") (param i32 i32 i32) (loop $again
    (call $put (call $stdout) (local.get 0) (local.get 1))
    (br_if $again (local.tee 2 (i32.sub (local.get 2) (i32.const 1))))))
  (func (export "write-at-once") (param i32) (drop (memory.grow (i32.div_u (local.get 0) (i32.const 65536))))
    (call $put (call $stdout) (i32.const 1024) (local.get 0)))
  (func (export "allowance") (result i64) (local i32)
    (call $check (local.tee 0 (call $stdout)) (i32.const 0)) (call $drop-output (local.get 0)) (i64.load (i32.const 8)))
  (func (export "sleep") (param i64) (local i32)
    (call $block (local.tee 1 (call $duration (local.get 0)))) (call $drop (local.get 1)))
  (func (export "sleep-until") (param i64) (local i32)
    (call $block (local.tee 1 (call $instant (local.get 0)))) (call $drop (local.get 1)))
  (func (export "is-ready") (param i64) (result i32) (call $ready (call $duration (local.get 0))))
  (func (export "poll") (param i64 i64) (result i32)
    (i32.store (i32.const 64) (call $duration (local.get 0))) (i32.store (i32.const 68) (call $duration (local.get 1)))
    (call $poll (i32.const 64) (i32.const 2) (i32.const 0))
    (i32.const 0))
  (func (export "poll-nothing") (call $poll (i32.const 64) (i32.const 0) (i32.const 0)))
  (func (export "poll-many") (param i32) (local i32 i32)
    (drop (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get 0) (i32.const 16384)))))
    (local.set 1 (call $duration (i64.const 0)))
    (loop $again
      (i32.store (i32.add (i32.const 1024) (i32.mul (local.get 2) (i32.const 4))) (local.get 1))
      (br_if $again (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (local.get 0))))
    (call $poll (i32.const 1024) (local.get 0) (i32.const 0)))
  (func (export "hold") (param i32) (loop $again
    (drop (call $duration (i64.const 1)))
    (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "hold-outputs") (param i32) (loop $again
    (drop (call $stdout))
    (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "come-and-go") (param i32) (loop $again
    (call $drop (call $duration (i64.const 1)))
    (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "now") (result i64) (call $now))
  (func (export "wall") (result i64) (call $wall (i32.const 0)) (i64.load (i32.const 0)))
  (func (export "random") (param i64) (result i32) (call $bytes (local.get 0) (i32.const 0)) (i32.const 0))
  (func (export "random-number") (result i64) (call $u64))
  (func (export "stdin") (result i32) (call $read (call $stdin) (i64.const 10) (i32.const 0)) (i32.load8_u (i32.const 0)))
  (func (export "surroundings") (result i32)
    (call $environment (i32.const 0)) (call $arguments (i32.const 8)) (call $directories (i32.const 16)) (call $cwd (i32.const 24))
    (i32.add (i32.add (i32.load (i32.const 4)) (i32.load (i32.const 12))) (i32.add (i32.load (i32.const 20)) (i32.load8_u (i32.const 24)))))
  (func (export "exit") (param i32) (call $exit (local.get 0)))
  (func (export "file") (result i32) (call $open (i32.const 0) (i32.const 0) (i32.const 8)) (i32.load (i32.const 8))
    (i32.add (i32.mul (i32.const 10)) (i32.load8_u (i32.const 12))))
  (func (export "socket") (result i32) (call $tcp (i32.const 0) (i32.const 8)) (i32.load8_u (i32.const 8))
    (i32.add (i32.mul (i32.const 10)) (i32.load8_u (i32.const 12))))
  (func (export "connect") (call $connect))
"""
N32, N64, TEXT = '(param "n" u32)', '(param "n" u64)', f'(param "s" string) => {WITH_MEMORY}'
LIFTED = {
    "print": TEXT, "complain": TEXT, "flood": f'(param "s" string) (param "n" u32) => {WITH_MEMORY}', "write-at-once": N32,
    "allowance": "(result u64)", "sleep": N64, "sleep-until": N64, "is-ready": f"{N64} (result bool)",
    "poll": f'(param "a" u64) (param "b" u64) (result (list u32)) => {WITH_MEMORY}', "poll-nothing": "", "poll-many": N32, "hold": N32,
    "hold-outputs": N32, "come-and-go": N32, "now": "(result u64)",
    "wall": "(result u64)", "random": f"{N64} (result (list u8)) => {WITH_MEMORY}",
    "random-number": "(result u64)", "stdin": "(result u32)", "surroundings": "(result u32)", "exit": '(param "status" (result))',
    "file": "(result u32)", "socket": "(result u32)", "connect": "",
}  # fmt: skip
EXPORTS = "\n".join(
    f'(func (export "{name}") {wit} (canon lift (core func $i "{name}") {options}))'
    for name, (wit, _, options) in ((name, text.partition("=>")) for name, text in LIFTED.items())
)
