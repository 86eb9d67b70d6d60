"""Conversations and their messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from plugin_sdk_py.api.customers import Profile, lower_profile
from plugin_sdk_py.api.host import call, host
from plugin_sdk_py.text import Json, dump_object, load, optional, text, whole

__all__ = ["Attachment", "Conversation", "Incoming", "Message", "Messages", "Outgoing", "Page", "Receipt"]


@dataclass(slots=True, kw_only=True)
class Attachment:
    """`kind` is `image`, `audio`, `document`, `location` and so on; `media_id` the provider's handle of the content."""

    kind: str
    media_id: str | None = None
    url: str | None = None
    mime_type: str | None = None
    filename: str | None = None
    size_bytes: int | None = None
    metadata: Mapping[str, Json] | None = None


@dataclass(slots=True, kw_only=True)
class Incoming:
    """A message from outside.

    `external_id` is the provider's id: a second message with it adds nothing. `reply_to` is the provider's id of the message that this one
    answers. `sent_at` is in milliseconds since 1970.
    """

    source: str
    sender_external_id: str
    sender: Profile = field(default_factory=Profile)
    external_id: str | None = None
    kind: str = "text"
    text: str | None = None
    attachments: Sequence[Attachment] = ()
    reply_to: str | None = None
    sent_at: int | None = None
    metadata: Mapping[str, Json] | None = None


@dataclass(slots=True, kw_only=True)
class Outgoing:
    """A message to send into a conversation."""

    conversation_id: str
    kind: str = "text"
    text: str | None = None
    attachments: Sequence[Attachment] = ()
    reply_to: str | None = None
    metadata: Mapping[str, Json] | None = None


@dataclass(slots=True, kw_only=True)
class Message:
    """`status` is one of received, queued, sent, delivered, read, failed, unknown. Times are milliseconds since 1970."""

    id: str
    conversation_id: str
    customer_id: str
    source: str
    direction: Literal["inbound", "outbound"]
    kind: str
    text: str | None
    attachments: list[Attachment]
    external_id: str | None
    reply_to: str | None
    status: str
    metadata: dict[str, Json]
    created_at: int


class Conversation(NamedTuple):
    """`status` is open or closed. Times are milliseconds since 1970."""

    id: str
    source: str
    customer_id: str
    agent_id: str | None
    status: str
    created_at: int
    updated_at: int


class Receipt(NamedTuple):
    """Where a message went. `duplicate`: it was known and nothing was added."""

    message_id: str
    conversation_id: str
    customer_id: str
    agent_id: str | None
    duplicate: bool
    new_conversation: bool


class Page(NamedTuple):
    """`next` is the cursor of the page after this one, None at the end."""

    messages: list[Message]
    next: str | None


class Messages:
    """A plugin touches messages only through its own sources. Grants: `messages.receive`, `messages.send`, `messages.read`."""

    def receive(self, message: Incoming) -> Receipt:
        """Adds a message: to the sender's open conversation or a new one, the sender made or updated, an agent picked.

        Grant: `messages.receive`. Raises `Denied`, `NotFound` (the source is not this plugin's), `Invalid`.
        """
        receipt = call(
            host.messages.receive,
            host.messages.Incoming(
                text(message.source, "source"),
                text(message.sender_external_id, "sender_external_id"),
                lower_profile(message.sender),
                optional(message.external_id, "external_id"),
                text(message.kind, "kind"),
                optional(message.text, "text"),
                [_lower_attachment(attachment) for attachment in message.attachments],
                optional(message.reply_to, "reply_to"),
                None if message.sent_at is None else whole(message.sent_at, "sent_at", 64),
                dump_object(message.metadata, "metadata"),
            ),
        )
        return Receipt(
            receipt.message_id,
            receipt.conversation_id,
            receipt.customer_id,
            receipt.agent_id,
            receipt.duplicate,
            receipt.new_conversation,
        )

    def send(self, message: Outgoing) -> Message:
        """Goes out after the handler has succeeded. Grant: `messages.send`. Raises `Denied`, `NotFound`, `Invalid`, `Unavailable`."""
        return _lift(
            call(
                host.messages.send,
                host.messages.Outgoing(
                    text(message.conversation_id, "conversation_id"),
                    text(message.kind, "kind"),
                    optional(message.text, "text"),
                    [_lower_attachment(attachment) for attachment in message.attachments],
                    optional(message.reply_to, "reply_to"),
                    dump_object(message.metadata, "metadata"),
                ),
            )
        )

    def get(self, id: str) -> Message:
        """Grant: `messages.read`. Raises `Denied`, `NotFound`."""
        return _lift(call(host.messages.get, text(id, "id")))

    def by_conversation(self, conversation_id: str, *, cursor: str | None = None, limit: int = 50) -> Page:
        """Newest first, at most `limit` (1 to 200). Grant: `messages.read`. Raises `Denied`, `NotFound`, `Invalid`."""
        arguments = text(conversation_id, "conversation_id"), optional(cursor, "cursor"), whole(limit, "limit", 32)
        page = call(host.messages.get_by_conversation, *arguments)
        return Page([_lift(message) for message in page.messages], page.next)

    def get_conversation(self, id: str) -> Conversation:
        """Grant: `messages.read`. Raises `Denied`, `NotFound`."""
        found = call(host.messages.get_conversation, text(id, "id"))
        return Conversation(found.id, found.source, found.customer_id, found.agent_id, found.status, found.created_at, found.updated_at)

    def close_conversation(self, id: str) -> None:
        """Closing a closed one is no error. Grant: `messages.receive`. Raises `Denied`, `NotFound`."""
        call(host.messages.close_conversation, text(id, "id"))

    def update_status(self, *, source: str, external_id: str, status: str, at: int, detail: Mapping[str, Json] | None = None) -> None:
        """Moves the message that the provider knows as `external_id` forward; before the message is known it waits 24 hours for it.

        `at` is in milliseconds since 1970; `detail` goes into the message's metadata under `status`. Grant: `messages.receive`.
        Raises `Denied`, `NotFound` (the source is not this plugin's), `Invalid` (an unknown status).
        """
        call(
            host.messages.update_status,
            text(source, "source"),
            text(external_id, "external_id"),
            text(status, "status"),
            whole(at, "at", 64),
            dump_object(detail, "detail"),
        )


def _lower_attachment(attachment: Attachment) -> Any:
    return host.messages.Attachment(
        text(attachment.kind, "kind"),
        optional(attachment.media_id, "media_id"),
        optional(attachment.url, "url"),
        optional(attachment.mime_type, "mime_type"),
        optional(attachment.filename, "filename"),
        None if attachment.size_bytes is None else whole(attachment.size_bytes, "size_bytes", 64),
        dump_object(attachment.metadata, "metadata"),
    )


def _lift_attachment(record: Any) -> Attachment:
    return Attachment(
        kind=record.kind,
        media_id=record.media_id,
        url=record.url,
        mime_type=record.mime_type,
        filename=record.filename,
        size_bytes=record.size_bytes,
        metadata=None if record.metadata is None else load(record.metadata),
    )


def _lift(record: Any) -> Message:
    return Message(
        id=record.id,
        conversation_id=record.conversation_id,
        customer_id=record.customer_id,
        source=record.source,
        direction="inbound" if record.direction is host.messages.Direction.INBOUND else "outbound",
        kind=record.kind,
        text=record.text,
        attachments=[_lift_attachment(attachment) for attachment in record.attachments],
        external_id=record.external_id,
        reply_to=record.reply_to,
        status=record.status,
        metadata=load(record.metadata),
        created_at=record.created_at,
    )
