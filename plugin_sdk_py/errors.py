"""What a handler raises, and what the host raises in it."""

__all__ = ["Conflict", "Denied", "Failed", "HostError", "Invalid", "NotFound", "Outside", "PluginError", "Rejected", "Unavailable"]


class PluginError(Exception):
    """Ends the call: nothing that it did through the host is kept."""


class Rejected(PluginError):
    """The request is wrong and will stay so. Answered with 422, not tried again."""


class Failed(PluginError):
    """It may work later. Answered with 502, tried again where the delivery is queued. Any other exception ends the same way."""


class HostError(Exception):
    """The host did not do what it was asked, and changed nothing.

    `code` is stable; codes without a class of their own (`deadline`, and what later hosts add) come as a plain `HostError`.
    `retry_after_ms` says in how many milliseconds the same call makes sense again.
    """

    code = "internal"

    def __init__(self, message: str, *, code: str | None = None, retry_after_ms: int | None = None) -> None:
        self.message = message
        self.code = code or type(self).code
        self.retry_after_ms = retry_after_ms
        super().__init__(message if self.code == type(self).code else f"{self.code}: {message}")


class Denied(HostError):
    """A grant is missing: the message names it and how an operator gives it."""

    code = "denied"


class NotFound(HostError):
    """The same for what never existed and for what is somebody else's."""

    code = "not-found"


class Invalid(HostError):
    """An argument is not valid: the message says which, and how."""

    code = "invalid"


class Conflict(HostError):
    """Somebody else was faster, or an expected version is no longer the current one."""

    code = "conflict"


class Unavailable(HostError):
    """The same call may work later."""

    code = "unavailable"


class Outside(RuntimeError):
    """This works only while Innkeeper runs a handler."""


_BY_CODE = {kind.code: kind for kind in (Denied, NotFound, Invalid, Conflict, Unavailable)}


def host_error(code: str, message: str, retry_after_ms: int | None) -> HostError:
    """The exception for a `host-error` of the contract."""
    return _BY_CODE.get(code, HostError)(message, code=code, retry_after_ms=retry_after_ms)
