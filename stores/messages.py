"""Messages. Their ids are version 7 UUIDs that rise within an invocation: the order of ids is the order of arrival, and an id is a cursor.

`created_at` orders nothing: a provider's clock may say that a message that arrives now is older than one that a reader has seen.
"""

from msgspec import json, structs
from sqlalchemy import bindparam, insert, select, update

from host.model.message import Attachment, Message
from host.model.size import fills, page_of
from stores.page import LAST, Page
from stores.statement import Connection, Row, Statement
from stores.tables import messages as table

_m = table.c
_SELECT = select(
    _m.id,
    _m.conversation_id,
    _m.customer_id,
    _m.source,
    _m.direction,
    _m.kind,
    _m.text,
    _m.attachments,
    _m.external_id,
    _m.reply_to,
    _m.status,
    _m.metadata,
    _m.created_at,
).where(_m.organization == bindparam("organization"))
_BY_ID = Statement(_SELECT.where(_m.id == bindparam("message_id")))
_BY_EXTERNAL_ID = Statement(_SELECT.where(_m.source == bindparam("source"), _m.external_id == bindparam("external_id")))
_OF_CONVERSATION = Statement(
    _SELECT.where(_m.conversation_id == bindparam("conversation_id"), _m.id < bindparam("before"))
    .order_by(_m.id.desc())
    .limit(bindparam("limit"))
)
_INSERT = Statement(insert(table))
_SET_STATUS = Statement(
    update(table)
    .where(_m.organization == bindparam("organization"), _m.id == bindparam("message_id"))
    .values(status=bindparam("new_status"), status_at=bindparam("new_status_at"), metadata=bindparam("new_metadata"))
)
_attachments = json.Decoder(list[Attachment])


def message(connection: Connection, organization: str, message_id: str) -> Message | None:
    row = _BY_ID.row(connection, organization=organization, message_id=message_id)
    return None if row is None else _message(row)


def message_by_external_id(connection: Connection, organization: str, source: str, external_id: str) -> Message | None:
    row = _BY_EXTERNAL_ID.row(connection, organization=organization, source=source, external_id=external_id)
    return None if row is None else _message(row)


def messages(connection: Connection, organization: str, conversation_id: str, before: str | None, limit: int) -> list[Message]:
    """Newest first, at most `limit` (1 or more) whose ids are below `before`. They end early where they fill a page."""
    wanted = {"organization": organization, "conversation_id": conversation_id, "before": before or LAST, "limit": limit}
    with _OF_CONVERSATION.each(connection, **wanted) as rows:
        return page_of(map(_message, rows))


def page(connection: Connection, organization: str, conversation_id: str, before: str | None, limit: int) -> Page[Message]:
    found = messages(connection, organization, conversation_id, before, limit + 1)
    items = found[:limit]
    return Page(items, items[-1].id if len(found) > limit or fills(found) else None)


def create(connection: Connection, organization: str, message: Message) -> None:
    """Raises `Violation` when its source knows that external id, or there is no such conversation of that customer and source."""
    fields = structs.asdict(message)
    fields["attachments"] = json.encode(message.attachments).decode()
    _INSERT.run(connection, organization=organization, **fields, status_at=None)


def set_status(connection: Connection, organization: str, message_id: str, status: str, at: int, metadata: str) -> None:
    _SET_STATUS.run(
        connection, organization=organization, message_id=message_id, new_status=status, new_status_at=at, new_metadata=metadata
    )


def _message(row: Row) -> Message:
    fields = list(row)
    fields[7] = _attachments.decode(fields[7])
    return Message(*fields)
