"""The platform that Innkeeper brings along: the capabilities' reads, answered in place from the event loop's own read connection.

A read takes some ten microseconds; a hop to another thread would take two hundred.
"""

from host.capabilities.reads import Platform
from host.model.customer import Customer, Identity
from host.model.entry import Entry, Scope
from host.model.message import Conversation, Message
from host.runtime.platform import OwnPlatform
from stores import agents, conversations, customers, entries, messages, sources
from stores.statement import Connection


class StoredReads:
    """All four Protocols over one connection. Used on the event loop's thread only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def entry(self, organization: str, plugin: str, scope: Scope, key: str) -> Entry | None:
        return entries.entry(self._connection, organization, plugin, scope, key)

    async def entries(self, organization: str, plugin: str, scope: Scope, prefix: str, after: str | None, limit: int) -> list[Entry]:
        return entries.entries(self._connection, organization, plugin, scope, prefix, after, limit)

    async def customer(self, organization: str, customer_id: str) -> Customer | None:
        return customers.customer(self._connection, organization, customer_id)

    async def customer_by_identity(self, organization: str, identity: Identity) -> Customer | None:
        return customers.customer_by_identity(self._connection, organization, identity)

    async def customers_by_email(self, organization: str, email: str) -> list[Customer]:
        return customers.customers_by_email(self._connection, organization, email)

    async def conversation(self, organization: str, conversation_id: str) -> Conversation | None:
        return conversations.conversation(self._connection, organization, conversation_id)

    async def open_conversation(self, organization: str, customer_id: str, source: str) -> Conversation | None:
        return conversations.open_conversation(self._connection, organization, customer_id, source)

    async def message(self, organization: str, message_id: str) -> Message | None:
        return messages.message(self._connection, organization, message_id)

    async def message_by_external_id(self, organization: str, source: str, external_id: str) -> Message | None:
        return messages.message_by_external_id(self._connection, organization, source, external_id)

    async def messages(self, organization: str, conversation_id: str, before: str | None, limit: int) -> list[Message]:
        return messages.messages(self._connection, organization, conversation_id, before, limit)

    async def agent_for(self, organization: str, source: str) -> str | None:
        return agents.agent_for(self._connection, organization, source)

    async def source_owner(self, organization: str, source_id: str) -> str | None:
        return sources.source_owner(self._connection, organization, source_id)


def stored_platform(connection: Connection, own: OwnPlatform = OwnPlatform()) -> Platform:  # noqa: B008  # it is frozen
    """The host's own reads, but for what an embedder keeps itself."""
    reads = StoredReads(connection)
    return Platform(reads, own.customers or reads, own.messages or reads, reads)
