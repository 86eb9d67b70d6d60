"""An application with its own message store embeds the host: what plugins receive lands in its tables, or nowhere."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec.json import encode
from starlette.applications import Starlette
from starlette.routing import Mount

from host import Conflict, CustomerCreated, HostOptions, MessageAdded, OwnPlatform, PluginHost
from host.model.errors import UsageError
from stores.tables import metadata
from tests.building import artefacts, from_source
from tests.library.chat import GUEST, KEY, ChatCustomers, ChatMessages, ChatStore, signed

PATH = "/extensions/v1/orgs/acme/plugins/chat/in"


class Application:
    """Somebody's own program: a database with a table of messages, and the host mounted in it."""

    def __init__(self, folder: Path, platform: OwnPlatform, store: ChatStore) -> None:
        self.store = store
        self.plugins = PluginHost(
            data=folder / "innkeeper", database=f"sqlite:///{store.path}", cache=artefacts(), platform=platform,
            options=HostOptions(grace_s=1),
        )  # fmt: skip
        self.app = Starlette(routes=[Mount("/extensions", self.plugins.app)], lifespan=self.plugins.lifespan)

    async def receive(self, **said: Any) -> httpx2.Response:
        """A signed webhook, as a sender would send it."""
        body = encode({"from": "ada", "id": "m1", "text": "hello"} | said)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app), base_url="https://app.example") as client:
            return await client.post(PATH, content=body, headers=signed(body))

    def texts(self) -> list[str]:
        return [text for (text,) in self.store.rows("SELECT message ->> '$.text' FROM chat_messages ORDER BY id")]

    def ours(self) -> dict[str, int]:
        """Rows of the host's own tables, where there are any."""
        counts = {name: self.store.rows(f"SELECT count(*) FROM {name}")[0][0] for name in metadata.tables}
        return {name: count for name, count in counts.items() if count}


@pytest.fixture(scope="module")
def component(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return from_source(tmp_path_factory.mktemp("chat"), GUEST)


@asynccontextmanager
async def an_application(folder: Path, component: bytes, *, customers: bool = True) -> AsyncIterator[Application]:
    store = ChatStore(folder / "app.db")
    platform = OwnPlatform(messages=ChatMessages(store), customers=ChatCustomers(store) if customers else None)
    application = Application(folder, platform, store)
    async with application.plugins as plugins:
        await plugins.install(component, organization="acme", create_organization=True, grant_all=True, secrets={"key": KEY})
        yield application


@pytest.mark.promise("platform.own")
async def test_a_signed_webhook_lands_in_the_applications_table_and_nothing_of_it_in_ours(tmp_path: Path, component: bytes) -> None:
    async with an_application(tmp_path, component) as application:
        answer = await application.receive(name="Ada")

        assert (answer.status_code, answer.json()) == (
            200, {"texts": ["hello"], "duplicate": False, "new": True, "agent": "acme's own agent", "customer": "Ada"},
        )  # fmt: skip
        assert application.texts() == ["hello"]
        assert application.store.rows("SELECT org, profile ->> '$.name' FROM chat_customers") == [("acme", "Ada")]
        assert {"customers", "customer_identities", "conversations", "messages", "awaited_statuses"}.isdisjoint(application.ours())
        assert application.ours()["deliveries"] == application.ours()["store_entries"] == 1


async def test_reads_come_from_the_applications_tables(tmp_path: Path, component: bytes) -> None:
    async with an_application(tmp_path, component) as application:
        await application.receive(name="Ada")
        application.store.rows("UPDATE chat_messages SET message = json_set(message, '$.text', 'changed by the application')")
        application.store.rows("UPDATE chat_customers SET profile = json_set(profile, '$.name', 'Countess')")

        answer = await application.receive(id="m2", text="and again")

        assert answer.json() == {
            "texts": ["and again", "changed by the application"], "duplicate": False, "new": False, "agent": "acme's own agent",
            "customer": "Countess",
        }  # fmt: skip


async def test_what_the_application_knows_already_is_a_duplicate(tmp_path: Path, component: bytes) -> None:
    async with an_application(tmp_path, component) as application:
        await application.receive()
        answer = await application.receive(text="the same once more")

        assert (answer.json()["duplicate"], application.texts()) == (True, ["hello"])


async def test_statuses_and_closed_conversations_reach_the_application(tmp_path: Path, component: bytes) -> None:
    async with an_application(tmp_path, component) as application:
        await application.receive(status="read", close=True)
        assert application.store.rows("SELECT message ->> '$.status' FROM chat_messages") == [("read",)]
        assert application.store.rows("SELECT thread ->> '$.status' FROM chat_threads") == [("closed",)]

        assert (await application.receive(id="m2")).json()["new"] is True


@pytest.mark.promise("platform.own")
@pytest.mark.parametrize(("text", "status"), [("fail", 502), ("teapot", 418)])
async def test_a_guest_that_fails_leaves_nothing_in_the_applications_tables(
    tmp_path: Path, component: bytes, text: str, status: int
) -> None:
    async with an_application(tmp_path, component) as application:
        assert (await application.receive(text=text)).status_code == status

        assert application.texts() == []
        assert application.store.rows("SELECT * FROM chat_customers") == []
        assert application.ours().get("store_entries", 0) == 0
        assert application.ours()["deliveries"] == 1


async def test_a_conflict_runs_the_invocation_again_on_what_is_there_by_then(tmp_path: Path, component: bytes) -> None:
    async with an_application(tmp_path, component) as application:
        moments = iter([Conflict("somebody was faster"), Conflict("and again")])
        application.store.before = raising(moments, MessageAdded)

        answer = await application.receive()

        assert (answer.status_code, application.texts()) == (200, ["hello"])
        assert application.store.rows("SELECT runs, outcome FROM deliveries") == [(3, "succeeded")]


async def test_two_messages_of_a_new_customer_at_once_make_one_customer(tmp_path: Path, component: bytes) -> None:
    """Their identities collide in the application's own table: its IntegrityError is a race that one of them loses."""
    async with an_application(tmp_path, component) as application:
        answers = await asyncio.gather(*(application.receive(id=f"m{number}") for number in range(4)))

        assert {answer.status_code for answer in answers} == {200}
        assert len(application.texts()) == 4
        assert application.store.rows("SELECT count(*) FROM chat_customers") == [(1,)]


@pytest.mark.promise("platform.own")
async def test_an_application_that_fails_after_it_wrote_fails_the_call_and_all_is_dropped(tmp_path: Path, component: bytes) -> None:
    async with an_application(tmp_path, component) as application:
        application.store.before = raising(iter([ValueError("the application has a mistake")]), MessageAdded)

        answer = await application.receive()

        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "platform")
        assert "mistake" not in answer.text
        assert application.texts() == []
        assert application.store.rows("SELECT * FROM chat_customers") == []  # its customer had been written before
        [(code, message)] = application.store.rows("SELECT error_code, error_message FROM deliveries")
        assert (code, message) == (
            "platform", "ChatMessages did not take MessageAdded: ValueError('the application has a mistake')",
        )  # fmt: skip
        assert (await application.receive()).status_code == 200


