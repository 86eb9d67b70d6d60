"""Every error of Innkeeper: one base, small families, a stable code each.

An exception's docstring is its default message. The codes are part of the contract: answers,
records, the console and the command line show them, tests assert on them. `status` is the HTTP status that answers a failed request.
"""

from host.model import remedies


class InnkeeperError(Exception):
    """Something went wrong."""

    code: str = "internal"
    status: int = 500
    for_senders: bool = False
    """Whether the message may go to whoever sent a request. Otherwise they get the docstring: the message is for operators and authors."""
    retry_after_s: float = 1
    """Seconds after which the same request makes sense again, where it is answered 429 or 503."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())

    @property
    def message(self) -> str:
        return str(self.args[0])

    @property
    def message_for_senders(self) -> str:
        return self.message if self.for_senders else (type(self).__doc__ or "").strip()


class GuestError(InnkeeperError):
    """The guest's call did not succeed. Its effects are dropped."""

    code = "guest"
    status = 502


class Rejected(GuestError):
    """The plugin rejected the request."""

    code = "rejected"
    for_senders = True
    status = 422


class Failed(GuestError):
    """The plugin failed."""

    code = "failed"


class UnknownTool(GuestError):
    """The plugin has no such tool."""

    code = "tool.unknown"
    for_senders = True
    status = 404


class InvalidArguments(GuestError):
    """The arguments are not what the tool takes."""

    code = "tool.invalid-arguments"
    for_senders = True
    status = 422


class ToolFailed(Failed):
    """The tool failed."""

    code = "tool.failed"
    for_senders = True


class Trap(GuestError):
    """The guest trapped. Its instance is thrown away."""

    code = "trap"


class OutOfFuel(GuestError):
    """The call used up its fuel."""

    code = "fuel"
    for_senders = True
    status = 504


class DeadlineExceeded(GuestError):
    """The call did not end before its deadline."""

    code = "deadline"
    for_senders = True
    status = 504


class LostToOthers(DeadlineExceeded):
    """Other calls were in the way until the call's deadline: no fault of the guest."""


class LimitExceeded(GuestError):
    """A limit was reached."""

    for_senders = True

    def __init__(self, name: str, message: str) -> None:
        """`name` is a field of `Limits`, with hyphens, or what the sandbox itself limits, by a fixed figure: `stack`, `handles`,
        `random-bytes`, `tables`, `memories`, `core-instances`. The code is `limit.<name>`."""
        super().__init__(message)
        self.name = name
        self.code = f"limit.{name}"


class ReplayDiverged(GuestError):
    """The guest asked something that is not on the tape."""

    code = "replay"


class HostFunctionError(GuestError):
    """A host function failed. That is a defect of the host, not of the guest."""

    code = "internal"
    status = 500


class HostError(InnkeeperError):
    """A host function does not do what it was asked. Crosses the boundary as WIT's `host-error`; the guest may go on."""

    def __init__(self, code: str, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_ms = retry_after_ms


def denied(capability: str, organization: str, plugin: str) -> HostError:
    """The answer to a call whose grant is missing: names the capability, the subject and the remedy."""
    return HostError(
        "denied",
        f"{plugin} has no grant {capability!r} in organisation {organization!r}; an operator gives it with: "
        f"{remedies.grant(plugin, capability, organization)}",
    )


def not_found(kind: str, name: str) -> HostError:
    """The same answer for what never existed and for what is somebody else's."""
    return HostError("not-found", f"no {kind} {name!r}")


def invalid(what: str) -> HostError:
    return HostError("invalid", what)


class ComponentError(InnkeeperError):
    """The file is not a plugin that this host can run."""

    code = "component"


class NotAComponent(ComponentError):
    """The file is not a WebAssembly component."""

    code = "component.not-a-component"


class WrongWorld(ComponentError):
    """The component does not fit the contract: it imports or exports what innkeeper:plugin does not have."""

    code = "component.wrong-world"


class MissingExport(ComponentError):
    """The manifest names what the component does not export."""

    code = "component.missing-export"


class CompileLimit(ComponentError):
    """Compiling the component took more memory or time than it may."""

    code = "component.compile-limit"


class InvalidManifest(ComponentError):
    """The manifest is not valid."""

    code = "manifest.invalid"


class BuildFailed(ComponentError):
    """The plugin could not be built."""

    code = "build.failed"


class UsageError(InnkeeperError):
    """A command can't do what it was asked: says what is wrong and what to do. Exit code 2; nothing was changed."""

    code = "usage"


class UnknownOrganization(UsageError):
    """There is no such organisation."""

    code = "organization.unknown"


class NotInstalled(UsageError):
    """The plugin is not installed in the organisation, or not enabled."""

    code = "plugin.not-installed"


class NotOpen(InnkeeperError):
    """The plugin host is not open."""

    code = "host.not-open"
    status = 503


class WrongLoop(UsageError):
    """The plugin host belongs to another event loop."""

    code = "host.wrong-loop"


class Conflict(InnkeeperError):
    """Somebody else was faster: the invocation runs again."""

    code = "conflict"


class KeyTaken(Conflict):
    """Another request with the same dedupe key was faster: its response answers this one too."""

    code = "dedupe.taken"


class PlatformFailed(InnkeeperError):
    """The platform that keeps messages and customers failed: nothing was stored."""

    code = "platform"


class RequestError(InnkeeperError):
    """A request that no guest gets to see. `status` is the HTTP status that answers it."""

    for_senders = True

    def __init__(self, status: int, code: str, message: str, retry_after_s: float = 1) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s
