"""Does with the SDK what can be done with it, one thing per route."""

import asyncio
import codecs
import datetime
import email.message
import hashlib
import hmac as signatures
import http.client
import json
import logging
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import tomllib
import uuid
import warnings
import zoneinfo
from pathlib import Path

from plugin_sdk_py import (
    Attachment,
    Conflict,
    Failed,
    HostError,
    Identity,
    Incoming,
    NotFound,
    Plugin,
    Profile,
    Rejected,
    Request,
    Response,
    token,
)

plugin = Plugin("exercise", version="1.0.0", description="Does with the SDK what can be done with it")
plugin.channel(source="chat", name="Chat")
plugin.setting("greeting", str, default="hello")
plugin.setting("rules", {"type": "array", "items": {"type": "string"}}, default=["be kind"])
plugin.secret("signing", purpose="sign")
plugin.secret("readable", purpose="read")
plugin.secret("unset", purpose="sign", required=False)
for capability in ("messages.receive", "messages.read", "customers.read", "customers.write", "sources.register", "store"):
    plugin.needs(capability, reason="to exercise it")

NOTES = Path(__file__).with_name("notes.txt").read_text()


def route(handler):
    return plugin.post(f"/{handler.__name__.replace('_', '-')}", auth=token())(handler)


# What goes wrong


@route
def divide(request: Request) -> Response:
    return Response.json({"half": half_of_nothing()})


def half_of_nothing() -> float:
    return 1 / 0


@route
def leave(request: Request) -> None:
    sys.exit(3)


@route
def interrupt(request: Request) -> None:
    raise KeyboardInterrupt


class Unspeakable(BaseException):
    def __str__(self) -> str:
        raise RuntimeError("no")


@route
def unspeakable(request: Request) -> None:
    raise Unspeakable


@route
def recurse(request: Request) -> None:
    recurse(request)


@route
def group(request: Request) -> None:
    async def fail() -> None:
        raise ValueError("in a task")

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail())

    asyncio.run(main())


@route
def reject(request: Request) -> None:
    raise Rejected("no such item")


@route
def fail(request: Request) -> None:
    raise Failed("the provider is down")


@route
def fail_with_cause(request: Request) -> None:
    try:
        half_of_nothing()
    except ZeroDivisionError as error:
        raise Failed("the provider is down") from error


@route
def answer_nonsense(request: Request) -> int:
    return 5


@route
def parse(request: Request) -> dict[str, object]:
    return {"parsed": request.json()}


@route
def half_a_character(request: Request) -> Response:
    plugin.log.info("half a \ud83d character")
    return Response.text("half a \ud83d character")


@route
def receive_a_number(request: Request) -> None:
    plugin.messages.receive(Incoming(source="chat", sender_external_id=5))


# What a guest can't do


async def never() -> None:
    await asyncio.get_running_loop().create_future()


async def in_a_thread() -> None:
    await asyncio.to_thread(print)


IMPOSSIBLE = {
    "thread": lambda: threading.Thread(target=print).start(),
    "executor": lambda: asyncio.run(in_a_thread()),
    "process": lambda: subprocess.run(["true"]),
    "fork": lambda: os.fork(),
    "connection": lambda: http.client.HTTPConnection("127.0.0.1").request("GET", "/"),
    "socket": lambda: socket.socket(),
    "name": lambda: socket.getaddrinfo("example.com", 80),
    "file": lambda: Path("/etc/passwd").read_text(),
    "new-file": lambda: Path("/tmp/x").write_text("x"),
    "temporary-file": lambda: tempfile.mkdtemp(),
    "database": lambda: sqlite3.connect("file.db"),
    "module": lambda: __import__("colorsys"),
    "package": lambda: __import__("requests"),
    "native": lambda: __import__("ctypes"),
    "tls": lambda: __import__("ssl"),
    "zone": lambda: zoneinfo.ZoneInfo("Europe/Berlin"),
    "encoding": lambda: "x".encode("koi8-r"),
    "wait": lambda: asyncio.run(never()),
}


@route
def impossible(request: Request) -> None:
    IMPOSSIBLE[request.text]()


# What a guest can do


async def doubled(number: int) -> int:
    await asyncio.sleep(0.001 * number)
    return 2 * number


async def all_doubled() -> list[int]:
    return await asyncio.wait_for(asyncio.gather(*map(doubled, range(4))), 5)


def mail() -> str:
    message = email.message.EmailMessage()
    message["To"] = "ä <a@example.com>"
    message.set_content("grün")
    return message.as_string().splitlines()[0]


POSSIBLE = {
    "asyncio": lambda: asyncio.run(all_doubled()),
    "strptime": lambda: datetime.datetime.strptime("2026-02-03", "%Y-%m-%d").month,
    "hmac": lambda: signatures.new(b"key", b"data", hashlib.sha256).hexdigest(),
    "idna": lambda: "bücher.example".encode("idna").decode(),
    "cp1252": lambda: "€".encode("cp1252").hex(),
    "mail": mail,
    "toml": lambda: tomllib.loads("a = 1"),
    "uuid": lambda: uuid.uuid4().version,
    "warning": lambda: warnings.warn("careful", stacklevel=1),
    "logging": lambda: logging.warning("careful"),
    "sqlite in memory": lambda: sqlite3.connect(":memory:").execute("select 1 + 1").fetchone()[0],
    "file read at build": lambda: NOTES,
    "json": lambda: json.loads(json.dumps({"a": [1.5, None]})),
    "codec": lambda: codecs.lookup("latin-1").name,
}


