import pytest
from msgspec.structs import replace

from host.model.customer import Customer
from host.model.message import Attachment, Conversation, Message
from stores import conversations, customers, messages
from stores.statement import Connection, Violation

HELLO = Message("m1", "v1", "c1", "chat", "inbound", "text", "Grüße 👋\0", [], "x1", None, "received", '{"a":1.50}', 9)


def opened(connection: Connection) -> Connection:
    customers.create(connection, "oak", Customer("c1", [], None, None, None, "{}", 1, 1))
    conversations.create(connection, "oak", Conversation("v1", "chat", "c1", None, "open", 1, 1))
    return connection


def test_a_message_comes_back_field_by_field(connection: Connection) -> None:
    attachments = [
        Attachment("image", "media-1", None, "image/jpeg", None, 2**64 - 1, '{"sha256":"…"}'),
        Attachment("location", None, None, None, None, None, None),
    ]
    message = replace(HELLO, kind="image", attachments=attachments, reply_to="x0")
    messages.create(opened(connection), "oak", message)

    assert messages.message(connection, "oak", "m1") == message
    assert messages.message_by_external_id(connection, "oak", "chat", "x1") == message


def test_what_does_not_exist_is_none(connection: Connection) -> None:
    messages.create(opened(connection), "oak", HELLO)

    assert messages.message(connection, "oak", "m2") is None
    assert messages.message_by_external_id(connection, "oak", "mail", "x1") is None
    assert messages.messages(connection, "oak", "v2", None, 10) == []


def test_a_source_knows_an_external_id_once(connection: Connection) -> None:
    messages.create(opened(connection), "oak", HELLO)

    with pytest.raises(Violation):
        messages.create(connection, "oak", replace(HELLO, id="m2"))


def test_any_number_of_messages_have_no_external_id(connection: Connection) -> None:
    opened(connection)
    for number in range(3):
        messages.create(connection, "oak", replace(HELLO, id=f"m{number}", external_id=None))

    assert len(messages.messages(connection, "oak", "v1", None, 10)) == 3


@pytest.mark.parametrize("wrong", [{"conversation_id": "v2"}, {"customer_id": "c2"}, {"source": "mail"}])
def test_a_message_has_the_customer_and_the_source_of_its_conversation(connection: Connection, wrong: dict[str, str]) -> None:
    opened(connection)
    customers.create(connection, "oak", Customer("c2", [], None, None, None, "{}", 1, 1))

    with pytest.raises(Violation):
        messages.create(connection, "oak", replace(HELLO, **wrong))


def test_pages_go_by_id_and_not_by_what_the_provider_says_of_the_time(connection: Connection) -> None:
    opened(connection)
    for number in range(1, 6):
        messages.create(connection, "oak", replace(HELLO, id=f"m{number}", external_id=None, created_at=100 - number))

    first = messages.page(connection, "oak", "v1", None, 2)
    second = messages.page(connection, "oak", "v1", first.next, 2)
    third = messages.page(connection, "oak", "v1", second.next, 2)

    assert [[message.id for message in page.items] for page in (first, second, third)] == [["m5", "m4"], ["m3", "m2"], ["m1"]]
    assert third.next is None
    assert [message.id for message in messages.messages(connection, "oak", "v1", "m3", 10)] == ["m2", "m1"]


def test_a_message_that_arrives_between_two_pages_moves_nothing(connection: Connection) -> None:
    opened(connection)
    for number in (1, 2, 3):
        messages.create(connection, "oak", replace(HELLO, id=f"m{number}", external_id=None))

    first = messages.page(connection, "oak", "v1", None, 2)
    messages.create(connection, "oak", replace(HELLO, id="m4", external_id=None, created_at=0))

    assert [message.id for message in messages.page(connection, "oak", "v1", first.next, 2).items] == ["m1"]


def test_a_conversation_goes_with_its_customer_and_takes_its_messages_along(connection: Connection) -> None:
    messages.create(opened(connection), "oak", HELLO)

    connection.execute("DELETE FROM customers WHERE id = 'c1'")

    assert conversations.conversation(connection, "oak", "v1") is None
    assert messages.message(connection, "oak", "m1") is None
