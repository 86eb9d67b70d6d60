from typing import get_args

import pytest
from msgspec.structs import replace

from host.model.customer import Customer, Identity
from host.model.effects import (
    ConversationClosed,
    ConversationOpened,
    CustomerChanged,
    CustomerCreated,
    Effect,
    IdentityLinked,
    MessageAdded,
    SourceRegistered,
    StoreAdd,
    StoreDelete,
    StoreSet,
)
from host.model.entry import Scope
from host.model.errors import Conflict
from host.model.message import Conversation, Message
from host.model.source import Source
from stores import conversations, customers, effects, entries, messages, sources
from stores.statement import Connection
from stores.transaction import transaction

ANN = Customer("c1", [Identity("chat", "1")], "Ann", None, None, "{}", 1, 1)
TALK = Conversation("v1", "chat", "c1", None, "open", 1, 1)
HELLO = Message("m1", "v1", "c1", "chat", "inbound", "text", "hi", [], "x1", None, "received", "{}", 5)
FIRST: list[Effect] = [CustomerCreated(ANN), ConversationOpened(TALK), MessageAdded(HELLO)]
PLUGIN = Scope("plugin")


def commit(connection: Connection, *wishes: Effect) -> None:
    with transaction(connection):
        effects.apply(connection, "oak", "p", wishes, 100)


def test_every_effect_can_be_applied() -> None:
    assert set(effects.APPLIERS) == set(get_args(Effect))


def test_effects_are_applied_in_their_order(connection: Connection) -> None:
    commit(
        connection,
        *FIRST,
        CustomerChanged("c1", None, "a@x", None, '{"a":1}', 6),
        IdentityLinked("c1", Identity("mail", "a@x")),
        SourceRegistered(Source("chat", "Chat", None, None, None)),
        StoreSet(PLUGIN, "k", "1"),
        StoreAdd(PLUGIN, "k", 2),
        StoreSet(PLUGIN, "gone", "1"),
        StoreDelete(PLUGIN, "gone"),
        ConversationClosed("v1", 7),
        ConversationOpened(replace(TALK, id="v2", created_at=8, updated_at=8)),
    )

    identities = [Identity("chat", "1"), Identity("mail", "a@x")]
    assert customers.customer(connection, "oak", "c1") == Customer("c1", identities, "Ann", "a@x", None, '{"a":1}', 1, 6)
    assert conversations.conversation(connection, "oak", "v1") == replace(TALK, status="closed", updated_at=7)
    assert messages.message(connection, "oak", "m1") == HELLO
    assert sources.source_owner(connection, "oak", "chat") == "p"
    assert [(entry.key, entry.value) for entry in entries.entries(connection, "oak", "p", PLUGIN, "", None, 9)] == [("k", "3")]


def test_a_message_moves_its_conversation_on_and_never_back(connection: Connection) -> None:
    commit(connection, *FIRST)
    commit(connection, MessageAdded(replace(HELLO, id="m2", external_id=None, created_at=3)))

    found = conversations.conversation(connection, "oak", "v1")

    assert found is not None
    assert found.updated_at == 5


@pytest.mark.parametrize(
    "lost",
    [
        CustomerCreated(replace(ANN, id="c2")),
        CustomerCreated(replace(ANN, identities=[])),
        IdentityLinked("c2", Identity("chat", "1")),
        IdentityLinked("nobody", Identity("chat", "9")),
        CustomerChanged("nobody", "x", None, None, None, 1),
        ConversationOpened(replace(TALK, id="v2")),
        ConversationOpened(replace(TALK, id="v2", customer_id="nobody")),
        MessageAdded(replace(HELLO, id="m2")),
        MessageAdded(replace(HELLO, id="m2", external_id="x2", conversation_id="none")),
        StoreSet(PLUGIN, "k", "2", guarded=True),
        StoreSet(PLUGIN, "k", "2", guarded=True, expected="another"),
        StoreSet(PLUGIN, "absent", "2", guarded=True, expected="another"),
        StoreAdd(PLUGIN, "text", 1),
        SourceRegistered(Source("theirs", "Mine", None, None, None)),
    ],
    ids=lambda lost: repr(lost)[:60],
)
def test_a_lost_race_is_a_conflict_and_leaves_nothing_of_the_others(connection: Connection, lost: Effect) -> None:
    commit(connection, *FIRST, StoreSet(PLUGIN, "k", "1"), StoreSet(PLUGIN, "text", '"a"'))
    sources.register(connection, "oak", "another", Source("theirs", "Theirs", None, None, None))
    commit(connection, CustomerCreated(Customer("c2", [], None, None, None, "{}", 1, 1)))
    before = list(connection.iterdump())

    with pytest.raises(Conflict):
        commit(connection, StoreSet(PLUGIN, "first", "1"), lost, StoreSet(PLUGIN, "last", "1"))

    assert list(connection.iterdump()) == before


def test_a_guard_holds_for_what_the_same_invocation_wrote(connection: Connection) -> None:
    with pytest.raises(Conflict):
        commit(connection, StoreSet(PLUGIN, "k", "1"), StoreSet(PLUGIN, "k", "2", guarded=True, expected=None))

    commit(connection, StoreSet(PLUGIN, "k", "1"), StoreDelete(PLUGIN, "k"), StoreSet(PLUGIN, "k", "2", guarded=True))

    found = entries.entry(connection, "oak", "p", PLUGIN, "k")
    assert found is not None
    assert found.value == "2"


def test_no_effects_change_nothing(connection: Connection) -> None:
    before = list(connection.iterdump())

    commit(connection)

    assert list(connection.iterdump()) == before
