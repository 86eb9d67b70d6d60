"""An application that keeps messages itself, in tables of its own, and a plugin that receives them."""

import asyncio
import hashlib
import hmac
import sqlite3
from collections.abc import Callable
from pathlib import Path

from msgspec import json
from msgspec.structs import asdict

from host import (
    Conflict,
    Conversation,
    ConversationClosed,
    ConversationOpened,
    Customer,
    CustomerChanged,
    CustomerCreated,
    CustomerEffect,
    Identity,
    IdentityLinked,
    Message,
    MessageAdded,
    MessageEffect,
    StatusReported,
)

KEY = "a signing key"
GUEST = '''
from plugin_sdk_py import Event, Failed, Incoming, Plugin, Profile, Rejected, Request, Response, ToolResult, hmac, token

plugin = Plugin("chat", version="1.0.0", description="A chat, its history, and what it thinks of tasks")
plugin.channel(source="chat", name="Chat")
plugin.secret("key", purpose="verify")
plugin.setting("most", int, default=10)
plugin.setting("greeting", str, default="hello")
for capability in ("messages.receive", "messages.read", "customers.read", "store"):
    plugin.needs(capability, reason="for a test")


@plugin.post("/in", auth=hmac(secret="key", header="x-signature"), body="json")
def receive(request: Request) -> Response:
    """Takes a message in; says what it sees of it and of those before."""
    said = request.json()
    profile = Profile(name=said.get("name"))
    receipt = plugin.messages.receive(
        Incoming(source="chat", sender_external_id=said["from"], sender=profile, external_id=said["id"], text=said["text"])
    )
    seen = plugin.messages.by_conversation(receipt.conversation_id, limit=50)
    plugin.store.add("received", 0 if receipt.duplicate else 1)
    if said.get("close"):
        plugin.messages.close_conversation(receipt.conversation_id)
    if said.get("status"):
        plugin.messages.update_status(source="chat", external_id=said["id"], status=said["status"], at=7)
    if said["text"] == "fail":
        raise Failed("not this one")
    if said["text"] == "teapot":
        return Response(status=418)
    return Response.json({
        "texts": [message.text for message in seen.messages], "duplicate": receipt.duplicate, "new": receipt.new_conversation,
        "agent": receipt.agent_id, "customer": plugin.customers.get(receipt.customer_id).name,
    })


@plugin.hook("task.created")
def task_created(event: Event) -> dict:
    plugin.store.set("last-task", event.data)
    if event.data.get("title") == "wrong":
        raise Rejected("no such task")
    if event.data.get("title") == "broken":
        return 1 / 0
    if event.data.get("title") == "number":
        return 7
    return {"title": event.data["title"].upper(), "id": event.id, "at": event.occurred_at, "name": event.name}


@plugin.hook("task.updated")
def task_updated(event: Event) -> None:
    plugin.log.info("updated")


NUMBERS = {"type": "object", "properties": {"numbers": {"type": "array", "items": {"type": "number"}}}, "required": ["numbers"]}


@plugin.tool(description="Adds numbers", input_schema=NUMBERS, output_schema={"type": "object", "required": ["sum"]})
def add_up(arguments: dict) -> dict:
    if not arguments["numbers"]:
        raise Rejected("give at least one number")
    if len(arguments["numbers"]) > plugin.settings["most"]:
        raise Failed("too many for today")
    plugin.store.add("additions", 1)
    return {"sum": sum(arguments["numbers"])}


@plugin.tool(name="greet")
def greeting(arguments: dict) -> str:
    """Says hello."""
    return plugin.settings["greeting"] + " ☎"


@plugin.tool(description="Fails in its own words")
def apologize(arguments: dict) -> ToolResult:
    return ToolResult([{"type": "text", "text": "sorry"}], is_error=True)


@plugin.tool(description="Has a mistake")
def mistaken(arguments: dict) -> str:
    return {}["nothing"]
'''

SCHEMA = """
CREATE TABLE chat_customers (org TEXT, id TEXT, profile TEXT, PRIMARY KEY (org, id));
CREATE TABLE chat_identities (org TEXT, source TEXT, external_id TEXT, customer TEXT, PRIMARY KEY (org, source, external_id));
CREATE TABLE chat_threads (org TEXT, id TEXT, thread TEXT, PRIMARY KEY (org, id));
CREATE TABLE chat_messages (
    org TEXT, id TEXT, thread TEXT, source TEXT, external_id TEXT, message TEXT CHECK (message NOT LIKE '%forbidden%'),
    PRIMARY KEY (org, id), UNIQUE (org, source, external_id)
);
"""


def signed(body: bytes) -> dict[str, str]:
    return {"x-signature": hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest(), "content-type": "application/json"}


class ChatStore:
    """Messages and customers of the application, on connections of its own for reading. Rows hold the host's structs as JSON.

    `before` is called in each write, with what is about to be written: a test's way to be there at that moment.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with sqlite3.connect(path) as connection:
            connection.executescript(SCHEMA)
        connection.close()
        self.before: Callable[[MessageEffect | CustomerEffect], None] = lambda effect: None

    def rows(self, sql: str, *parameters: object) -> list[tuple]:
        connection = sqlite3.connect(self.path)
        try:
            with connection:
                return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()

    async def read(self, sql: str, *parameters: object) -> list[tuple]:
        """On another thread, as an application's own reads may."""
        return await asyncio.to_thread(self.rows, sql, *parameters)


