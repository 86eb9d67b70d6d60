"""Two organisations with the same plugin over one real database: what one knows of the other's ids and keys is of no use to it."""

from pathlib import Path

import pytest
from msgspec.json import decode, encode

from tests.building import from_source
from tests.runtime.hosts import a_host, installed, send

DIARY = """
from plugin_sdk_py import HostError, Incoming, Plugin, Profile, Request, token

plugin = Plugin("diary", version="1.0.0", description="Keeps what it is told, and asks for what it is told to")
plugin.channel(source="chat", name="Chat")
for capability in ("store", "messages.receive", "messages.read", "customers.read"):
    plugin.needs(capability, reason="to try it")


def code(call):
    try:
        return str(call())
    except HostError as error:
        return error.code


@plugin.post("/learn", auth=token())
def learn(request: Request) -> dict[str, object]:
    receipt = plugin.messages.receive(
        Incoming(source="chat", sender_external_id="ada", sender=Profile(name=request.text), external_id="m1", text=request.text)
    )
    plugin.store.set("word", request.text)
    plugin.store.set(request.text, True)
    plugin.store.customer(receipt.customer_id).set("word", request.text)
    return {"message": receipt.message_id, "conversation": receipt.conversation_id, "customer": receipt.customer_id}


@plugin.post("/store", auth=token())
def store(request: Request) -> dict[str, object]:
    asked = request.json()
    theirs = plugin.store.customer(asked["customer"])
    return {
        "word": plugin.store.get("word"),
        "keys": [entry.key for entry in plugin.store.scan("")],
        "of-customer": [theirs.get("word"), [entry.key for entry in theirs.scan("")]],
    }


@plugin.post("/messages", auth=token())
def messages(request: Request) -> dict[str, str]:
    asked = request.json()
    return {
        "message": code(lambda: plugin.messages.get(asked["message"]).text),
        "conversation": code(lambda: plugin.messages.get_conversation(asked["conversation"]).source),
        "page": code(lambda: plugin.messages.by_conversation(asked["conversation"], limit=10).messages[0].text),
        "customer": code(lambda: plugin.customers.get(asked["customer"]).name),
        "closed": code(lambda: plugin.messages.close_conversation(asked["conversation"])),
    }
"""


@pytest.mark.promise("isolation.org.store-read")
async def test_a_plugin_finds_what_it_stored_for_its_own_organisation_and_nothing_of_another(tmp_path: Path) -> None:
    component = from_source(tmp_path / "diary", DIARY)
    for organization in ("acme", "globex"):
        await installed(tmp_path / "data", component, organization=organization)
    async with a_host(tmp_path / "data") as runtime:
        ids = decode((await send(runtime, "diary", "learn", b"alpha", "acme")).body)
        await send(runtime, "diary", "learn", b"beta", "globex")
        own, other = [decode((await send(runtime, "diary", "store", encode(ids), name)).body) for name in ("acme", "globex")]

    assert own == {"word": "alpha", "keys": ["alpha", "word"], "of-customer": ["alpha", ["word"]]}
    assert other == {"word": "beta", "keys": ["beta", "word"], "of-customer": [None, []]}


@pytest.mark.promise("isolation.org.messages")
async def test_ids_of_another_organisation_are_not_found_like_unknown_ones(tmp_path: Path) -> None:
    component = from_source(tmp_path / "diary", DIARY)
    for organization in ("acme", "globex"):
        await installed(tmp_path / "data", component, organization=organization)
    async with a_host(tmp_path / "data") as runtime:
        ids = decode((await send(runtime, "diary", "learn", b"alpha", "acme")).body)
        await send(runtime, "diary", "learn", b"beta", "globex")
        unknown = encode(dict.fromkeys(ids, "0197a0a0-0000-7000-8000-000000000000"))
        foreign = decode((await send(runtime, "diary", "messages", encode(ids), "globex")).body)
        nobodys = decode((await send(runtime, "diary", "messages", unknown, "globex")).body)
        own = decode((await send(runtime, "diary", "messages", encode(ids), "acme")).body)

    assert foreign == nobodys == dict.fromkeys(own, "not-found")
    assert own == {"message": "alpha", "conversation": "chat", "page": "alpha", "customer": "alpha", "closed": "None"}
