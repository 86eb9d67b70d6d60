"""WhatsApp's webhooks as messages and statuses, by the plugin's own plain functions."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_sdk_py import Attachment, Incoming, Profile, Rejected
from tests.building import EXAMPLES, FIXTURES

spec = spec_from_file_location("whatsapp_mapping", EXAMPLES / "whatsapp" / "mapping.py")
assert spec is not None
assert spec.loader is not None
mapping = module_from_spec(spec)
spec.loader.exec_module(mapping)

NUMBER = {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"}
SENDER = {"from": "16505551234", "id": "wamid.1", "timestamp": "1749416383"}
CONTACT = {"profile": {"name": "Sheena Nelson"}, "wa_id": "16505551234"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "type", "text", "from", "body", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / "whatsapp" / f"{name}.json").read_text(encoding="utf-8"))


def webhook(**value: Any) -> Any:
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": NUMBER, "contacts": [CONTACT]} | value}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}


def received(**message: Any) -> Incoming:
    """The one message that comes out of a webhook with this one."""
    (change,) = mapping.changes(webhook(messages=[SENDER | message]))
    (incoming,) = change.messages
    return incoming


def test_a_text_is_mapped_field_by_field() -> None:
    (change,) = mapping.changes(fixture("text_reply"))

    assert change.phone_number_id == "106540352242922"
    assert change.messages == (
        Incoming(
            source="whatsapp",
            sender_external_id="16505551234",
            sender=Profile(name="Sheena Nelson", phone="+16505551234"),
            external_id="wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ003",
            kind="text",
            text="This one",
            attachments=[],
            reply_to="wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ001",
            sent_at=1749416383000,
            metadata=NUMBER,
        ),
    )


@pytest.mark.parametrize(
    ("kind", "part", "attachment", "text"),
    [
        (
            "audio",
            {"id": "7", "mime_type": "audio/ogg; codecs=opus", "sha256": "x", "voice": True},
            Attachment(kind="audio", media_id="7", mime_type="audio/ogg; codecs=opus", metadata={"sha256": "x", "voice": True}),
            None,
        ),
        (
            "video",
            {"id": "7", "mime_type": "video/mp4", "sha256": "x", "caption": "Look", "url": "https://lookaside.fbsbx.com/7"},
            Attachment(kind="video", media_id="7", url="https://lookaside.fbsbx.com/7", mime_type="video/mp4", metadata={"sha256": "x"}),
            "Look",
        ),
        (
            "document",
            {"id": "7", "mime_type": "application/pdf", "sha256": "x", "filename": "order.pdf", "caption": "The order"},
            Attachment(kind="document", media_id="7", mime_type="application/pdf", filename="order.pdf", metadata={"sha256": "x"}),
            "The order",
        ),
        (
            "sticker",
            {"id": "7", "mime_type": "image/webp", "sha256": "x", "animated": False},
            Attachment(kind="sticker", media_id="7", mime_type="image/webp", metadata={"sha256": "x", "animated": False}),
            None,
        ),
        (
            "location",
            {"latitude": 38.98, "longitude": -131.94, "address": "Main Street"},
            Attachment(kind="location", metadata={"latitude": 38.98, "longitude": -131.94, "address": "Main Street"}),
            "Main Street",
        ),
        (
            "contacts",
            [{"name": {"formatted_name": "Ada"}, "phones": [{"phone": "+1"}]}, {"name": {"formatted_name": "Bo"}}],
            Attachment(
                kind="contacts",
                metadata={
                    "contacts": [{"name": {"formatted_name": "Ada"}, "phones": [{"phone": "+1"}]}, {"name": {"formatted_name": "Bo"}}]
                },
            ),
            "Ada, Bo",
        ),
    ],
)
def test_what_is_attached_becomes_an_attachment(kind: str, part: Any, attachment: Attachment, text: str | None) -> None:
    incoming = received(type=kind, **{kind: part})

    assert (incoming.kind, incoming.text, incoming.attachments) == (kind, text, [attachment])
    assert incoming.metadata == NUMBER


@pytest.mark.parametrize(
    ("kind", "part", "text", "kept"),
    [
        ("button", {"text": "Yes", "payload": "confirm"}, "Yes", {"button": {"payload": "confirm"}}),
        (
            "interactive",
            {"type": "list_reply", "list_reply": {"id": "express", "title": "Express", "description": "Next day"}},
            "Express",
            {"interactive": {"type": "list_reply", "list_reply": {"id": "express", "title": "Express", "description": "Next day"}}},
        ),
        (
            "interactive",
            {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{}"}},
            "Sent",
            {"interactive": {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{}"}}},
        ),
        (
            "order",
            {"catalog_id": "1", "text": "Please", "product_items": [{"quantity": 2}]},
            "Please",
            {"order": {"catalog_id": "1", "product_items": [{"quantity": 2}]}},
        ),
        (
            "system",
            {"body": "Sheena changed her number", "wa_id": "12195555358", "type": "user_changed_number"},
            "Sheena changed her number",
            {"system": {"wa_id": "12195555358", "type": "user_changed_number"}},
        ),
        ("text", {"body": "Hi", "preview_url": True}, "Hi", {"text": {"preview_url": True}}),
    ],
)
def test_what_has_no_place_of_its_own_is_kept_in_the_metadata(kind: str, part: Any, text: str, kept: Any) -> None:
    incoming = received(type=kind, **{kind: part})

    assert (incoming.kind, incoming.text, incoming.attachments) == (kind, text, [])
    assert incoming.metadata == NUMBER | kept


def test_a_reaction_answers_the_message_that_it_is_about_and_one_taken_back_has_no_emoji() -> None:
    assert received(type="reaction", reaction={"message_id": "wamid.0", "emoji": "👍"}).text == "👍"
    taken_back = received(type="reaction", reaction={"message_id": "wamid.0"})
    assert (taken_back.text, taken_back.reply_to) == (None, "wamid.0")


def test_what_a_message_says_beside_its_content_is_kept() -> None:
    incoming = received(
        type="text",
        text={"body": "Hi"},
        referral={"source_url": "https://fb.me/1", "source_type": "ad"},
        context={"from": "15550783881", "id": "wamid.0", "forwarded": True},
    )

    assert incoming.reply_to == "wamid.0"
    assert incoming.metadata == NUMBER | {
        "referral": {"source_url": "https://fb.me/1", "source_type": "ad"},
        "context": {"forwarded": True},
    }


def test_an_unsupported_message_keeps_its_errors_and_what_it_was() -> None:
    incoming = received(type="unsupported", errors=[{"code": 131051}], unsupported={"type": "poll_creation"})

    assert (incoming.kind, incoming.text) == ("unsupported", None)
    assert incoming.metadata == NUMBER | {"errors": [{"code": 131051}], "unsupported": {"type": "poll_creation"}}


@pytest.mark.parametrize(
    "message", [{"type": "hologram", "hologram": {"a": 1}}, {"type": "text", "text": "not an object"}, {"type": "image"}]
)
def test_a_message_that_is_not_understood_is_kept_whole(message: Any) -> None:
    incoming = received(**message)

    assert (incoming.kind, incoming.external_id, incoming.sent_at) == (message["type"], "wamid.1", 1749416383000)
    assert incoming.metadata == NUMBER | {"raw": SENDER | message}


def test_a_sender_who_hides_the_phone_number_is_known_by_the_user_id() -> None:
    contact = {"profile": {"name": "Ada", "username": "ada"}, "user_id": "US.13491208655302741918"}
    message = {"from_user_id": "US.13491208655302741918", "id": "wamid.1", "timestamp": "1", "type": "text", "text": {"body": "Hi"}}
    (change,) = mapping.changes(webhook(contacts=[contact], messages=[message]))

    (incoming,) = change.messages
    assert incoming.sender_external_id == "US.13491208655302741918"
    assert incoming.sender == Profile(name="Ada")


def test_a_status_has_its_time_and_what_came_with_it() -> None:
    (change,) = mapping.changes(fixture("status_failed"))
    (status,) = change.statuses
    assert (status.external_id[-3:], status.status, status.at) == ("098", "failed", 1749416391000)
    assert status.detail["errors"][0]["code"] == 131047
    (change,) = mapping.changes(fixture("status_sent"))
    (status,) = change.statuses
    assert set(status.detail) == {"conversation", "pricing"}


def test_changes_of_other_fields_come_out_empty() -> None:
    body = webhook()
    body["entry"][0]["changes"].append({"field": "account_update", "value": {"event": "VERIFIED_ACCOUNT"}})

    assert [change.field for change in mapping.changes(body)] == ["messages", "account_update"]


def without(key: str) -> Any:
    return {name: value for name, value in SENDER.items() if name != key}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (5, "$.object"),
        ({"object": "page"}, "$.object"),
        ({"object": "whatsapp_business_account", "entry": {}}, "$.entry"),
        ({"object": "whatsapp_business_account", "entry": [1]}, "$.entry[0]"),
        ({"object": "whatsapp_business_account", "entry": [{"changes": [None]}]}, "$.entry[0].changes[0]"),
        ({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages"}]}]}, "$.entry[0].changes[0].value"),
        (webhook(messages=[SENDER, without("from")]), "$.entry[0].changes[0].value.messages[1].from"),
        (webhook(messages=["x"]), "$.entry[0].changes[0].value.messages[0]"),
        (webhook(statuses=[{"status": "sent"}]), "$.entry[0].changes[0].value.statuses[0].id"),
    ],
)
def test_what_can_not_be_whatsapps_is_rejected_with_its_place(body: Any, place: str) -> None:
    with pytest.raises(Rejected) as caught:
        list(mapping.changes(body))
    assert str(caught.value).partition(": ")[0] == place


@settings(max_examples=500)
@given(JSON, st.sampled_from([*sorted(mapping.READERS), "unsupported", "x"]), JSON)
def test_any_content_is_taken_and_nothing_of_it_is_lost(part: Any, kind: str, other: Any) -> None:
    incoming = received(type=kind, **{kind: part}, other=other)

    mapped = [incoming.text, incoming.reply_to, incoming.metadata, *map(asdict, incoming.attachments)]
    assert set(leaves([part, other])) <= set(leaves(mapped))


def leaves(value: Any) -> Iterator[Any]:
    """Every text and number inside."""
    if isinstance(value, (str, int)):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)


@given(
    JSON, st.sampled_from(["entry", "changes", "value", "messages", "contacts", "metadata", "from", "id", "timestamp", "type", "context"])
)
def test_any_body_is_mapped_or_rejected_and_nothing_else(junk: Any, key: str) -> None:
    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: junk if name == key else replaced(inner) for name, inner in value.items()}
        return [replaced(inner) for inner in value] if isinstance(value, list) else value

    with suppress(Rejected):
        list(mapping.changes(replaced(fixture("text_reply"))))
