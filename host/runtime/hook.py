"""An event on its way to one plugin's hook."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from host.model.errors import Failed, HostError, RequestError
from host.model.event import Event
from host.model.value import MAX_DEPTH, document
from host.runtime.exports import HANDLE_HOOK, value_of
from host.runtime.request import InvocationRequest, Lookup


@dataclass(frozen=True, kw_only=True)
class HookRequest(InvocationRequest):
    """An event for a plugin whose manifest asks for it."""

    kind: ClassVar[str] = "hook"
    export: ClassVar[tuple[str, str]] = HANDLE_HOOK
    event: Event

    @property
    def name(self) -> str:
        return self.event.name

    def arguments(self) -> list[Any]:
        return [self.event]

    def value(self, result: Any) -> dict[str, Any] | None:
        """The answer, a JSON object, or None."""
        answer = value_of(result)
        return None if answer is None else json_object("the hook's answer", answer)

    def current(self, lookup: Lookup) -> "HookRequest":
        now = lookup(self.installation.organization, self.installation.plugin)
        if now is self.installation:
            return self
        if now is None or now.manifest.hook(self.event.name) is None:
            raise RequestError(404, "not-found", f"{self.installation.plugin} is not there any more, or has no hook {self.event.name!r}")
        return replace(self, installation=now)


def json_object(what: str, text: str) -> dict[str, Any]:
    """An object that a guest gave. Raises `Failed` where it is none."""
    try:
        found = document(what, text, MAX_DEPTH)[0]
    except HostError as error:
        raise Failed(error.message) from None
    if not isinstance(found, dict):
        raise Failed(f"{what}: a JSON object is needed")
    return found