@route
def possible(request: Request) -> dict[str, object]:
    return {name: act() for name, act in POSSIBLE.items()}


# What the host gives


@route
def surroundings(request: Request) -> dict[str, object]:
    print("printed")
    plugin.log.warn("logged", number=1, other=object, message="half a \ud83d character", ratio=float("nan"))
    return {
        "installation": plugin.installation._asdict(),
        "settings": dict(plugin.settings),
        "now": plugin.clock.now() - request.received_at,
        "later": plugin.clock.monotonic() >= 0,
        "number": plugin.random.number() < 2**64,
        "hex": len(plugin.random.hex(4)),
        "uuid": plugin.random.uuid()[14],
        "attempt": request.attempt,
        "verified": request.verified,
    }


@route
def keep(request: Request) -> dict[str, object]:
    store = plugin.store
    store.set("a", {"grün": [1, None, "\ud83d"]})
    store.set("b", 1)
    store.add("count")
    store.add("count", 4)
    store.delete("b")
    store.customer("somebody").set("a", "theirs")
    version = store.entry("a").version
    store.compare_and_set("a", "new", version)
    return {
        "a": store.get("a"),
        "b": store.get("b", "gone"),
        "count": store.get("count"),
        "theirs": store.customer("somebody").get("a"),
        "scopes": [scope("x").get("a") for scope in (store.workspace, store.task, store.conversation)],
        "conflict": error_code(lambda: store.compare_and_set("a", "newer", version)),
        "invalid": error_code(lambda: store.set("", 1)),
    }


@route
def scan(request: Request) -> dict[str, object]:
    for number in range(450):
        plugin.store.set(f"item {number:03}", number)
    plugin.store.set("other", 0)
    return {"values": [entry.value for entry in plugin.store.scan("item ")]}


@route
def converse(request: Request) -> dict[str, object]:
    picture = Attachment(kind="image", media_id="7", mime_type="image/png", size_bytes=3, metadata={"sha256": "x"})
    receipt = plugin.messages.receive(
        Incoming(
            source="chat",
            sender_external_id="ada",
            sender=Profile(name="Ada", metadata={"vip": True}),
            external_id="m1",
            kind="image",
            text="Grüße",
            attachments=[picture],
            reply_to="m0",
            sent_at=1_700_000_000_000,
            metadata={"raw": [1]},
        )
    )
    again = plugin.messages.receive(Incoming(source="chat", sender_external_id="ada", external_id="m1"))
    plugin.messages.update_status(source="chat", external_id="m1", status="read", at=request.received_at, detail={"by": "Bo"})
    page = plugin.messages.by_conversation(receipt.conversation_id, limit=10)
    message = plugin.messages.get(receipt.message_id)
    conversation = plugin.messages.get_conversation(receipt.conversation_id)
    plugin.messages.close_conversation(receipt.conversation_id)
    return {
        "duplicates": [receipt.duplicate, again.duplicate],
        "message": [message.kind, message.text, message.direction, message.reply_to, message.metadata, message.created_at],
        "attachment": [message.attachments == [picture], page.messages[0].attachments[0].metadata],
        "page": [len(page.messages), page.next],
        "conversation": [conversation.source, conversation.status, conversation.customer_id == receipt.customer_id],
        "closed": plugin.messages.get_conversation(receipt.conversation_id).status,
        "foreign": error_code(lambda: plugin.messages.receive(Incoming(source="other", sender_external_id="ada"))),
    }


@route
def people(request: Request) -> dict[str, object]:
    plugin.sources.register("second", name="Second", metadata={"a": 1})
    identity = Identity("second", "bo")
    made = plugin.customers.upsert(identity, Profile(name="Bo", email="bo@example.com", metadata={"a": 1}))
    plugin.customers.upsert(identity, Profile(phone="+1", metadata={"b": 2}))
    found = plugin.customers.find(identity)
    return {
        "customer": [found.name, found.email, found.phone, found.metadata, [[each.source, each.external_id] for each in found.identities]],
        "same": plugin.customers.get(made.id) == found,
        "nobody": plugin.customers.find(Identity("second", "nobody")),
        "missing": error_code(lambda: plugin.customers.get("nobody")),
    }


@route
def sign(request: Request) -> dict[str, object]:
    secrets = plugin.secrets
    return {
        "exists": [secrets.exists("signing"), secrets.exists("unset")],
        "text": secrets.hmac("signing", "data") == signatures.new(b"a signing key", b"data", hashlib.sha256).hexdigest(),
        "bytes": secrets.hmac("signing", b"\xff", hash="sha1") == signatures.new(b"a signing key", b"\xff", hashlib.sha1).hexdigest(),
        "base64url": len(secrets.hmac("signing", "data", encoding="base64url")),
        "read": secrets.read("readable") == "a readable value",
        "unset": error_code(lambda: secrets.hmac("unset", "data")),
        "wrong purpose": error_code(lambda: secrets.read("signing")),
    }


def error_code(act) -> list[str]:
    """The class and the code of the host's error."""
    try:
        act()
    except (Conflict, NotFound) as error:
        return [type(error).__name__, error.code]
    except HostError as error:
        return [type(error).__name__, error.code]
    return []


@route
def uncaught(request: Request) -> None:
    plugin.messages.get("nothing")