class ChatMessages:
    """`host.Messages` over the application's tables."""

    def __init__(self, store: ChatStore) -> None:
        self._store = store

    async def _one(self, kind: type, sql: str, *parameters: object):
        found = await self._store.read(sql, *parameters)
        return json.decode(found[0][0], type=kind) if found else None

    async def conversation(self, organization: str, conversation_id: str) -> Conversation | None:
        return await self._one(Conversation, "SELECT thread FROM chat_threads WHERE org = ? AND id = ?", organization, conversation_id)

    async def open_conversation(self, organization: str, customer_id: str, source: str) -> Conversation | None:
        found = await self._store.read("SELECT thread FROM chat_threads WHERE org = ?", organization)
        threads = [json.decode(thread, type=Conversation) for (thread,) in found]
        wanted = (customer_id, source, "open")
        return next((each for each in threads if (each.customer_id, each.source, each.status) == wanted), None)

    async def message(self, organization: str, message_id: str) -> Message | None:
        return await self._one(Message, "SELECT message FROM chat_messages WHERE org = ? AND id = ?", organization, message_id)

    async def message_by_external_id(self, organization: str, source: str, external_id: str) -> Message | None:
        sql = "SELECT message FROM chat_messages WHERE org = ? AND source = ? AND external_id = ?"
        return await self._one(Message, sql, organization, source, external_id)

    async def messages(self, organization: str, conversation_id: str, before: str | None, limit: int) -> list[Message]:
        sql = "SELECT message FROM chat_messages WHERE org = ? AND thread = ? AND id < ? ORDER BY id DESC LIMIT ?"
        found = await self._store.read(sql, organization, conversation_id, before or "~", limit)
        return [json.decode(message, type=Message) for (message,) in found]

    async def agent_for(self, organization: str, source: str) -> str | None:
        return f"{organization}'s own agent"

    def apply(self, connection: sqlite3.Connection, organization: str, plugin: str, effect: MessageEffect, at: int) -> None:
        self._store.before(effect)
        match effect:
            case MessageAdded(message=message):
                row = (
                    organization,
                    message.id,
                    message.conversation_id,
                    message.source,
                    message.external_id,
                    json.encode(message).decode(),
                )
                connection.execute("INSERT INTO chat_messages VALUES (?, ?, ?, ?, ?, ?)", row)
            case ConversationOpened(conversation=thread):
                connection.execute("INSERT INTO chat_threads VALUES (?, ?, ?)", (organization, thread.id, json.encode(thread).decode()))
            case ConversationClosed(conversation_id=thread_id):
                sql = "UPDATE chat_threads SET thread = json_set(thread, '$.status', 'closed') WHERE org = ? AND id = ?"
                connection.execute(sql, (organization, thread_id))
            case StatusReported():
                sql = "UPDATE chat_messages SET message = json_set(message, '$.status', ?) WHERE org = ? AND source = ? AND external_id = ?"
                connection.execute(sql, (effect.status, organization, effect.source, effect.external_id))


class ChatCustomers:
    """`host.Customers` over the application's tables."""

    def __init__(self, store: ChatStore) -> None:
        self._store = store

    async def customer(self, organization: str, customer_id: str) -> Customer | None:
        found = await self._store.read("SELECT profile FROM chat_customers WHERE org = ? AND id = ?", organization, customer_id)
        return json.decode(found[0][0], type=Customer) if found else None

    async def customer_by_identity(self, organization: str, identity: Identity) -> Customer | None:
        sql = "SELECT customer FROM chat_identities WHERE org = ? AND source = ? AND external_id = ?"
        found = await self._store.read(sql, organization, identity.source, identity.external_id)
        return await self.customer(organization, found[0][0]) if found else None

    async def customers_by_email(self, organization: str, email: str) -> list[Customer]:
        return []

    def apply(self, connection: sqlite3.Connection, organization: str, plugin: str, effect: CustomerEffect, at: int) -> None:
        self._store.before(effect)
        match effect:
            case CustomerCreated(customer=customer):
                row = (organization, customer.id, json.encode(customer).decode())
                connection.execute("INSERT INTO chat_customers VALUES (?, ?, ?)", row)
                for identity in customer.identities:
                    self._link(connection, organization, customer.id, identity)
            case CustomerChanged(customer_id=customer_id):
                changed = {
                    name: value for name, value in asdict(effect).items() if value is not None and name in ("name", "email", "phone")
                }
                sql = "UPDATE chat_customers SET profile = json_patch(profile, ?) WHERE org = ? AND id = ?"
                if not connection.execute(sql, (json.encode(changed).decode(), organization, customer_id)).rowcount:
                    raise Conflict(f"customer {customer_id} is gone")
            case IdentityLinked(customer_id=customer_id, identity=identity):
                self._link(connection, organization, customer_id, identity)

    def _link(self, connection: sqlite3.Connection, organization: str, customer_id: str, identity: Identity) -> None:
        row = (organization, identity.source, identity.external_id, customer_id)
        connection.execute("INSERT INTO chat_identities VALUES (?, ?, ?, ?)", row)
