"""Compiles one component, in a process of its own: compiling is not covered by wasmtime's promises, and takes memory and time as it likes.

    python -m host.sandbox.compile INPUT OUTPUT MEMORY_BYTES SECONDS

Exit codes: 0 and OUTPUT written; 3 when INPUT is no component (why is on stderr); anything else, or a signal: over a limit.
"""

import ctypes
import resource
import signal
import sys
from pathlib import Path

INVALID = 3
PR_SET_PDEATHSIG = 1


def limit(memory: int, seconds: int) -> None:
    """Caps this process: address space in bytes, processor time in seconds (both cores count), no core dump, no life after its parent's."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(arguments: list[str]) -> int:
    source, output, memory, seconds = arguments
    from wasmtime import Engine, WasmtimeError, wat2wasm
    from wasmtime.component import Component

    from host.sandbox.engine import configuration

    limit(int(memory), int(seconds))
    wasm = Path(source).read_bytes()
    try:
        binary = wasm if wasm.startswith(b"\0asm") else bytes(wat2wasm(wasm))
        compiled = Component(Engine(configuration()), binary).serialize()
    except (WasmtimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return INVALID
    Path(output).write_bytes(compiled)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
