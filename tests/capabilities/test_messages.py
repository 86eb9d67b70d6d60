import pytest
from msgspec.structs import replace

from host.capabilities import customers, messages, sources
from host.capabilities.invocation import Invocation
from host.model.customer import Identity, Profile
from host.model.effects import ConversationClosed, ConversationOpened, CustomerCreated, MessageAdded, StatusReported
from host.model.errors import HostError
from host.model.message import Attachment, Incoming, Receipt
from host.model.source import Source
from tests.capabilities.memory import START, CountingTape, House

NO_PROFILE = Profile(None, None, None, None)
PHOTO = Attachment("image", "media-1", None, "image/jpeg", None, 2**40, '{ "w" : 1 }')
HELLO = Incoming("wa", "ann", Profile("Ann", None, None, None), "wamid.1", "text", "Grüß Gott 👋", [], None, None, None)


async def committed(house: House, incoming: Incoming = HELLO) -> Receipt:
    invocation = house.invocation()
    receipt = await messages.receive(invocation, incoming)
    house.commit(invocation)
    return receipt


async def status(invocation: Invocation, message_id: str) -> str:
    return (await messages.get(invocation, message_id)).status


def code_of(error: pytest.ExceptionInfo[HostError]) -> str:
    return error.value.code


async def test_a_first_message_makes_customer_conversation_and_message() -> None:
    invocation = House().invocation()

    receipt = await messages.receive(invocation, HELLO)

    assert [type(effect) for effect in invocation.effects] == [CustomerCreated, ConversationOpened, MessageAdded]
    assert (receipt.agent_id, receipt.duplicate, receipt.new_conversation) == ("agent-1", False, True)
    message = await messages.get(invocation, receipt.message_id)
    conversation = await messages.get_conversation(invocation, receipt.conversation_id)
    customer = await customers.get(invocation, receipt.customer_id)
    assert (message.conversation_id, message.customer_id, message.source) == (conversation.id, customer.id, "wa")
    assert (message.direction, message.status, message.kind, message.text) == ("inbound", "received", "text", "Grüß Gott 👋")
    assert (message.external_id, message.reply_to, message.metadata, message.attachments) == ("wamid.1", None, "{}", [])
    assert (conversation.status, conversation.agent_id, conversation.customer_id) == ("open", "agent-1", customer.id)
    assert (customer.name, customer.identities) == ("Ann", [Identity("wa", "ann")])


async def test_everything_about_a_message_is_kept_as_it_came() -> None:
    invocation = House().invocation()
    incoming = replace(
        HELLO, attachments=[PHOTO], reply_to="wamid.0", sent_at=1234, metadata='{ "raw": [ 1.0 ] }', kind="new-kind", text=None
    )

    message = await messages.get(invocation, (await messages.receive(invocation, incoming)).message_id)

    assert (message.kind, message.text, message.reply_to, message.created_at) == ("new-kind", None, "wamid.0", 1234)
    assert message.attachments == [replace(PHOTO, metadata='{"w":1}')]
    assert message.metadata == '{"raw":[1.0]}'


async def test_a_message_without_a_time_has_the_clocks() -> None:
    invocation = House().invocation(tape=CountingTape(START, step=0))

    message = await messages.get(invocation, (await messages.receive(invocation, HELLO)).message_id)

    assert message.created_at == START


async def test_a_message_sent_at_the_beginning_of_time_keeps_that_time() -> None:
    invocation = House().invocation()

    receipt = await messages.receive(invocation, replace(HELLO, sent_at=0))

    assert (await messages.get(invocation, receipt.message_id)).created_at == 0


async def test_a_second_message_of_the_same_sender_joins_the_open_conversation() -> None:
    invocation = House().invocation()
    first = await messages.receive(invocation, HELLO)

    second = await messages.receive(invocation, replace(HELLO, external_id="wamid.2"))

    assert (second.conversation_id, second.customer_id, second.agent_id) == (first.conversation_id, first.customer_id, "agent-1")
    assert not second.new_conversation
    assert second.message_id > first.message_id
    assert len(invocation.effects) == 4


