"""Conversations and messages as operators read them."""

from pathlib import Path

import pytest

from host.model.customer import Customer, Identity
from host.model.message import Attachment, Conversation, Message
from stores import agents, conversations, customers, messages, organizations
from stores.statement import Connection
from tests.web.site import Site, a_site

LIST = "/v1/orgs/acme/conversations"


def uuid(number: int) -> str:
    return f"01900000-0000-7000-8000-{number:012x}"


def conversation(connection: Connection, number: int, organization: str = "acme", agent: str | None = None, **customer: object) -> str:
    """A conversation with a customer of its own; its id."""
    fields = {"name": None, "email": None, "phone": None, "metadata": "{}", **customer}
    identities = [Identity("whatsapp", f"49{number}")]
    customers.create(
        connection, organization, Customer(id=uuid(1000 + number), identities=identities, created_at=1, updated_at=1, **fields)
    )  # type: ignore[arg-type]  # fields by name
    conversations.create(connection, organization, Conversation(uuid(number), "whatsapp", uuid(1000 + number), agent, "open", 10, 20))
    return uuid(number)


def message(connection: Connection, conversation_number: int, number: int, **fields: object) -> str:
    """A message in it; its id."""
    given = {
        "direction": "inbound", "kind": "text", "text": "hello", "attachments": [], "external_id": f"wamid.{number}", "reply_to": None,
        "status": "received", "metadata": "{}", "created_at": 1_700_000_000_000, **fields,
    }  # fmt: skip
    whose = {"conversation_id": uuid(conversation_number), "customer_id": uuid(1000 + conversation_number), "source": "whatsapp"}
    messages.create(connection, "acme", Message(id=uuid(number), **whose, **given))  # type: ignore[arg-type]  # fields by name
    return uuid(number)


async def test_a_conversation_has_its_customer_and_agent(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        with site.runtime.database.transaction() as connection:
            agent = agents.add(connection, "acme", "Ada")
            conversation(connection, 1, agent=agent.id, name="Zoë 🦊")
            conversation(connection, 2)
        reply = await site.ask("GET", LIST, headers=[site.token()])

    assert reply.status == 200
    assert reply.header("content-type") == ["application/json"]
    assert reply.header("cache-control") == ["no-store"]
    assert reply.json == {
        "items": [
            {
                "id": uuid(2), "source": "whatsapp", "status": "open", "agent_id": None, "created_at": 10, "updated_at": 20,
                "customer": {"id": uuid(1002), "name": None, "identities": [{"source": "whatsapp", "external_id": "492"}]},
            },
            {
                "id": uuid(1), "source": "whatsapp", "status": "open", "agent_id": agent.id, "created_at": 10, "updated_at": 20,
                "customer": {"id": uuid(1001), "name": "Zoë 🦊", "identities": [{"source": "whatsapp", "external_id": "491"}]},
            },
        ],
        "next": None,
    }  # fmt: skip


async def test_a_message_has_its_attachments_and_metadata_as_json(tmp_path: Path) -> None:
    attachment = Attachment("location", None, None, None, None, None, '{"latitude": 52.5, "name": "Café"}')
    picture = Attachment("image", "media-1", None, "image/jpeg", "a.jpg", 12345678901, None)
    async with a_site(tmp_path) as site:
        with site.runtime.database.transaction() as connection:
            conversation(connection, 1)
            kept = message(
                connection, 1, 7, kind="location", text=None, attachments=[attachment, picture], metadata='{"raw": {"b": [1.50]}}'
            )
        reply = await site.ask("GET", f"{LIST}/{uuid(1)}/messages", headers=[site.token()])

    nothing = {"media_id": None, "url": None, "mime_type": None, "filename": None, "size_bytes": None}
    assert reply.json == {
        "items": [
            {
                "id": kept, "conversation_id": uuid(1), "customer_id": uuid(1001), "source": "whatsapp", "direction": "inbound",
                "kind": "location", "text": None, "external_id": "wamid.7", "reply_to": None, "status": "received",
                "created_at": 1_700_000_000_000, "metadata": {"raw": {"b": [1.5]}},
                "attachments": [
                    {"kind": "location", **nothing, "metadata": {"latitude": 52.5, "name": "Café"}},
                    {
                        "kind": "image", "media_id": "media-1", "url": None, "mime_type": "image/jpeg", "filename": "a.jpg",
                        "size_bytes": 12345678901, "metadata": None,
                    },
                ],
            }
        ],
        "next": None,
    }  # fmt: skip


async def test_pages_follow_each_other_newest_first_until_there_is_no_next(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        with site.runtime.database.transaction() as connection:
            conversation(connection, 1)
            for number in range(1, 6):
                message(connection, 1, number)
        conversation_pages = await pages(site, LIST, 2)
        message_pages = await pages(site, f"{LIST}/{uuid(1)}/messages", 2)

    assert conversation_pages == [[uuid(1)]]
    assert message_pages == [[uuid(5), uuid(4)], [uuid(3), uuid(2)], [uuid(1)]]


async def pages(site: Site, target: str, limit: int) -> list[list[str]]:
    token, found, query = site.token(), [], f"?limit={limit}"
    while query:
        page = (await site.ask("GET", target + query, headers=[token])).json
        found.append([item["id"] for item in page["items"]])
        query = f"?limit={limit}&cursor={page['next']}" if page["next"] else ""
    return found


async def test_a_page_has_fifty_items_unless_told_otherwise(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        with site.runtime.database.transaction() as connection:
            for number in range(1, 202):
                conversation(connection, number)
        token = site.token()
        sizes = [len((await site.ask("GET", LIST + query, headers=[token])).json["items"]) for query in ("", "?limit=1", "?limit=200")]

    assert sizes == [50, 1, 200]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=-1", "limit=", "limit=ten", "limit=1.5", "limit=%2B5", "limit=05", "limit=%D9%A1", "limit=1&limit=2",
        "limit=1e1", "limit=" + "9" * 5000, "cursor=", "cursor=x", "cursor=%00", "cursor=' OR 1=1", f"cursor={uuid(1)}&cursor={uuid(2)}",
        f"cursor={uuid(1).upper()}x", "cursor=" + "0" * 36,
    ],
)  # fmt: skip
async def test_a_limit_or_cursor_that_is_none_is_refused(tmp_path: Path, query: str) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", f"{LIST}?{query}", headers=[site.token()])

    assert (reply.status, reply.code) == (400, "invalid")


@pytest.mark.parametrize("conversation_id", [uuid(99), "x", "..", "%00", "x" * 5000, "%27%20OR%201=1", "%ff"])
async def test_a_conversation_that_is_not_there_has_no_messages(tmp_path: Path, conversation_id: str) -> None:
    async with a_site(tmp_path) as site:
        reply = await site.ask("GET", f"{LIST}/{conversation_id}/messages", headers=[site.token()])

    assert (reply.status, reply.code) == (404, "not-found")


async def test_one_organisation_never_sees_another_s(tmp_path: Path) -> None:
    async with a_site(tmp_path) as site:
        with site.runtime.database.transaction() as connection:
            organizations.create(connection, "other", 1)
            theirs = conversation(connection, 1, "other")
        ours = site.token("acme")
        listed = await site.ask("GET", LIST, headers=[ours])
        below = await site.ask("GET", f"{LIST}/{theirs}/messages", headers=[ours])
        direct = await site.ask("GET", f"/v1/orgs/other/conversations/{theirs}/messages", headers=[ours])

    assert listed.json == {"items": [], "next": None}
    assert [(reply.status, reply.body) for reply in (below, direct)] == [(404, below.body)] * 2
