from collections.abc import Callable

import pytest

from host.model.entry import Scope
from stores import agents, conditions, entries, epoch, installations, organizations, plugins, policies, routing_keys, secrets
from stores.database import Database
from stores.sealing import Sealer
from stores.statement import Connection
from stores.transaction import transaction

SEALER = Sealer(b"k" * 32)
CHATTER = '{"name":"chatter","version":"1.0.0","description":"Chats"}'


def ready(connection: Connection) -> Connection:
    plugins.add(connection, "d1", CHATTER, 1)
    installations.upsert(connection, "oak", "chatter", digest="d1", at=1)
    agents.add(connection, "oak", "Ada")
    routing_keys.assign(connection, "oak", "chatter", "1", 1)
    return connection


CHANGES: dict[str, Callable[[Connection], object]] = {
    "an organisation": lambda connection: organizations.create(connection, "ash", 1),
    "settings": lambda connection: organizations.change_settings(connection, "oak", "{}"),
    "an agent": lambda connection: agents.add(connection, "oak", "Bob"),
    "availability": lambda connection: agents.set_available(connection, "oak", agents.all(connection, "oak")[0].id, False),
    "an agent's name": lambda connection: agents.rename(connection, "oak", agents.all(connection, "oak")[0].id, "Eve"),
    "an agent's end": lambda connection: agents.remove(connection, "oak", agents.all(connection, "oak")[0].id),
    "an organisation's stop": lambda connection: organizations.stop(connection, "oak"),
    "an organisation's end": lambda connection: organizations.remove(connection, "elm"),
    "a routing key": lambda connection: routing_keys.assign(connection, "elm", "chatter", "2", 2),
    "a routing key's end": lambda connection: routing_keys.remove(connection, "chatter", "1"),
    "an installation": lambda connection: installations.upsert(connection, "oak", "chatter", digest="d1", at=2),
    "a choice": lambda connection: installations.choose(connection, "oak", "chatter", installations.Chosen("{}", {}, False), 2),
    "grants": lambda connection: installations.set_grants(connection, "oak", "chatter", ["store"], 2),
    "a removal": lambda connection: installations.remove(connection, "oak", "chatter"),
    "a policy": lambda connection: policies.change(connection, "chatter", policies.Policy(enabled=False), 2),
    "a breaker": lambda connection: conditions.set_breaker(connection, "oak", "chatter", 2),
    "a secret": lambda connection: secrets.set(connection, SEALER, "oak", "chatter", "a", "1", 2),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_of_configuration_raises_the_epoch(connection: Connection, change: Callable[[Connection], object]) -> None:
    before = epoch.read(ready(connection))

    change(connection)

    assert epoch.read(connection) == before + 1


def test_data_is_no_configuration(connection: Connection) -> None:
    before = epoch.read(ready(connection))

    entries.put(connection, "oak", "chatter", Scope("plugin"), "k", "1")

    assert epoch.read(connection) == before


def test_the_epoch_is_raised_with_the_change_or_not_at_all(connection: Connection, database: Database) -> None:
    before = epoch.read(connection)
    reader = database.read_connection()

    def fails_half_way() -> None:
        with transaction(connection):
            organizations.create(connection, "ash", 1)
            assert epoch.read(reader) == before
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails_half_way()

    assert epoch.read(connection) == before
    assert organizations.get(connection, "ash") is None
    reader.close()


def test_another_connection_sees_the_epoch_of_what_it_reads(connection: Connection, database: Database) -> None:
    reader = database.read_connection()
    before = epoch.read(reader)

    organizations.create(connection, "ash", 1)

    assert epoch.read(reader) == before + 1
    reader.close()
