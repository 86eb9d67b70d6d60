"""Conversations and their messages, for operators."""

from typing import Any

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from host.model.message import Attachment, Message
from host.web.api import admitted, document, embedded, identifier, window
from host.web.errors import NotFound
from stores import conversations, messages


async def list_conversations(request: Request) -> Response:
    """Newest first."""
    runtime, organization = admitted(request)
    return document(conversations.page(runtime.reads, organization, *window(request)))


async def list_messages(request: Request) -> Response:
    """Of one conversation, newest first."""
    runtime, organization = admitted(request)
    conversation = identifier(request)
    if conversations.conversation(runtime.reads, organization, conversation) is None:
        raise NotFound
    page = messages.page(runtime.reads, organization, conversation, *window(request))
    return document({"items": [_message(message) for message in page.items], "next": page.next})


def _message(message: Message) -> dict[str, Any]:
    attachments = [_attachment(attachment) for attachment in message.attachments]
    return asdict(message) | {"attachments": attachments, "metadata": embedded(message.metadata)}


def _attachment(attachment: Attachment) -> dict[str, Any]:
    return asdict(attachment) | {"metadata": embedded(attachment.metadata)}
