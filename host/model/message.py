"""Conversations and messages, as the interface `messages` has them. Metadata is a JSON object as text; times are milliseconds."""

from msgspec import Struct
from msgspec.structs import replace

from host.model.customer import Profile
from host.model.value import merge_into

STATUS_RANK = {"received": 0, "queued": 0, "unknown": 1, "sent": 2, "failed": 3, "delivered": 3, "read": 4}
"""A message's status only ever moves to a higher rank."""


class Attachment(Struct, frozen=True):
    kind: str
    media_id: str | None
    url: str | None
    mime_type: str | None
    filename: str | None
    size_bytes: int | None
    metadata: str | None


class Message(Struct, frozen=True):
    id: str
    conversation_id: str
    customer_id: str
    source: str
    direction: str
    kind: str
    text: str | None
    attachments: list[Attachment]
    external_id: str | None
    reply_to: str | None
    status: str
    metadata: str
    created_at: int


class Conversation(Struct, frozen=True):
    id: str
    source: str
    customer_id: str
    agent_id: str | None
    status: str
    created_at: int
    updated_at: int


class Incoming(Struct, frozen=True):
    source: str
    sender_external_id: str
    sender: Profile
    external_id: str | None
    kind: str
    text: str | None
    attachments: list[Attachment]
    reply_to: str | None
    sent_at: int | None
    metadata: str | None


class Receipt(Struct, frozen=True):
    message_id: str
    conversation_id: str
    customer_id: str
    agent_id: str | None
    duplicate: bool
    new_conversation: bool


class MessagePage(Struct, frozen=True):
    messages: list[Message]
    next: str | None


def advanced(message: Message, status: str, detail: str | None) -> Message:
    """The message after a report on its status, which only ever moves it forward. What `detail` says goes into its metadata."""
    if STATUS_RANK[status] <= STATUS_RANK[message.status]:
        return message
    metadata = message.metadata if detail is None or detail == "{}" else merge_into(message.metadata, "status", detail)
    return replace(message, status=status, metadata=metadata)
