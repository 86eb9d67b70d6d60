"""Conversations as an invocation sees them."""

from msgspec.structs import replace

from host.capabilities.views.base import Base
from host.model.effects import ConversationClosed, ConversationOpened, Effect, MessageAdded
from host.model.message import Conversation


class ConversationView:
    """Stored conversations and the invocation's own, closed and moved on by its own effects."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._opened: dict[str, Conversation] = {}
        self._closed: set[str] = set()
        self._moved: dict[str, int] = {}

    def see(self, effect: Effect) -> None:
        match effect:
            case ConversationOpened(conversation=conversation):
                self._opened[conversation.id] = conversation
            case ConversationClosed(conversation_id=conversation_id, at=at):
                self._closed.add(conversation_id)
                self._move(conversation_id, at)
            case MessageAdded(message=message):
                self._move(message.conversation_id, message.created_at)

    async def get(self, conversation_id: str) -> Conversation | None:
        base = self._base
        own = self._opened.get(conversation_id)
        stored = own or await base.once(
            ("conversation", conversation_id), lambda: base.platform.messages.conversation(base.organization, conversation_id)
        )
        return stored and self._seen(stored)

    async def open(self, customer_id: str, source: str) -> Conversation | None:
        """The open conversation of a customer through a source; there is at most one."""
        for own in self._opened.values():
            if (own.customer_id, own.source) == (customer_id, source) and own.id not in self._closed:
                return self._seen(own)
        base = self._base
        stored = await base.once(
            ("open-conversation", customer_id, source),
            lambda: base.platform.messages.open_conversation(base.organization, customer_id, source),
        )
        return self._seen(stored) if stored and stored.id not in self._closed else None

    async def agent_for(self, source: str) -> str | None:
        """The agent of a new conversation through this source."""
        base = self._base
        return await base.once(("agent", source), lambda: base.platform.messages.agent_for(base.organization, source))

    def _move(self, conversation_id: str, at: int) -> None:
        self._moved[conversation_id] = max(at, self._moved.get(conversation_id, 0))

    def _seen(self, conversation: Conversation) -> Conversation:
        status = "closed" if conversation.id in self._closed else conversation.status
        updated_at = max(conversation.updated_at, self._moved.get(conversation.id, 0))
        return replace(conversation, status=status, updated_at=updated_at)
