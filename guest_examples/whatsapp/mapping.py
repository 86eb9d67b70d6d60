"""WhatsApp's webhooks as messages and statuses: plain functions over the parsed body.

The shapes are those of the Cloud API's webhook reference, field "messages". What has no place of its own in a message is kept in its
metadata as it came; a kind of message that is not known here is kept whole, under "raw".
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, NamedTuple, TypeAlias

from plugin_sdk_py import Attachment, Incoming, Profile, Rejected

SOURCE = "whatsapp"
STATUSES = {"sent", "delivered", "read", "failed"}

Object: TypeAlias = dict[str, Any]  # a JSON object


class Status(NamedTuple):
    """`at` is in milliseconds since 1970, None where the provider gave no time."""

    external_id: str
    status: str
    at: int | None
    detail: Object


class Change(NamedTuple):
    """What happened to one phone number. Messages and statuses are there where `field` is "messages"."""

    field: str
    phone_number_id: str | None = None
    messages: tuple[Incoming, ...] = ()
    statuses: tuple[Status, ...] = ()
    errors: Any = None


class Content(NamedTuple):
    """What the part of a message says that is named like its kind."""

    text: str | None = None
    attachment: Attachment | None = None
    reply_to: str | None = None
    rest: Any = None


def changes(body: Any) -> Iterator[Change]:
    """The changes in a webhook's body. Raises Rejected, which names the place, for what can't be WhatsApp's.

    One message without a sender refuses the whole request: it belongs to nobody, and to skip it would be to lose it. The provider sends
    again what was refused.
    """
    if not isinstance(body, dict) or body.get("object") != "whatsapp_business_account":
        raise Rejected('$.object: "whatsapp_business_account" is needed')
    for entry, place in _objects(body, "entry", "$"):
        for change, where in _objects(entry, "changes", place):
            yield _change(change, where)


def as_text(message: Incoming) -> Incoming:
    """The same message as one of kind "unsupported", all that it says as one text in its metadata."""
    return Incoming(
        source=message.source,
        sender_external_id=message.sender_external_id,
        external_id=message.external_id or None,
        kind="unsupported",
        metadata={"refused": json.dumps(asdict(message), ensure_ascii=False)},
    )


def _change(change: Object, at: str) -> Change:
    field, value = str(change.get("field")), change.get("value")
    if field != "messages":
        return Change(field)
    if not isinstance(value, dict):
        raise Rejected(f"{at}.value: an object is needed")
    about = _object(value, "metadata")
    contacts = [contact for contact, _ in _objects(value, "contacts", f"{at}.value")]
    return Change(
        field,
        _text(about, "phone_number_id"),
        tuple(_message(message, contacts, about, where) for message, where in _objects(value, "messages", f"{at}.value")),
        tuple(_status(status, where) for status, where in _objects(value, "statuses", f"{at}.value")),
        value.get("errors"),
    )


def _message(message: Object, contacts: list[Object], about: Object, at: str) -> Incoming:
    sender = _text(message, "from") or _text(message, "from_user_id")
    if not sender:
        raise Rejected(f"{at}.from: the sender is needed")
    kind = _text(message, "type") or "unsupported"
    content = _content(kind, message)
    context = _object(message, "context")
    return Incoming(
        source=SOURCE,
        sender_external_id=sender,
        sender=_profile(sender, message, contacts),
        external_id=_text(message, "id"),
        kind=kind,
        text=content.text if content else None,
        attachments=[content.attachment] if content and content.attachment else [],
        reply_to=(content.reply_to if content else None) or _text(context, "id"),
        sent_at=_milliseconds(message.get("timestamp")),
        metadata={**about, **(_beside(kind, message, content.rest, context) if content else {"raw": message})},
    )


def _profile(sender: str, message: Object, contacts: list[Object]) -> Profile:
    """The contact with the sender's id; one who hides the phone number has only a `user_id`."""
    contact = next((contact for contact in contacts if sender in (contact.get("wa_id"), contact.get("user_id"))), {})
    phone = _text(contact, "wa_id") or _text(message, "from")
    return Profile(name=_text(_object(contact, "profile"), "name"), phone=f"+{phone}" if phone else None)