async def test_a_stored_conversation_is_joined_and_keeps_its_agent() -> None:
    house = House()
    first = await committed(house)
    house.memory.of("acme").agents["wa"] = "agent-2"
    invocation = house.invocation()

    second = await messages.receive(invocation, replace(HELLO, external_id="wamid.2"))

    assert (second.conversation_id, second.agent_id) == (first.conversation_id, "agent-1")
    assert [type(effect) for effect in invocation.effects] == [MessageAdded]


async def test_a_second_message_with_the_same_external_id_adds_nothing() -> None:
    house = House()
    first = await committed(house)
    invocation = house.invocation()

    again = await messages.receive(invocation, replace(HELLO, sender=Profile("Other name", "new@example.com", None, None)))

    assert again == replace(first, duplicate=True, new_conversation=False)
    assert invocation.effects == []


async def test_a_duplicate_within_one_invocation_adds_nothing_either() -> None:
    invocation = House().invocation()
    first = await messages.receive(invocation, HELLO)
    effects = list(invocation.effects)

    again = await messages.receive(invocation, replace(HELLO, sender=Profile("Other name", None, None, None), text="changed"))

    assert again == replace(first, duplicate=True, new_conversation=False)
    assert invocation.effects == effects


async def test_messages_without_an_external_id_are_never_duplicates() -> None:
    invocation = House().invocation()
    anonymous = replace(HELLO, external_id=None)

    receipts = [await messages.receive(invocation, anonymous) for _ in range(2)]

    assert [receipt.duplicate for receipt in receipts] == [False, False]


async def test_the_same_external_id_of_another_source_is_another_message() -> None:
    house = House()
    await committed(house)
    invocation = house.invocation()
    await sources.register(invocation, Source("wa-2", "Second number", None, None, None))

    receipt = await messages.receive(invocation, replace(HELLO, source="wa-2"))

    assert not receipt.duplicate


async def test_a_changed_profile_of_the_sender_is_applied() -> None:
    house = House()
    first = await committed(house)
    invocation = house.invocation()

    await messages.receive(invocation, replace(HELLO, external_id="wamid.2", sender=Profile("Anna", None, None, None)))

    assert (await customers.get(invocation, first.customer_id)).name == "Anna"


async def test_a_sender_with_the_address_of_another_customer_is_a_customer_of_its_own() -> None:
    house = House()
    first = await committed(house, replace(HELLO, sender=Profile("Ann", "ann@example.com", None, None)))

    second = await messages.receive(
        house.invocation(),
        replace(HELLO, sender_external_id="bob", external_id="wamid.2", sender=Profile("Bob", "ann@example.com", None, None)),
    )

    assert second.customer_id != first.customer_id


@pytest.mark.parametrize("source", ["mail", "nobodys", "", "WA", "wa\n"])
async def test_a_source_that_is_not_this_plugins_is_not_found(source: str) -> None:
    invocation = House().invocation()

    with pytest.raises(HostError) as received:
        await messages.receive(invocation, replace(HELLO, source=source))
    with pytest.raises(HostError) as updated:
        await messages.update_status(invocation, source, "wamid.1", "read", START, None)

    assert (code_of(received), code_of(updated)) == ("not-found", "not-found")
    assert invocation.effects == []


async def test_a_source_registered_in_the_same_invocation_is_own() -> None:
    invocation = House().invocation()
    await sources.register(invocation, Source("sms", "SMS", None, None, None))

    assert not (await messages.receive(invocation, replace(HELLO, source="sms"))).duplicate


@pytest.mark.parametrize(
    "hostile",
    [
        {"sender_external_id": ""},
        {"sender_external_id": "x" * 513},
        {"external_id": ""},
        {"external_id": "x" * 513},
        {"reply_to": "\0"},
        {"kind": ""},
        {"kind": "x" * 65},
        {"sent_at": 2**64 - 1},
        {"metadata": "[]"},
        {"metadata": '{"a":'},
        {"metadata": '{"a":' * 200},
        {"sender": Profile("x" * 3000, None, None, None)},
        {"sender": Profile(None, None, None, '{"a":1e999}')},
        {"attachments": [replace(PHOTO, metadata="null")]},
        {"attachments": [replace(PHOTO, kind="")]},
        {"attachments": [replace(PHOTO, size_bytes=2**64 - 1)]},
        {"source": "x" * 600},
        {"source": "\0"},
    ],
)
async def test_a_message_that_can_not_be_kept_is_invalid_and_leaves_no_trace(hostile: dict[str, object]) -> None:
    invocation = House().invocation()

    with pytest.raises(HostError) as error:
        await messages.receive(invocation, replace(HELLO, **hostile))

    assert code_of(error) == "invalid"
    assert invocation.effects == []


