"""Write a plugin for Innkeeper.

from plugin_sdk_py import Plugin, Request, public

plugin = Plugin("hello", version="1.0.0", description="Says hello")

@plugin.get("/hello", auth=public())
def hello(request: Request) -> dict[str, str]:
    return {"hello": request.query.get("name", "world")}
"""

from plugin_sdk_py.api.config import Installation
from plugin_sdk_py.api.customers import Customer, Identity, Profile
from plugin_sdk_py.api.messages import Attachment, Conversation, Incoming, Message, Outgoing, Page, Receipt
from plugin_sdk_py.api.store import Entry, Store
from plugin_sdk_py.auth import challenge, github, hmac, hubspot, public, shopify, slack, standard_webhooks, stripe, token
from plugin_sdk_py.declared import inject
from plugin_sdk_py.dedupe import dedupe_by
from plugin_sdk_py.errors import Conflict, Denied, Failed, HostError, Invalid, NotFound, Outside, Rejected, Unavailable
from plugin_sdk_py.hooks import Event
from plugin_sdk_py.plugin import Plugin
from plugin_sdk_py.request import Request
from plugin_sdk_py.response import Response
from plugin_sdk_py.tools import ToolResult
from plugin_sdk_py.values import Headers, Values

__all__ = [
    "Attachment",
    "Conflict",
    "Conversation",
    "Customer",
    "Denied",
    "Entry",
    "Event",
    "Failed",
    "Headers",
    "HostError",
    "Identity",
    "Incoming",
    "Installation",
    "Invalid",
    "Message",
    "NotFound",
    "Outgoing",
    "Outside",
    "Page",
    "Plugin",
    "Profile",
    "Receipt",
    "Rejected",
    "Request",
    "Response",
    "Store",
    "ToolResult",
    "Unavailable",
    "Values",
    "challenge",
    "dedupe_by",
    "github",
    "hmac",
    "hubspot",
    "inject",
    "public",
    "shopify",
    "slack",
    "standard_webhooks",
    "stripe",
    "token",
]
