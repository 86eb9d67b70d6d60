"""Randomness from the host, for ids and tokens. Python's own `random`, `secrets` and `uuid` are fed by the host as well."""

from plugin_sdk_py.api.host import host
from plugin_sdk_py.text import whole

__all__ = ["Random"]


class Random:
    def number(self) -> int:
        """Sixty-four random bits."""
        return int(host.random.number())

    def hex(self, count: int) -> str:
        """`count` random bytes (at most 4096) as lower-case hexadecimal digits."""
        return str(host.random.hex(whole(count, "count", 32)))

    def uuid(self) -> str:
        """A version 7 UUID, in order of time."""
        return str(host.random.uuid())
