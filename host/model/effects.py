"""What an invocation wishes for. Recorded while it runs, applied in one transaction when it succeeds, dropped when it fails.

Each is complete: applying it needs nothing but the transaction. They carry final ids and the times of the invocation's clock.
"""

from typing import TypeAlias

from msgspec import Struct

from host.model.customer import Customer, Identity
from host.model.entry import Scope
from host.model.message import Conversation, Message
from host.model.source import Source


class StoreSet(Struct, frozen=True, tag=True):
    """Writes an entry. `value` is JSON as text.

    With `guarded`, only when the stored version is `expected` (None: there is no entry); otherwise the invocation conflicts and runs again.
    """

    scope: Scope
    key: str
    value: str
    guarded: bool = False
    expected: str | None = None


class StoreAdd(Struct, frozen=True, tag=True):
    """Adds to an integer that starts at zero."""

    scope: Scope
    key: str
    by: int


class StoreDelete(Struct, frozen=True, tag=True):
    """Deletes an entry, if there is one."""

    scope: Scope
    key: str


class CustomerCreated(Struct, frozen=True, tag=True):
    """A new customer with its first identity. Conflicts when that identity has one by now."""

    customer: Customer


class CustomerChanged(Struct, frozen=True, tag=True):
    """The fields of a customer that changed; None stays as it is. `metadata` is a JSON object to merge, key by key."""

    customer_id: str
    name: str | None
    email: str | None
    phone: str | None
    metadata: str | None
    updated_at: int


class IdentityLinked(Struct, frozen=True, tag=True):
    """Another identity of a known customer. Conflicts when that identity has a customer by now."""

    customer_id: str
    identity: Identity


class ConversationOpened(Struct, frozen=True, tag=True):
    """A new open conversation. Conflicts when that customer and source have one by now."""

    conversation: Conversation


class ConversationClosed(Struct, frozen=True, tag=True):
    conversation_id: str
    at: int


class MessageAdded(Struct, frozen=True, tag=True):
    """A message; its conversation's `updated_at` moves to it. Conflicts when the source has that external id by now."""

    message: Message


class StatusReported(Struct, frozen=True, tag=True):
    """A status for the message that `source` knows as `external_id`; waits for that message until `expires_at` if there is none yet.

    Applied only when it moves the message forward. `detail` (a JSON object as text) goes into its metadata under `status`.
    """

    source: str
    external_id: str
    status: str
    at: int
    expires_at: int
    detail: str | None


class SourceRegistered(Struct, frozen=True, tag=True):
    """A source of this plugin, new or changed. Conflicts when another plugin has that id by now."""

    source: Source


CustomerEffect: TypeAlias = CustomerCreated | CustomerChanged | IdentityLinked
"""What changes customers."""

MessageEffect: TypeAlias = ConversationOpened | ConversationClosed | MessageAdded | StatusReported
"""What changes conversations and their messages."""

Effect: TypeAlias = StoreSet | StoreAdd | StoreDelete | CustomerEffect | MessageEffect | SourceRegistered
