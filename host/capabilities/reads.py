"""What the capabilities ask of the platform: Protocols, so that an embedder can bring a platform of its own.

Every method is bound to one organisation by its first argument and gives nothing of another. They are `async`, so that an implementation
may do I/O.
"""

from dataclasses import dataclass
from typing import Protocol

from host.model.customer import Customer, Identity
from host.model.entry import Entry, Scope
from host.model.message import Conversation, Message


class StoreReads(Protocol):
    """Entries of a plugin's key-value store."""

    async def entry(self, organization: str, plugin: str, scope: Scope, key: str) -> Entry | None: ...

    async def entries(self, organization: str, plugin: str, scope: Scope, prefix: str, after: str | None, limit: int) -> list[Entry]:
        """At most `limit` entries whose key starts with `prefix` and is greater than `after`, in the order of the keys' UTF-8 bytes.

        Fewer only at the end, or where they fill a page (`host.model.size.page_of`).
        """
        ...


class CustomerReads(Protocol):
    async def customer(self, organization: str, customer_id: str) -> Customer | None: ...

    async def customer_by_identity(self, organization: str, identity: Identity) -> Customer | None: ...

    async def customers_by_email(self, organization: str, email: str) -> list[Customer]:
        """Those with this address, compared in lower case; at most two, since more make no difference."""
        ...


class MessageReads(Protocol):
    async def conversation(self, organization: str, conversation_id: str) -> Conversation | None: ...

    async def open_conversation(self, organization: str, customer_id: str, source: str) -> Conversation | None: ...

    async def message(self, organization: str, message_id: str) -> Message | None: ...

    async def message_by_external_id(self, organization: str, source: str, external_id: str) -> Message | None: ...

    async def messages(self, organization: str, conversation_id: str, before: str | None, limit: int) -> list[Message]:
        """At most `limit` messages with an id below `before`, newest (greatest id) first.

        Fewer only at the end, or where they fill a page (`host.model.size.page_of`).
        """
        ...

    async def agent_for(self, organization: str, source: str) -> str | None:
        """The agent of the source's channel, else the organisation's default agent, else the first available one."""
        ...


class SourceReads(Protocol):
    async def source_owner(self, organization: str, source_id: str) -> str | None:
        """The name of the plugin that registered the source."""
        ...


@dataclass(frozen=True)
class Platform:
    """The platform behind the capabilities. One object may implement several of the Protocols."""

    store: StoreReads
    customers: CustomerReads
    messages: MessageReads
    sources: SourceReads