async def test_a_rule_of_the_applications_table_that_no_retry_can_mend_fails_at_once(tmp_path: Path, component: bytes) -> None:
    async with an_application(tmp_path, component) as application:
        answer = await application.receive(text="forbidden word")

        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "platform")
        assert application.store.rows("SELECT runs, error_code FROM deliveries") == [(1, "platform")]


async def test_a_base_exception_in_the_application_ends_the_call_and_not_the_writer(tmp_path: Path, component: bytes) -> None:
    async with an_application(tmp_path, component) as application:
        application.store.before = raising(iter([SystemExit("no more")]), CustomerCreated)

        assert (await application.receive()).status_code == 500
        assert application.texts() == []
        assert (await application.receive()).status_code == 200


async def test_an_application_that_fails_in_a_read_fails_that_call_alone(tmp_path: Path, component: bytes) -> None:
    async with an_application(tmp_path, component) as application:
        application.store.rows("ALTER TABLE chat_messages RENAME TO elsewhere")
        answer = await application.receive()
        application.store.rows("ALTER TABLE elsewhere RENAME TO chat_messages")

        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
        assert (await application.receive()).status_code == 200


async def test_messages_alone_can_be_the_applications_own(tmp_path: Path, component: bytes) -> None:
    async with an_application(tmp_path, component, customers=False) as application:
        answer = await application.receive(name="Ada")

        assert answer.json()["customer"] == "Ada"
        assert application.texts() == ["hello"]
        assert (application.ours()["customers"], application.ours().get("messages")) == (1, None)


def raising(errors: Iterator[BaseException], kind: type) -> Any:
    def before(effect: object) -> None:
        if isinstance(effect, kind) and (error := next(errors, None)):
            raise error

    return before


class Nothing:
    """No platform at all."""


class Waiting(ChatMessages):
    async def apply(self, *arguments: Any) -> None:  # type: ignore[override]
        """The writer has no event loop to wait on."""


class Blocking(ChatMessages):
    def message(self, organization: str, message_id: str) -> None:  # type: ignore[override]
        """Would be awaited."""


def test_a_platform_that_can_not_work_is_refused_when_it_is_given(tmp_path: Path) -> None:
    store = ChatStore(tmp_path / "app.db")
    for platform, told in [
        (OwnPlatform(customers=ChatCustomers(store)), "needs messages of its own"),
        (OwnPlatform(messages=Nothing()), r"\(Nothing\) can't be used: it has no function .*apply"),  # type: ignore[arg-type]
        (OwnPlatform(messages=ChatCustomers(store)), "it has no function conversation"),  # type: ignore[arg-type]
        (OwnPlatform(messages=Waiting(store)), "apply has to be a plain function"),
        (OwnPlatform(messages=Blocking(store)), "message has to be an async function"),  # type: ignore[arg-type]
    ]:
        with pytest.raises(UsageError, match=told):
            PluginHost(data=tmp_path / "data", platform=platform)
