"""The functions that guests export, with our types for their values."""

from typing import Any

from host.model.case import Case, Err, Ok
from host.model.errors import Failed, GuestError, MissingExport, Rejected
from host.model.event import Event
from host.model.tool import Called
from host.model.webhook import Request, Response
from host.sandbox.component import Component, Export, ExportTypes

DESCRIBE = ("manifest", "describe")
HANDLE_WEBHOOK = ("webhooks", "handle")
HANDLE_HOOK = ("hooks", "handle")
CALL_TOOL = ("tools", "call")
LONGEST = 64 * 1024
"""Characters of a plugin's error. A small part of them is recorded and answered, but all are searched for secrets, on the event loop."""
TYPES: ExportTypes = {
    "manifest.describe": ([], str),
    "webhooks.handle": ([str, Request], Response),
    "lifecycle.initialize": ([], None),
    "lifecycle.start": ([], None),
    "lifecycle.settings-changed": ([], None),
    "lifecycle.validate-auth": ([str], None),
    "lifecycle.stop": ([], None),
    "hooks.handle": ([Event], str | None),
    "tools.call": ([str, str], Called),
}


def export(component: Component, name: tuple[str, str]) -> Export:
    """The export. Raises `MissingExport`."""
    found = component.export(*name)
    if found is None:
        raise MissingExport(f"the component does not export {'.'.join(name)}")
    return found


def value_of(result: Ok[Any] | Err[Case]) -> Any:
    """What a plugin gave, or its `plugin-error` raised: `Rejected` or `Failed`."""
    if isinstance(result, Ok):
        return result.value
    raise plugin_error(result.value)


def plugin_error(case: Case) -> GuestError:
    message = str(case.value)[:LONGEST]
    return Rejected(message) if case.name == "rejected" else Failed(message)
