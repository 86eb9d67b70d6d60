"""The WhatsApp plugin in its sandbox: from the provider's webhooks to rows, field by field."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.json import decode, encode

from host.model.customer import Customer
from host.model.message import Attachment, Conversation, Message
from host.runtime.runtime import Runtime
from stores import conversations, customers, effects, messages
from stores.effects import MessageAdded
from tests.building import FIXTURES, example
from tests.runtime.hosts import ORGANIZATION, a_host, installed, records, send

NUMBER = {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"}
SENT = 1749416383000
WAMID = "wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ"


def fixture(name: str) -> bytes:
    return (FIXTURES / "whatsapp" / f"{name}.json").read_bytes()


async def install_whatsapp(folder: Path, organization: str = ORGANIZATION, number: str = NUMBER["phone_number_id"]) -> None:
    secrets = {"app_secret": "an app secret", "webhook_verify_token": "a token"}
    await installed(folder, example("whatsapp"), organization=organization, settings={"phone_number_id": number}, secrets=secrets)


def all_messages(runtime: Runtime, organization: str = ORGANIZATION) -> list[Message]:
    """Of all conversations, oldest first within each, conversations in the order of their making."""
    found = sorted(conversations.page(runtime.reads, organization, None, 200).items, key=lambda each: each.id)
    return [message for each in found for message in messages.messages(runtime.reads, organization, each.id, None, 200)[::-1]]


def as_expected(message: Message) -> dict[str, Any]:
    """What of a message the fixture decides."""
    return {
        "kind": message.kind,
        "text": message.text,
        "attachments": [attachment_fields(attachment) for attachment in message.attachments],
        "external_id": message.external_id,
        "reply_to": message.reply_to,
        "metadata": decode(message.metadata),
    }


def attachment_fields(attachment: Attachment) -> dict[str, Any]:
    fields = {name: getattr(attachment, name) for name in attachment.__struct_fields__ if getattr(attachment, name) is not None}
    return fields | ({"metadata": decode(attachment.metadata)} if attachment.metadata else {})


EXPECTED: dict[str, dict[str, Any]] = {
    "text": {"kind": "text", "text": "Does it come in another color?", "external_id": f"{WAMID}001"},
    "text_reply": {"kind": "text", "text": "This one", "external_id": f"{WAMID}003", "reply_to": f"{WAMID}001"},
    "text_unicode": {
        "kind": "text",
        "text": "Größe 42 — ist das auf Lager? 🙏\nالسلام عليكم",  # noqa: RUF001
        "external_id": f"{WAMID}002",
    },
    "image": {
        "kind": "image",
        "text": "The box arrived like this",
        "external_id": f"{WAMID}004",
        "attachments": [
            {
                "kind": "image",
                "media_id": "1003383421387256",
                "mime_type": "image/jpeg",
                "metadata": {"sha256": "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI="},
            }
        ],
    },
    "location": {
        "kind": "location",
        "text": "Main Street Beach",
        "external_id": f"{WAMID}005",
        "attachments": [
            {
                "kind": "location",
                "metadata": {
                    "latitude": 38.9806263495,
                    "longitude": -131.9428612257,
                    "name": "Main Street Beach",
                    "address": "Main Street Beach, Santa Cruz, CA",
                },
            }
        ],
    },
    "reaction": {"kind": "reaction", "text": "👍", "external_id": f"{WAMID}006", "reply_to": f"{WAMID}001"},
    "button_reply": {
        "kind": "interactive",
        "text": "Cancel",
        "external_id": f"{WAMID}007",
        "reply_to": f"{WAMID}099",
        "metadata": {"interactive": {"type": "button_reply", "button_reply": {"id": "cancel-order", "title": "Cancel"}}},
    },
    "unsupported": {
        "kind": "unsupported",
        "external_id": f"{WAMID}008",
        "metadata": {
            "errors": [
                {
                    "code": 131051,
                    "title": "Message type unknown",
                    "message": "Message type unknown",
                    "error_data": {"details": "Message type is currently not supported."},
                }
            ]
        },
    },
}


@pytest.mark.parametrize("name", EXPECTED)
async def test_each_kind_of_message_arrives_field_by_field(tmp_path: Path, name: str) -> None:
    await install_whatsapp(tmp_path / "data")
    async with a_host(tmp_path / "data") as runtime:
        assert (await send(runtime, "whatsapp", "webhook", fixture(name))).status == 200
        (message,) = all_messages(runtime)
        nothing = {"text": None, "attachments": [], "reply_to": None}
        expected = nothing | EXPECTED[name]
        assert as_expected(message) == expected | {"metadata": NUMBER | expected.get("metadata", {})}
        assert (message.direction, message.status, message.source, message.created_at) == ("inbound", "received", "whatsapp", SENT)
        customer = customers.customer(runtime.reads, ORGANIZATION, message.customer_id)
        assert customer is not None
        german = name == "text_unicode"
        assert customer.name == ("Amélie Müller 🌻" if german else "Sheena Nelson")
        assert customer.phone == ("+4915112345678" if german else "+16505551234")
        assert [(each.source, each.external_id) for each in customer.identities] == [
            ("whatsapp", "4915112345678" if german else "16505551234")
        ]


async def test_three_messages_of_two_people_make_two_conversations_in_their_order(tmp_path: Path) -> None:
    await install_whatsapp(tmp_path / "data")
    async with a_host(tmp_path / "data") as runtime:
        await send(runtime, "whatsapp", "webhook", fixture("batch_three_messages"))
        found = all_messages(runtime)
        assert [message.text for message in found] == ["one", "two", "drei"]
        assert found[0].conversation_id == found[1].conversation_id != found[2].conversation_id


async def test_a_batch_for_two_numbers_gives_each_organisation_its_own_part(tmp_path: Path) -> None:
    await install_whatsapp(tmp_path / "data")
    await install_whatsapp(tmp_path / "data", "globex", "106540352249999")
    async with a_host(tmp_path / "data") as runtime:
        for organization in (ORGANIZATION, "globex"):
            answer = await send(runtime, "whatsapp", "webhook", fixture("batch_two_organizations"), organization)
            assert answer.status == 200
        assert [message.text for message in all_messages(runtime)] == ["for the first number"]
        assert [message.text for message in all_messages(runtime, "globex")] == ["for the second number"]
        (line,) = records(runtime)[0].log
        assert (line.level, line.message) == ("warn", "skipped a change of another phone number")


async def test_a_message_that_was_seen_before_adds_nothing(tmp_path: Path) -> None:
    await install_whatsapp(tmp_path / "data")
    async with a_host(tmp_path / "data") as runtime:
        for _ in range(3):
            assert (await send(runtime, "whatsapp", "webhook", fixture("text"))).status == 200
        assert len(all_messages(runtime)) == 1
        assert [record.effects > 0 for record in records(runtime)] == [True, False, False]


async def test_everything_one_customer_sends_is_one_conversation(tmp_path: Path) -> None:
    await install_whatsapp(tmp_path / "data")
    async with a_host(tmp_path / "data") as runtime:
        for name in EXPECTED:
            await send(runtime, "whatsapp", "webhook", fixture(name))
        listed = conversations.page(runtime.reads, ORGANIZATION, None, 200).items
        assert {each.customer.name for each in listed} == {"Sheena Nelson", "Amélie Müller 🌻"}
        assert len(all_messages(runtime)) == len(EXPECTED)


async def test_webhooks_of_a_new_customer_at_once_make_one_customer_and_one_conversation(tmp_path: Path) -> None:
    await install_whatsapp(tmp_path / "data")
    async with a_host(tmp_path / "data") as runtime:
        bodies = [fixture("text").replace(f"{WAMID}001".encode(), b"wamid.%d" % i) for i in range(12)]
        answers = await asyncio.gather(*[send(runtime, "whatsapp", "webhook", body) for body in bodies])
        assert {answer.status for answer in answers} == {200}
        assert len(conversations.page(runtime.reads, ORGANIZATION, None, 200).items) == 1
        assert {message.external_id for message in all_messages(runtime)} == {f"wamid.{i}" for i in range(12)}


async def test_a_new_kind_of_message_is_kept_as_it_came(tmp_path: Path) -> None:
    await install_whatsapp(tmp_path / "data")
    body = decode(fixture("text"))
    message = body["entry"][0]["changes"][0]["value"]["messages"][0]
    message["type"] = "hologram"
    message["hologram"] = {"depth": [1, {"of": "field"}]}
    async with a_host(tmp_path / "data") as runtime:
        assert (await send(runtime, "whatsapp", "webhook", encode(body))).status == 200
        (kept,) = all_messages(runtime)
        assert kept.kind == "hologram"
        assert decode(kept.metadata)["raw"] == message


@pytest.mark.parametrize(
    "part",
    [
        '"type": "novel", "novel": 123456789012345678901234567890',
        '"type": "novel", "novel": 1e999',
        '"type": "novel", "novel": ' + "[" * 150 + "]" * 150,
        '"type": "' + "n" * 500 + '"',
        '"type": "text", "text": {"body": "hi"}, "id": ""',
        '"type": "text", "text": {"body": "hi"}, "timestamp": "999999999999999"',
    ],
)
async def test_what_the_host_would_refuse_is_kept_as_text_beside_the_others(tmp_path: Path, part: str) -> None:
    await install_whatsapp(tmp_path / "data")
    body = fixture("batch_three_messages").replace(
        b'"messages": [', b'"messages": [{"from": "16505551234", "id": "odd", %s},' % part.encode(), 1
    )
    async with a_host(tmp_path / "data") as runtime:
        answer = await send(runtime, "whatsapp", "webhook", body)
        assert answer.status == 200, answer.body
        odd, *others = all_messages(runtime)
        assert [message.text for message in others] == ["one", "two", "drei"]
        assert odd.kind in ("unsupported", "text")
        if odd.kind == "unsupported":
            assert "16505551234" in decode(odd.metadata)["refused"]


def now() -> int:
    return time.time_ns() // 1_000_000


async def outgoing_message(runtime: Runtime, external_id: str, at: int) -> str:
    """A message of ours that the provider knows by this id, to a customer whom it also makes."""
    customer = Customer("01900000-0000-7000-8000-000000000001", [], "Sheena Nelson", None, None, "{}", 1, 1)
    conversation = Conversation("01900000-0000-7000-8000-000000000002", "whatsapp", customer.id, None, "open", 1, 1)
    message = Message(
        "01900000-0000-7000-8000-000000000003", conversation.id, customer.id, "whatsapp", "outbound", "text", "Yes, in blue.", [],
        external_id, None, "queued", "{}", 1,
    )  # fmt: skip

    def write(connection: Any) -> None:
        customers.create(connection, ORGANIZATION, customer)
        conversations.create(connection, ORGANIZATION, conversation)
        effects.apply(connection, ORGANIZATION, "whatsapp", [MessageAdded(message)], at)

    await runtime.writer.commit(write)
    return message.id


async def test_a_status_moves_the_message_that_it_names(tmp_path: Path) -> None:
    await install_whatsapp(tmp_path / "data")
    async with a_host(tmp_path / "data") as runtime:
        message_id = await outgoing_message(runtime, f"{WAMID}099", now())
        await send(runtime, "whatsapp", "webhook", fixture("status_sent"))
        message = messages.message(runtime.reads, ORGANIZATION, message_id)
        assert message is not None
        assert message.status == "sent"
        assert decode(message.metadata)["status"]["pricing"]["category"] == "service"


@pytest.mark.parametrize(("hours", "status"), [(23, "failed"), (25, "queued")])
async def test_a_status_that_comes_before_its_message_waits_24_hours_for_it(tmp_path: Path, hours: int, status: str) -> None:
    await install_whatsapp(tmp_path / "data")
    async with a_host(tmp_path / "data") as runtime:
        await send(runtime, "whatsapp", "webhook", fixture("status_failed"))
        assert all_messages(runtime) == []
        message_id = await outgoing_message(runtime, f"{WAMID}098", now() + hours * 3_600_000)
        message = messages.message(runtime.reads, ORGANIZATION, message_id)
        assert message is not None
        assert message.status == status
