import pytest
from msgspec.structs import replace

from host.model.customer import Customer
from host.model.effects import ConversationOpened, CustomerCreated, Effect, MessageAdded, StatusReported
from host.model.message import Conversation, Message
from stores import effects, messages
from stores.statement import Connection

DAY = 86_400_000
NOW = 10 * DAY
SENT = StatusReported("chat", "x1", "sent", NOW, NOW + DAY, '{"sent":1}')
DELIVERED = StatusReported("chat", "x1", "delivered", NOW, NOW + DAY, '{"delivered":[2]}')
READ = StatusReported("chat", "x1", "read", NOW, NOW + DAY, None)
ADDED = MessageAdded(Message("m1", "v1", "c1", "chat", "outbound", "text", "hi", [], "x1", None, "queued", '{"a":1}', NOW))


def opened(connection: Connection) -> Connection:
    customer = Customer("c1", [], None, None, None, "{}", 1, 1)
    conversation = Conversation("v1", "chat", "c1", None, "open", 1, 1)
    effects.apply(connection, "oak", "p", [CustomerCreated(customer), ConversationOpened(conversation)], 1)
    return connection


def after(connection: Connection, *wishes: Effect, at: int = NOW) -> tuple[str, str]:
    """Status and metadata of the message, each effect in a transaction of its own."""
    for wish in wishes:
        effects.apply(connection, "oak", "p", [wish], at)
    message = messages.message(connection, "oak", "m1")
    assert message is not None
    return message.status, message.metadata


def awaited(connection: Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT external_id, status FROM awaited_statuses ORDER BY external_id").fetchall()


def test_a_status_moves_a_message_forward_and_keeps_what_came_with_it(connection: Connection) -> None:
    opened(connection)

    assert after(connection, ADDED, SENT) == ("sent", '{"a":1,"status":{"sent":1}}')
    assert after(connection, DELIVERED) == ("delivered", '{"a":1,"status":{"sent":1,"delivered":[2]}}')
    assert after(connection, READ) == ("read", '{"a":1,"status":{"sent":1,"delivered":[2]}}')
    assert connection.execute("SELECT status_at FROM messages").fetchall() == [(NOW,)]


def test_an_empty_detail_says_nothing(connection: Connection) -> None:
    opened(connection)

    assert after(connection, ADDED, replace(SENT, detail="{}")) == ("sent", '{"a":1}')


def test_a_status_never_moves_a_message_back(connection: Connection) -> None:
    opened(connection)

    assert after(connection, ADDED, READ, DELIVERED, SENT) == ("read", '{"a":1}')


def test_of_two_statuses_of_one_rank_the_first_stays(connection: Connection) -> None:
    opened(connection)

    assert after(connection, ADDED, DELIVERED, replace(DELIVERED, status="failed"))[0] == "delivered"


def test_a_status_before_its_message_waits_for_it_once(connection: Connection) -> None:
    opened(connection)

    assert after(connection, SENT, ADDED) == ("sent", '{"a":1,"status":{"sent":1}}')
    assert awaited(connection) == []


def test_several_statuses_before_their_message_wait_as_one(connection: Connection) -> None:
    opened(connection)

    assert after(connection, SENT, READ, DELIVERED, ADDED) == ("read", '{"a":1,"status":{"sent":1}}')


def test_a_status_in_the_same_invocation_as_its_message_is_applied(connection: Connection) -> None:
    opened(connection)

    effects.apply(connection, "oak", "p", [SENT, ADDED, DELIVERED], NOW)

    assert after(connection)[0] == "delivered"


def test_a_status_that_waited_too_long_is_forgotten(connection: Connection) -> None:
    opened(connection)
    after_a_day = NOW + DAY

    effects.apply(connection, "oak", "p", [SENT], NOW)

    assert after(connection, ADDED, at=after_a_day) == ("queued", '{"a":1}')
    assert awaited(connection) == []


def test_a_status_waits_to_the_last_millisecond_whatever_the_providers_clock_says(connection: Connection) -> None:
    opened(connection)
    effects.apply(connection, "oak", "p", [SENT], NOW)
    from_the_future = MessageAdded(replace(ADDED.message, created_at=NOW + 9 * DAY))

    assert after(connection, from_the_future, at=NOW + DAY - 1)[0] == "sent"


def test_statuses_that_wait_for_nothing_do_not_pile_up(connection: Connection) -> None:
    for number in range(5):
        effects.apply(connection, "oak", "p", [replace(SENT, external_id=f"never-{number}")], NOW)

    effects.apply(connection, "oak", "p", [replace(SENT, external_id="later", expires_at=NOW + 2 * DAY)], NOW + DAY)

    assert awaited(connection) == [("later", "sent")]


def test_a_status_of_another_source_with_that_id_is_not_the_messages(connection: Connection) -> None:
    opened(connection)

    assert after(connection, replace(SENT, source="mail"), ADDED)[0] == "queued"


@pytest.mark.parametrize("metadata", ['{"status":"mine"}', '{"status":null}', '{"status":[1]}'])
def test_metadata_whose_status_is_no_object_gives_way(connection: Connection, metadata: str) -> None:
    opened(connection)
    added = MessageAdded(replace(ADDED.message, metadata=metadata))

    assert after(connection, added, SENT) == ("sent", '{"status":{"sent":1}}')
