"""The host of plugins. Public names of the library; everything else is in the rooms below.

Importing this loads nothing else, and touches nothing: each name is fetched from its room when it is asked for.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from host.library import PluginHost
    from host.model.customer import Customer, Identity
    from host.model.effects import (
        ConversationClosed,
        ConversationOpened,
        CustomerChanged,
        CustomerCreated,
        CustomerEffect,
        IdentityLinked,
        MessageAdded,
        MessageEffect,
        StatusReported,
    )
    from host.model.errors import Conflict, InnkeeperError
    from host.model.message import Attachment, Conversation, Message
    from host.model.options import HostOptions
    from host.model.tool import ToolResult
    from host.runtime.hooks import HookResult
    from host.runtime.install import Installed
    from host.runtime.platform import Customers, Messages, OwnPlatform
    from host.runtime.tools import ListedTool
    from stores.schema import TABLES

_ROOMS = {
    "host.library": ("PluginHost",),
    "host.model.customer": ("Customer", "Identity"),
    "host.model.effects": (
        "ConversationClosed",
        "ConversationOpened",
        "CustomerChanged",
        "CustomerCreated",
        "CustomerEffect",
        "IdentityLinked",
        "MessageAdded",
        "MessageEffect",
        "StatusReported",
    ),
    "host.model.errors": ("Conflict", "InnkeeperError"),
    "host.model.message": ("Attachment", "Conversation", "Message"),
    "host.model.options": ("HostOptions",),
    "host.model.tool": ("ToolResult",),
    "host.runtime.hooks": ("HookResult",),
    "host.runtime.install": ("Installed",),
    "host.runtime.platform": ("Customers", "Messages", "OwnPlatform"),
    "host.runtime.tools": ("ListedTool",),
    "stores.schema": ("TABLES",),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "TABLES",
    "Attachment",
    "Conflict",
    "Conversation",
    "ConversationClosed",
    "ConversationOpened",
    "Customer",
    "CustomerChanged",
    "CustomerCreated",
    "CustomerEffect",
    "Customers",
    "HookResult",
    "HostOptions",
    "Identity",
    "IdentityLinked",
    "InnkeeperError",
    "Installed",
    "ListedTool",
    "Message",
    "MessageAdded",
    "MessageEffect",
    "Messages",
    "OwnPlatform",
    "PluginHost",
    "StatusReported",
    "ToolResult",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
