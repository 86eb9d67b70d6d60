import pytest

from host.model.customer import Customer, Identity
from host.model.message import Conversation
from stores import agents, conversations, customers
from stores.conversations import ListedConversation, Participant
from stores.page import Page
from stores.statement import Connection, Violation


def test_the_open_conversation_of_a_customer_and_source_is_found(connection: Connection) -> None:
    customers.create(connection, "oak", Customer("c1", [], None, None, None, "{}", 1, 1))
    chat = Conversation("v1", "chat", "c1", None, "open", 1, 2)
    mail = Conversation("v2", "mail", "c1", None, "open", 1, 2)
    for each in (chat, mail):
        conversations.create(connection, "oak", each)

    assert conversations.open_conversation(connection, "oak", "c1", "chat") == chat
    assert conversations.open_conversation(connection, "oak", "c1", "mail") == mail
    assert conversations.open_conversation(connection, "oak", "c1", "voice") is None
    assert conversations.conversation(connection, "oak", "v2") == mail


def test_a_second_open_one_is_refused_until_the_first_is_closed(connection: Connection) -> None:
    customers.create(connection, "oak", Customer("c1", [], None, None, None, "{}", 1, 1))
    conversations.create(connection, "oak", Conversation("v1", "chat", "c1", None, "open", 1, 1))

    with pytest.raises(Violation):
        conversations.create(connection, "oak", Conversation("v2", "chat", "c1", None, "open", 2, 2))
    conversations.close(connection, "oak", "v1", 7)
    conversations.create(connection, "oak", Conversation("v2", "chat", "c1", None, "open", 8, 8))

    assert conversations.conversation(connection, "oak", "v1") == Conversation("v1", "chat", "c1", None, "closed", 1, 7)
    assert conversations.open_conversation(connection, "oak", "c1", "chat") == Conversation("v2", "chat", "c1", None, "open", 8, 8)


def test_closing_a_closed_one_or_none_changes_nothing(connection: Connection) -> None:
    customers.create(connection, "oak", Customer("c1", [], None, None, None, "{}", 1, 1))
    conversations.create(connection, "oak", Conversation("v1", "chat", "c1", None, "open", 1, 1))

    for at in (7, 9):
        conversations.close(connection, "oak", "v1", at)
    conversations.close(connection, "oak", "v9", 7)

    assert conversations.conversation(connection, "oak", "v1") == Conversation("v1", "chat", "c1", None, "closed", 1, 7)


def test_an_unknown_agent_or_status_is_refused(connection: Connection) -> None:
    customers.create(connection, "oak", Customer("c1", [], None, None, None, "{}", 1, 1))

    with pytest.raises(Violation):
        conversations.create(connection, "oak", Conversation("v1", "chat", "c1", "nobody", "open", 1, 1))
    with pytest.raises(Violation):
        conversations.create(connection, "oak", Conversation("v1", "chat", "c1", None, "paused", 1, 1))


def test_pages_go_from_the_newest_to_the_oldest_and_hold_the_customers(connection: Connection) -> None:
    agent = agents.add(connection, "oak", "Ada")
    ann = Customer("c1", [Identity("chat", "1"), Identity("mail", "a")], "Ann", None, None, "{}", 1, 1)
    bob = Customer("c2", [], None, None, None, "{}", 1, 1)
    for customer in (ann, bob):
        customers.create(connection, "oak", customer)
    conversations.create(connection, "oak", Conversation("v1", "chat", "c1", agent.id, "closed", 1, 2))
    conversations.create(connection, "oak", Conversation("v2", "chat", "c2", None, "open", 3, 4))
    conversations.create(connection, "oak", Conversation("v3", "mail", "c1", None, "open", 5, 6))

    first = conversations.page(connection, "oak", None, 2)
    second = conversations.page(connection, "oak", first.next, 2)

    whole_ann = Participant("c1", "Ann", ann.identities)
    assert first == Page(
        [
            ListedConversation("v3", "mail", "open", None, whole_ann, 5, 6),
            ListedConversation("v2", "chat", "open", None, Participant("c2", None, []), 3, 4),
        ],
        "v2",
    )
    assert second == Page([ListedConversation("v1", "chat", "closed", agent.id, whole_ann, 1, 2)], None)


def test_a_page_that_is_just_full_has_no_next_one(connection: Connection) -> None:
    customers.create(connection, "oak", Customer("c1", [], None, None, None, "{}", 1, 1))
    for number in range(3):
        conversations.create(connection, "oak", Conversation(f"v{number}", "chat", "c1", None, "closed", 1, 1))

    assert conversations.page(connection, "oak", None, 3).next is None
    assert conversations.page(connection, "elm", None, 3) == Page([], None)


def test_a_cursor_that_is_none_of_ours_is_just_a_place(connection: Connection) -> None:
    customers.create(connection, "oak", Customer("c1", [], None, None, None, "{}", 1, 1))
    conversations.create(connection, "oak", Conversation("v1", "chat", "c1", None, "open", 1, 1))

    assert conversations.page(connection, "oak", "' OR 1=1 --", 5).items == []
    assert [each.id for each in conversations.page(connection, "oak", "zzz", 5).items] == ["v1"]
