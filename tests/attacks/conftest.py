"""The sandbox's own fixtures serve its attackers too."""

from tests.sandbox.conftest import cache, guest, load, new_call, run, toolbox, tools, wasi_guest

__all__ = ["cache", "guest", "load", "new_call", "run", "toolbox", "tools", "wasi_guest"]
