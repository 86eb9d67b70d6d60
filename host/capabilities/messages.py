"""The interface `messages`: conversations and their messages, through the plugin's own sources."""

from msgspec.structs import replace

from host.capabilities import checks, cursors, jsontext, profiles
from host.capabilities.invocation import Invocation
from host.capabilities.registry import function
from host.capabilities.sources import is_own, require_own
from host.model.customer import Identity
from host.model.effects import ConversationClosed, ConversationOpened, MessageAdded, StatusReported
from host.model.errors import not_found
from host.model.message import Attachment, Conversation, Incoming, Message, MessagePage, Receipt

LONGEST_PAGE = 200
STATUS_WAITS_MS = 24 * 60 * 60 * 1000
"""How long a status waits for the message that it names."""


@function("messages", "receive", grant="messages.receive")
async def receive(invocation: Invocation, message: Incoming) -> Receipt:
    """A message with an external id that the source has already changes nothing, not even the sender's profile.

    The sender is found by identity alone: e-mail addresses join customers in `customers.upsert`, which can say that two match.
    """
    incoming = _checked(message)
    await require_own(invocation, incoming.source)
    known = await _known(invocation, incoming)
    return await _duplicate(invocation, known) if known else await _receive(invocation, incoming)


@function("messages", "get", grant="messages.read")
async def get(invocation: Invocation, id: str) -> Message:
    message = await invocation.view.messages.get(checks.text("id", id))
    if message is None or not await is_own(invocation, message.source):
        raise not_found("message", id)
    return message


@function("messages", "get-by-conversation", grant="messages.read")
async def get_by_conversation(invocation: Invocation, conversation_id: str, cursor: str | None, limit: int) -> MessagePage:
    checks.between("limit", limit, 1, LONGEST_PAGE)
    query = ("messages", (await _conversation(invocation, "conversation-id", conversation_id)).id)
    page = await invocation.view.messages.page(conversation_id, cursors.decode(query, cursor), limit)
    return MessagePage(page.messages, None if page.next is None else cursors.encode(query, page.next))


@function("messages", "get-conversation", grant="messages.read")
async def get_conversation(invocation: Invocation, id: str) -> Conversation:
    return await _conversation(invocation, "id", id)


@function("messages", "close-conversation", grant="messages.receive")
async def close_conversation(invocation: Invocation, id: str) -> None:
    conversation = await _conversation(invocation, "id", id)
    if conversation.status != "closed":
        invocation.record(ConversationClosed(id, at=invocation.now_ms()))


@function("messages", "update-status", grant="messages.receive")
async def update_status(invocation: Invocation, source: str, external_id: str, status: str, at: int, detail: str | None) -> None:
    checks.text("external-id", external_id)
    checks.status(status)
    checks.moment("at", at)
    kept = jsontext.optional_object("detail", detail)
    await require_own(invocation, source)
    expires_at = invocation.now_ms() + STATUS_WAITS_MS
    invocation.record(StatusReported(source, external_id, status, at, expires_at, kept))


def _checked(incoming: Incoming) -> Incoming:
    """The message as it is kept."""
    checks.text("sender-external-id", incoming.sender_external_id)
    checks.optional_text("external-id", incoming.external_id)
    checks.optional_text("reply-to", incoming.reply_to)
    checks.text("kind", incoming.kind, longest=checks.KIND_BYTES)
    if incoming.sent_at is not None:
        checks.moment("sent-at", incoming.sent_at)
    return replace(
        incoming,
        sender=profiles.checked("sender", incoming.sender),
        attachments=[_checked_attachment(attachment) for attachment in incoming.attachments],
        metadata=jsontext.optional_object("metadata", incoming.metadata),
    )


def _checked_attachment(attachment: Attachment) -> Attachment:
    checks.text("attachment.kind", attachment.kind, longest=checks.KIND_BYTES)
    if attachment.size_bytes is not None:
        checks.between("attachment.size-bytes", attachment.size_bytes, 0, checks.LARGEST_SIZE)
    return replace(attachment, metadata=jsontext.optional_object("attachment.metadata", attachment.metadata))


async def _known(invocation: Invocation, incoming: Incoming) -> Message | None:
    if incoming.external_id is None:
        return None
    return await invocation.view.messages.by_external_id(incoming.source, incoming.external_id)


async def _duplicate(invocation: Invocation, message: Message) -> Receipt:
    conversation = await invocation.view.conversations.get(message.conversation_id)
    agent_id = conversation.agent_id if conversation else None
    return Receipt(message.id, message.conversation_id, message.customer_id, agent_id, duplicate=True, new_conversation=False)


async def _receive(invocation: Invocation, incoming: Incoming) -> Receipt:
    identity = Identity(incoming.source, incoming.sender_external_id)
    customer = await profiles.customer_of(invocation, identity, incoming.sender)
    known = await invocation.view.conversations.open(customer.id, incoming.source)
    conversation = known or await _open(invocation, customer.id, incoming.source)
    message = _message(invocation, incoming, conversation)
    invocation.record(MessageAdded(message))
    return Receipt(message.id, conversation.id, customer.id, conversation.agent_id, duplicate=False, new_conversation=known is None)


async def _open(invocation: Invocation, customer_id: str, source: str) -> Conversation:
    agent_id = await invocation.view.conversations.agent_for(source)
    now = invocation.now_ms()
    conversation = Conversation(invocation.new_id(), source, customer_id, agent_id, "open", created_at=now, updated_at=now)
    invocation.record(ConversationOpened(conversation))
    return conversation


def _message(invocation: Invocation, incoming: Incoming, conversation: Conversation) -> Message:
    return Message(
        id=invocation.new_id(),
        conversation_id=conversation.id,
        customer_id=conversation.customer_id,
        source=incoming.source,
        direction="inbound",
        kind=incoming.kind,
        text=incoming.text,
        attachments=incoming.attachments,
        external_id=incoming.external_id,
        reply_to=incoming.reply_to,
        status="received",
        metadata=incoming.metadata or "{}",
        created_at=invocation.now_ms() if incoming.sent_at is None else incoming.sent_at,
    )


async def _conversation(invocation: Invocation, what: str, id: str) -> Conversation:
    """A conversation through one of this plugin's sources; any other is `not-found`."""
    conversation = await invocation.view.conversations.get(checks.text(what, id))
    if conversation is None or not await is_own(invocation, conversation.source):
        raise not_found("conversation", id)
    return conversation