@pytest.mark.promise("isolation.org.messages")
async def test_messages_of_other_plugins_and_organisations_are_not_found_like_unknown_ones() -> None:
    house = House()
    receipt = await committed(house)
    answers = set()

    for invocation, message_id, conversation_id in (
        (house.invocation(plugin="mailer"), receipt.message_id, receipt.conversation_id),
        (house.invocation(organization="globex"), receipt.message_id, receipt.conversation_id),
        (house.invocation(), "nothing", "nothing"),
    ):
        for call in (
            messages.get(invocation, message_id),
            messages.get_conversation(invocation, conversation_id),
            messages.get_by_conversation(invocation, conversation_id, None, 10),
            messages.close_conversation(invocation, conversation_id),
        ):
            with pytest.raises(HostError) as error:
                await call
            answers.add((error.value.code, error.value.message.replace(message_id, "ID").replace(conversation_id, "ID")))
        assert invocation.effects == []

    assert answers == {("not-found", "no message 'ID'"), ("not-found", "no conversation 'ID'")}


async def test_a_closed_conversation_is_followed_by_a_new_one() -> None:
    house = House()
    first = await committed(house)
    invocation = house.invocation()

    await messages.close_conversation(invocation, first.conversation_id)
    await messages.close_conversation(invocation, first.conversation_id)
    second = await messages.receive(invocation, replace(HELLO, external_id="wamid.2"))

    assert [type(effect) for effect in invocation.effects] == [ConversationClosed, ConversationOpened, MessageAdded]
    assert (await messages.get_conversation(invocation, first.conversation_id)).status == "closed"
    assert second.new_conversation
    assert second.conversation_id != first.conversation_id


async def test_an_own_conversation_can_be_closed_and_followed_too() -> None:
    invocation = House().invocation()
    first = await messages.receive(invocation, HELLO)

    await messages.close_conversation(invocation, first.conversation_id)
    second = await messages.receive(invocation, replace(HELLO, external_id="wamid.2"))

    assert second.new_conversation
    assert (await messages.get_conversation(invocation, first.conversation_id)).status == "closed"


async def test_a_message_moves_its_conversation_on() -> None:
    house = House()
    first = await committed(house)
    invocation = house.invocation()
    before = await messages.get_conversation(invocation, first.conversation_id)

    await messages.receive(invocation, replace(HELLO, external_id="wamid.2", sent_at=before.updated_at + 5))
    await messages.receive(invocation, replace(HELLO, external_id="wamid.3", sent_at=before.updated_at - 5))

    assert (await messages.get_conversation(invocation, first.conversation_id)).updated_at == before.updated_at + 5


async def test_pages_go_from_own_messages_to_stored_ones_newest_first() -> None:
    house = House()
    stored = [await committed(house, replace(HELLO, external_id=f"stored-{n}")) for n in range(5)]
    invocation = house.invocation()
    own = [await messages.receive(invocation, replace(HELLO, external_id=f"own-{n}")) for n in range(3)]
    seen, cursor = [], None

    while True:
        page = await messages.get_by_conversation(invocation, own[0].conversation_id, cursor, 2)
        seen += [message.external_id for message in page.messages]
        if (cursor := page.next) is None:
            break

    assert seen == ["own-2", "own-1", "own-0", "stored-4", "stored-3", "stored-2", "stored-1", "stored-0"]
    assert {receipt.conversation_id for receipt in [*stored, *own]} == {own[0].conversation_id}


async def test_a_page_that_is_just_full_is_the_last() -> None:
    invocation = House().invocation()
    receipts = [await messages.receive(invocation, replace(HELLO, external_id=f"own-{n}")) for n in range(2)]

    assert (await messages.get_by_conversation(invocation, receipts[0].conversation_id, None, 2)).next is None


@pytest.mark.parametrize("limit", [0, 201, 2**32 - 1])
async def test_a_page_has_one_to_two_hundred_messages(limit: int) -> None:
    invocation = House().invocation()
    receipt = await messages.receive(invocation, HELLO)

    with pytest.raises(HostError) as error:
        await messages.get_by_conversation(invocation, receipt.conversation_id, None, limit)

    assert code_of(error) == "invalid"


