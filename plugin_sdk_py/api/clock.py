"""Time, as the invocation has it."""

from plugin_sdk_py.api.host import host

__all__ = ["Clock"]


class Clock:
    def now(self) -> int:
        """Wall-clock time in milliseconds since 1970. Starts at the request's receipt."""
        return int(host.clock.now())

    def monotonic(self) -> int:
        """Nanoseconds since some fixed moment; never goes back."""
        return int(host.clock.monotonic())
