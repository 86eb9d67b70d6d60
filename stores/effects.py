"""Applies what an invocation wished for."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from host.model.effects import (
    ConversationClosed,
    ConversationOpened,
    CustomerChanged,
    CustomerCreated,
    Effect,
    IdentityLinked,
    MessageAdded,
    SourceRegistered,
    StatusReported,
    StoreAdd,
    StoreDelete,
    StoreSet,
)
from host.model.errors import Conflict
from host.model.limits import Limits
from stores import conversations, customers, entries, messages, sizes, sources, statuses
from stores.sizes import Size
from stores.statement import Connection, Violation


class Target(NamedTuple):
    """Where effects go. `at` is the time of the commit, in milliseconds since 1970."""

    connection: Connection
    organization: str
    plugin: str
    at: int


Appliers: TypeAlias = Mapping[type, Callable[[Target, Any], Size | None]]
"""What applies an effect, by its type, and gives by how much the store grows where it does."""


def apply(
    connection: Connection,
    organization: str,
    plugin: str,
    effects: Sequence[Effect],
    at: int,
    others: Appliers | None = None,
    limits: Limits = Limits(),  # noqa: B008
) -> None:
    """Applies the effects in their order, to the data of that organisation and no other, within its limits. For the types in `others` it is
    these that do it.

    Raises `Conflict` when somebody else was faster, `LimitExceeded` when the store would be too large. Some effects may have been written
    then: the caller rolls back to its savepoint.
    """
    target = Target(connection, organization, plugin, at)
    appliers = {**APPLIERS, **others} if others else APPLIERS
    growth = Size()
    for effect in effects:
        try:
            growth += appliers[type(effect)](target, effect) or Size()
        except Violation as error:
            raise Conflict(f"{type(effect).__name__}: {error}") from error
    sizes.grow(connection, organization, plugin, growth, limits)


def _set(target: Target, effect: StoreSet) -> Size:
    if effect.guarded:
        return entries.compare_and_put(*target[:3], effect.scope, effect.key, effect.value, effect.expected)
    return entries.put(*target[:3], effect.scope, effect.key, effect.value)


def _add(target: Target, effect: StoreAdd) -> Size:
    return entries.add(*target[:3], effect.scope, effect.key, effect.by)


def _delete(target: Target, effect: StoreDelete) -> Size:
    return entries.remove(*target[:3], effect.scope, effect.key)


def _create_customer(target: Target, effect: CustomerCreated) -> None:
    customers.create(*target[:2], effect.customer)


def _change_customer(target: Target, effect: CustomerChanged) -> None:
    customers.change(*target[:2], effect)


def _link(target: Target, effect: IdentityLinked) -> None:
    customers.link(*target[:2], effect.customer_id, effect.identity)


def _open(target: Target, effect: ConversationOpened) -> None:
    conversations.create(*target[:2], effect.conversation)


def _close(target: Target, effect: ConversationClosed) -> None:
    conversations.close(*target[:2], effect.conversation_id, effect.at)


def _add_message(target: Target, effect: MessageAdded) -> None:
    message = effect.message
    messages.create(*target[:2], message)
    conversations.touch(*target[:2], message.conversation_id, message.created_at)
    statuses.settle(*target[:2], message, target.at)


def _report(target: Target, effect: StatusReported) -> None:
    statuses.report(*target[:2], effect, target.at)


def _register(target: Target, effect: SourceRegistered) -> None:
    sources.register(*target[:3], effect.source)


APPLIERS: Appliers = {
    StoreSet: _set,
    StoreAdd: _add,
    StoreDelete: _delete,
    CustomerCreated: _create_customer,
    CustomerChanged: _change_customer,
    IdentityLinked: _link,
    ConversationOpened: _open,
    ConversationClosed: _close,
    MessageAdded: _add_message,
    StatusReported: _report,
    SourceRegistered: _register,
}