async def test_a_cursor_of_another_conversation_is_invalid() -> None:
    house = House()
    invocation = house.invocation()
    for n in range(3):
        receipt = await messages.receive(invocation, replace(HELLO, external_id=f"a-{n}"))
    other = await messages.receive(invocation, replace(HELLO, external_id="b", sender_external_id="bob"))
    cursor = (await messages.get_by_conversation(invocation, receipt.conversation_id, None, 1)).next

    for nonsense in (cursor, "", "nonsense", "ä"):
        with pytest.raises(HostError) as error:
            await messages.get_by_conversation(invocation, other.conversation_id, nonsense, 1)
        assert code_of(error) == "invalid"


async def test_a_status_moves_its_message_forward_and_never_back() -> None:
    house = House()
    receipt = await committed(house)
    invocation = house.invocation()
    seen = []

    for reported in ("sent", "delivered", "sent", "failed", "read", "delivered"):
        await messages.update_status(invocation, "wa", "wamid.1", reported, START, None)
        seen.append(await status(invocation, receipt.message_id))

    assert seen == ["sent", "delivered", "delivered", "delivered", "read", "read"]


async def test_a_status_before_its_message_waits_for_it_within_the_invocation_too() -> None:
    invocation = House().invocation()

    await messages.update_status(invocation, "wa", "wamid.1", "read", START, None)
    receipt = await messages.receive(invocation, HELLO)

    assert await status(invocation, receipt.message_id) == "read"
    page = await messages.get_by_conversation(invocation, receipt.conversation_id, None, 10)
    assert [message.status for message in page.messages] == ["read"]


async def test_a_report_is_complete_and_expires_after_a_day() -> None:
    invocation = House().invocation(tape=CountingTape(START, step=0))

    await messages.update_status(invocation, "wa", "wamid.9", "failed", START - 5, '{ "code": 131047 }')

    day = 24 * 60 * 60 * 1000
    assert invocation.effects == [StatusReported("wa", "wamid.9", "failed", START - 5, START + day, '{"code":131047}')]


async def test_the_detail_of_a_status_is_merged_under_status() -> None:
    house = House()
    receipt = await committed(house, replace(HELLO, metadata='{"a":1}'))
    invocation = house.invocation()

    await messages.update_status(invocation, "wa", "wamid.1", "sent", START, '{"price":1,"who":"x"}')
    await messages.update_status(invocation, "wa", "wamid.1", "read", START, '{"price":2}')

    metadata = (await messages.get(invocation, receipt.message_id)).metadata
    assert metadata == '{"a":1,"status":{"price":2,"who":"x"}}'


@pytest.mark.parametrize(
    ("external_id", "name", "at", "detail"),
    [
        ("", "read", START, None),
        ("x" * 513, "read", START, None),
        ("wamid.1", "seen", START, None),
        ("wamid.1", "", START, None),
        ("wamid.1", "read", 2**64 - 1, None),
        ("wamid.1", "read", START, "1"),
    ],
)
async def test_a_status_that_can_not_be_is_invalid(external_id: str, name: str, at: int, detail: str | None) -> None:
    invocation = House().invocation()

    with pytest.raises(HostError) as error:
        await messages.update_status(invocation, "wa", external_id, name, at, detail)

    assert code_of(error) == "invalid"
    assert invocation.effects == []


async def test_what_an_invocation_saw_is_what_is_stored_after_its_commit() -> None:
    house = House()
    await committed(house, replace(HELLO, external_id="before"))
    invocation = house.invocation()
    receipt = await messages.receive(invocation, replace(HELLO, sender=Profile("Anna", None, None, '{"a":1}')))
    await messages.update_status(invocation, "wa", "wamid.1", "delivered", START, '{"x":1}')
    await messages.close_conversation(invocation, receipt.conversation_id)

    async def seen(by: Invocation) -> tuple[object, ...]:
        return (
            await messages.get(by, receipt.message_id),
            await customers.get(by, receipt.customer_id),
            await messages.get_by_conversation(by, receipt.conversation_id, None, 10),
            await messages.get_conversation(by, receipt.conversation_id),
        )

    before = await seen(invocation)
    house.commit(invocation)

    assert await seen(house.invocation()) == before
