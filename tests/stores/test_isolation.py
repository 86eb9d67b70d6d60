"""No organisation reads or changes another one's rows, whatever ids it knows."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from sqlalchemy.dialects import postgresql, sqlite

import stores
from host.model.customer import Customer, Identity
from host.model.dedupe import Place, RecordedResponse
from host.model.delivery import Delivery, LogLine
from host.model.effects import (
    ConversationClosed,
    ConversationOpened,
    CustomerChanged,
    CustomerCreated,
    Effect,
    IdentityLinked,
    MessageAdded,
    SourceRegistered,
    StatusReported,
    StoreAdd,
    StoreDelete,
    StoreSet,
)
from host.model.entry import Scope
from host.model.errors import Conflict
from host.model.message import Conversation, Message
from host.model.source import Source
from stores import (
    agents,
    conversations,
    customers,
    dedupe_keys,
    deliveries,
    effects,
    entries,
    logs,
    messages,
    organizations,
    routing_keys,
    sources,
    usage,
)
from stores.page import LAST
from stores.statement import Connection, Statement
from stores.tables import metadata
from stores.transaction import transaction

ANN = Customer("c1", [Identity("chat", "1")], "Ann", "a@x", None, "{}", 1, 1)
TALK = Conversation("v1", "chat", "c1", None, "open", 1, 1)
HELLO = Message("m1", "v1", "c1", "chat", "inbound", "text", "hi", [], "x1", None, "received", "{}", 5)
PLUGIN = Scope("plugin")
OWN: list[Effect] = [
    CustomerCreated(ANN),
    ConversationOpened(TALK),
    MessageAdded(HELLO),
    SourceRegistered(Source("chat", "Chat", None, None, None)),
    StoreSet(PLUGIN, "k", "1"),
    StoreSet(Scope("customer", "c1"), "k", "2"),
    StatusReported("chat", "later", "read", 1, 10_000, '{"a":1}'),
]


def of_oak(connection: Connection) -> list[list[tuple[object, ...]]]:
    keyed = [table for table in metadata.sorted_tables if "organization" in table.columns]
    return [connection.execute(f"SELECT * FROM {table.name} WHERE organization = 'oak' ORDER BY 1, 2, 3").fetchall() for table in keyed]


def settled(connection: Connection) -> Connection:
    effects.apply(connection, "oak", "p", OWN, 100)
    agent = agents.add(connection, "oak", "Ada")
    organizations.change_settings(connection, "oak", f'{{"defaultAgent":"{agent.id}"}}')
    log = [LogLine(1, "info", "secret")]
    record = Delivery(
        id="d1", organization="oak", plugin="p", plugin_version="1", kind="webhook", name="r", method="POST", path="/", outcome="succeeded",
        status=200, error_code=None, error_message=None, received_at=1, duration_us=1, cold=False, runs=1, fuel=1, memory=1,
        host_calls=1, bytes_in=1, bytes_out=1, effects=1, log=log, dropped_log_lines=0,
    )  # fmt: skip
    deliveries.record(connection, record)
    dedupe_keys.claim(connection, Place("oak", "p", "r", "k"), RecordedResponse(b"", "d1", 200, [], b"secret"), 1, 10**15)
    routing_keys.assign(connection, "oak", "p", "1", 1)
    return connection


@pytest.mark.promise("isolation.org.rows")
@pytest.mark.parametrize(
    "wish",
    [
        CustomerChanged("c1", "stolen", None, None, None, 9),
        IdentityLinked("c1", Identity("chat", "2")),
        ConversationOpened(replace(TALK, id="v2")),
        MessageAdded(replace(HELLO, id="m2", external_id="x2")),
    ],
    ids=lambda wish: type(wish).__name__,
)
def test_an_effect_that_names_another_organisations_row_conflicts(connection: Connection, wish: Effect) -> None:
    before = of_oak(settled(connection))

    with pytest.raises(Conflict), transaction(connection):
        effects.apply(connection, "elm", "p", [wish], 100)

    assert of_oak(connection) == before
    assert customers.customer(connection, "elm", "c1") is None


@pytest.mark.parametrize(
    "wishes",
    [
        [ConversationClosed("v1", 9)],
        [StatusReported("chat", "x1", "read", 9, 10_000, '{"stolen":1}')],
        [StatusReported("chat", "later", "failed", 9, 10_000, None)],
        [StatusReported("chat", "other", "read", 9, 10**15, None)],
        [StoreDelete(PLUGIN, "k"), StoreDelete(Scope("customer", "c1"), "k")],
        [StoreSet(PLUGIN, "k", "9"), StoreAdd(Scope("customer", "c1"), "k", 9)],
        [SourceRegistered(Source("chat", "Mine", None, None, None))],
        [CustomerCreated(ANN), ConversationOpened(TALK), MessageAdded(HELLO), ConversationClosed("v1", 9)],
        [CustomerCreated(ANN), CustomerChanged("c1", "other", "b@x", None, '{"b":1}', 9), IdentityLinked("c1", Identity("chat", "2"))],
    ],
    ids=lambda wishes: type(wishes[-1]).__name__,
)
def test_an_effect_with_another_organisations_ids_reaches_its_own_rows_alone(connection: Connection, wishes: list[Effect]) -> None:
    before = of_oak(settled(connection))

    effects.apply(connection, "elm", "p", wishes, 10**12)

    assert of_oak(connection) == before


@pytest.mark.promise("isolation.org.rows")
def test_reads_give_nothing_of_another_organisation(connection: Connection) -> None:
    settled(connection)

    assert customers.customer(connection, "elm", "c1") is None
    assert customers.customer_by_identity(connection, "elm", Identity("chat", "1")) is None
    assert customers.customers_by_email(connection, "elm", "a@x") == []
    assert conversations.conversation(connection, "elm", "v1") is None
    assert conversations.open_conversation(connection, "elm", "c1", "chat") is None
    assert conversations.page(connection, "elm", None, 9).items == []
    assert messages.message(connection, "elm", "m1") is None
    assert messages.message_by_external_id(connection, "elm", "chat", "x1") is None
    assert messages.messages(connection, "elm", "v1", None, 9) == []
    assert sources.source_owner(connection, "elm", "chat") is None
    assert sources.all(connection, "elm") == []
    assert entries.entry(connection, "elm", "p", PLUGIN, "k") is None
    assert entries.entries(connection, "elm", "p", PLUGIN, "", None, 9) == []
    assert agents.all(connection, "elm") == []
    assert agents.agent_for(connection, "elm", "chat") is None
    assert deliveries.get(connection, "elm", "d1") is None
    assert deliveries.page(connection, "elm", None, None, 9).items == []
    assert logs.of_delivery(connection, "elm", "d1") == []
    assert logs.delivery_ids(connection, "elm", None, "", 9) == logs.delivery_ids(connection, "elm", "p", "", 9) == []
    assert dedupe_keys.find(connection, Place("elm", "p", "r", "k"), 2) is None
    assert usage.days(connection, "elm", None, "", LAST) == []
    assert agents.conversations_of(connection, "elm", "a1") == 0
    assert routing_keys.all(connection, "elm") == []


def test_a_status_that_waits_in_one_organisation_is_not_another_ones(connection: Connection) -> None:
    settled(connection)
    message = replace(HELLO, external_id="later")

    effects.apply(connection, "elm", "p", [CustomerCreated(ANN), ConversationOpened(TALK), MessageAdded(message)], 100)

    assert messages.message(connection, "elm", "m1") == message
    assert connection.execute("SELECT organization FROM awaited_statuses").fetchall() == [("oak",)]


def test_an_organisation_that_is_deleted_takes_its_own_along(connection: Connection) -> None:
    effects.apply(connection, "elm", "p", OWN, 100)
    before = of_oak(settled(connection))

    ada = agents.add(connection, "elm", "Ada")
    effects.apply(connection, "elm", "p", [ConversationOpened(replace(TALK, id="v2", source="mail", agent_id=ada.id))], 100)
    routing_keys.assign(connection, "elm", "p", "2", 1)

    organizations.remove(connection, "elm")

    assert of_oak(connection) == before
    keyed = [table.name for table in metadata.sorted_tables if "organization" in table.columns]
    assert [name for name in keyed if connection.execute(f"SELECT 1 FROM {name} WHERE organization = 'elm'").fetchall()] == []


def statements() -> Iterator[tuple[str, Statement]]:
    for module in pkgutil.iter_modules(stores.__path__, "stores."):
        if module.name == "stores.migrations":
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            found = value if isinstance(value, tuple) else (value,)
            yield from ((f"{module.name}.{name}", each) for each in found if isinstance(each, Statement))


WITHOUT_ORGANIZATION = {
    "stores.conditions._ALL",  # the operator's view of the whole host
    "stores.plugins._UNUSED",  # whether anybody has a version
    "stores.dedupe_keys._PURGE",  # what has expired, whose ever it is: a bounded number, by the index
    "stores.installations._ALL",  # the whole host's
    "stores.installations._DIGESTS",
    "stores.installations._OF_PLUGIN",
    "stores.rotation._NEXT",  # a new key is for all of them
    "stores.rotation._LEFT",
    "stores.rotation._KEYS",
    "stores.routing_keys._OWNER",  # a key says itself whose it is
    "stores.routing_keys._DELETE",
    "stores.tokens._BY_HASH",  # a token says itself whose it is
    "stores.tokens._ALL",
    "stores.tokens._REVOKE",
}


def test_every_statement_on_an_organisations_rows_names_the_organisation() -> None:
    keyed = [table.name for table in metadata.sorted_tables if "organization" in table.columns]
    found = dict(statements())
    texts = {name: statement.compile(sqlite.dialect(paramstyle="named"))[0] for name, statement in found.items()}
    touching = {name: text for name, text in texts.items() if re.search(rf"\b(FROM|JOIN|UPDATE|INTO) ({'|'.join(keyed)})\b", text)}

    assert len(touching) > 30
    assert {name for name, text in touching.items() if ":organization" not in text} == WITHOUT_ORGANIZATION


def test_no_statement_walks_through_a_table_or_through_all_that_an_organisation_has_in_it(connection: Connection) -> None:
    small = {"organizations", "agents", "sources", "plugins", "tokens", "config_epoch", "installations", "routing_keys"}
    walk = re.compile(r"SCAN (\w+)|SEARCH (\w+) .*\(organization=\?\)")
    walked = set()
    for name, statement in statements():
        if name == "stores.organizations._DELETE":  # takes everything along, which is the point
            continue
        if name.startswith("stores.rotation."):  # an operator's command, which looks at every secret there is
            continue
        sql, constants = statement.compile(sqlite.dialect(paramstyle="named"))
        parameters = dict.fromkeys(re.findall(r":(\w+)", sql), 1) | dict(constants)
        steps = [walk.match(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        walked |= {(name, step[1] or step[2]) for step in steps if step}

    assert {table for _, table in walked} <= small | {"page"}
    assert ("stores.organizations._ALL", "organizations") in walked


def test_every_statement_can_be_said_to_postgres() -> None:
    dialect = postgresql.dialect(paramstyle="pyformat")

    assert all(statement.compile(dialect)[0] for _, statement in statements())