def _beside(kind: str, message: Object, rest: Any, context: Object) -> Object:
    """What a known kind of message says beside its content: errors, a referral, that it was forwarded and so on."""
    kept = _without(message, "from", "id", "timestamp", "type")
    kept.pop(kind, None)
    if context:
        kept["context"] = _without(context, "from", "id")
    return {key: value for key, value in {**kept, kind: rest}.items() if value not in (None, {})}


def _content(kind: str, message: Object) -> Content | None:
    """None for a kind that is not known, and for a part that does not look as it should."""
    if kind == "unsupported":
        return Content(rest=message.get(kind))
    shape, read = READERS.get(kind, (None, None))
    part = message.get(kind)
    return read(kind, part) if shape and read and isinstance(part, shape) else None


def _plain(kind: str, part: Object) -> Content:
    return Content(_text(part, "body"), rest=_without(part, "body"))


def _labelled(kind: str, part: Object) -> Content:
    return Content(_text(part, "text"), rest=_without(part, "text"))


def _media(kind: str, part: Object) -> Content:
    attachment = Attachment(
        kind=kind,
        media_id=_text(part, "id"),
        url=_text(part, "url"),
        mime_type=_text(part, "mime_type"),
        filename=_text(part, "filename"),
        metadata=_without(part, "id", "url", "mime_type", "filename", "caption"),
    )
    return Content(_text(part, "caption"), attachment)


def _location(kind: str, part: Object) -> Content:
    return Content(_text(part, "name") or _text(part, "address"), Attachment(kind=kind, metadata=part))


def _contacts(kind: str, part: list[Any]) -> Content:
    names = [_text(_object(person, "name"), "formatted_name") for person in part if isinstance(person, dict)]
    return Content(", ".join(name for name in names if name) or None, Attachment(kind=kind, metadata={"contacts": part}))


def _reaction(kind: str, part: Object) -> Content:
    """Without an emoji it takes a reaction back."""
    return Content(_text(part, "emoji"), reply_to=_text(part, "message_id"), rest=_without(part, "emoji", "message_id"))


def _interactive(kind: str, part: Object) -> Content:
    """The answer to buttons (`button_reply`), a list (`list_reply`) or a flow (`nfm_reply`)."""
    reply = _object(part, _text(part, "type") or "")
    return Content(_text(reply, "title") or _text(reply, "body"), rest=part)


READERS: dict[str, tuple[type, Callable[[str, Any], Content]]] = {
    "text": (dict, _plain),
    "image": (dict, _media),
    "audio": (dict, _media),
    "video": (dict, _media),
    "document": (dict, _media),
    "sticker": (dict, _media),
    "location": (dict, _location),
    "contacts": (list, _contacts),
    "reaction": (dict, _reaction),
    "interactive": (dict, _interactive),
    "button": (dict, _labelled),
    "order": (dict, _labelled),
    "system": (dict, _plain),
}


def _status(status: Object, at: str) -> Status:
    external_id = _text(status, "id")
    if not external_id:
        raise Rejected(f"{at}.id: the message that it is about is needed")
    detail = _without(status, "id", "status", "timestamp", "recipient_id")
    return Status(external_id, str(status.get("status")), _milliseconds(status.get("timestamp")), detail)


def _objects(parent: Object, key: str, at: str) -> Iterator[tuple[Object, str]]:
    """The objects of a list, each with its JSON path. Raises Rejected for what is none."""
    items = parent.get(key, [])
    if not isinstance(items, list):
        raise Rejected(f"{at}.{key}: a list is needed")
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise Rejected(f"{at}.{key}[{number}]: an object is needed")
        yield item, f"{at}.{key}[{number}]"


def _object(parent: Object, key: str) -> Object:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}


def _text(parent: Object, key: str) -> str | None:
    found = parent.get(key)
    return found if isinstance(found, str) else None


def _without(parent: Object, *keys: str) -> Object:
    """All but the texts of these names, which went elsewhere; what is there instead of a text went nowhere."""
    return {key: value for key, value in parent.items() if key not in keys or not isinstance(value, str)}


def _milliseconds(seconds: Any) -> int | None:
    """The provider's times are seconds since 1970, as text."""
    return int(seconds) * 1000 if isinstance(seconds, str) and seconds.isdecimal() and len(seconds) <= 12 else None
