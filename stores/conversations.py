"""Conversations: at most one open one for each customer and source."""

from msgspec import Struct, structs
from sqlalchemy import BindParameter, and_, bindparam, insert, select, text, update

from host.model.customer import Identity
from host.model.message import Conversation
from stores.page import LAST, Page, cursor
from stores.statement import Connection, Row, Statement
from stores.tables import conversations, customer_identities, customers
from stores.transaction import snapshot


class Participant(Struct, frozen=True):
    """The customer of a listed conversation."""

    id: str
    name: str | None
    identities: list[Identity]


class ListedConversation(Struct, frozen=True):
    id: str
    source: str
    status: str
    agent_id: str | None
    customer: Participant
    created_at: int
    updated_at: int


_organization: BindParameter[str] = bindparam("organization")
_c = conversations.c
_SELECT = select(_c.id, _c.source, _c.customer_id, _c.agent_id, _c.status, _c.created_at, _c.updated_at).where(
    _c.organization == _organization
)
_BY_ID = Statement(_SELECT.where(_c.id == bindparam("conversation_id")))
_is_open = text("status = 'open'")  # spelled as in the index, which is used only then
_OPEN = Statement(_SELECT.where(_c.customer_id == bindparam("customer_id"), _c.source == bindparam("source"), _is_open))
_INSERT = Statement(insert(conversations))
_here = (_c.organization == _organization, _c.id == bindparam("conversation_id"))
_CLOSE = Statement(update(conversations).where(*_here, _is_open).values(status="closed"))
_TOUCH = Statement(update(conversations).where(*_here, _c.updated_at < bindparam("at")).values(updated_at=bindparam("at")))

_page = (
    select(_c.id, _c.source, _c.status, _c.agent_id, _c.customer_id, _c.created_at, _c.updated_at)
    .where(_c.organization == _organization, _c.id < bindparam("before"))
    .order_by(_c.id.desc())
    .limit(bindparam("limit"))
    .subquery("page")
)
_of_page = and_(customers.c.organization == _organization, customers.c.id == _page.c.customer_id)
_PAGE = Statement(select(_page, customers.c.name).select_from(_page.join(customers, _of_page)).order_by(_page.c.id.desc()))
_i = customer_identities.c
_PAGE_IDENTITIES = Statement(
    select(_i.customer_id, _i.source, _i.external_id)
    .where(_i.organization == _organization, _i.customer_id.in_(select(_page.c.customer_id)))
    .order_by(_i.customer_id, _i.source, _i.external_id)
)


def conversation(connection: Connection, organization: str, conversation_id: str) -> Conversation | None:
    row = _BY_ID.row(connection, organization=organization, conversation_id=conversation_id)
    return None if row is None else Conversation(*row)


def open_conversation(connection: Connection, organization: str, customer_id: str, source: str) -> Conversation | None:
    row = _OPEN.row(connection, organization=organization, customer_id=customer_id, source=source)
    return None if row is None else Conversation(*row)


def page(connection: Connection, organization: str, before: str | None, limit: int) -> Page[ListedConversation]:
    """Newest first, at most `limit` (1 or more) whose ids are below `before`."""
    wanted = {"organization": organization, "before": before or LAST, "limit": limit + 1}
    with snapshot(connection):
        rows = _PAGE.rows(connection, **wanted)
        identities = _by_customer(_PAGE_IDENTITIES.rows(connection, **wanted))
    return Page([_listed(row, identities) for row in rows[:limit]], cursor([row[0] for row in rows], limit))


def create(connection: Connection, organization: str, conversation: Conversation) -> None:
    """Raises `Violation` when there is an open one of that customer and source, or no such customer or agent."""
    _INSERT.run(connection, organization=organization, **structs.asdict(conversation))


def close(connection: Connection, organization: str, conversation_id: str, at: int) -> None:
    """Closing a closed one changes nothing."""
    if _CLOSE.run(connection, organization=organization, conversation_id=conversation_id):
        touch(connection, organization, conversation_id, at)


def touch(connection: Connection, organization: str, conversation_id: str, at: int) -> None:
    """Moves `updated_at` on to `at`, never back."""
    _TOUCH.run(connection, organization=organization, conversation_id=conversation_id, at=at)


def _by_customer(rows: list[Row]) -> dict[str, list[Identity]]:
    identities: dict[str, list[Identity]] = {}
    for customer_id, source, external_id in rows:
        identities.setdefault(customer_id, []).append(Identity(source, external_id))
    return identities


def _listed(row: Row, identities: dict[str, list[Identity]]) -> ListedConversation:
    conversation_id, source, status, agent_id, customer_id, created_at, updated_at, name = row
    customer = Participant(customer_id, name, identities.get(customer_id, []))
    return ListedConversation(conversation_id, source, status, agent_id, customer, created_at, updated_at)
