import pytest

from host.model.errors import UsageError
from stores import installations, plugins, secrets
from stores.sealing import Sealer
from stores.statement import Connection

SEALER = Sealer(b"k" * 32)
CHATTER = '{"name":"chatter","version":"1.0.0","description":"Chats"}'


def installed(connection: Connection, *organizations: str) -> Connection:
    plugins.add(connection, "d1", CHATTER, 1)
    for organization in organizations:
        installations.upsert(connection, organization, "chatter", digest="d1", at=1)
    return connection


def test_secrets_are_named_and_loaded(connection: Connection) -> None:
    installed(connection, "oak", "elm")
    for name, value in (("b", "zwei\0 ü"), ("a", ""), ("b", "drei")):
        secrets.set(connection, SEALER, "oak", "chatter", name, value, 1)

    assert secrets.names(connection, "oak", "chatter") == ["a", "b"]
    assert dict(secrets.load_all(connection, SEALER, "oak", "chatter")) == {"a": "", "b": "drei"}
    assert secrets.names(connection, "elm", "chatter") == []
    assert dict(secrets.load_all(connection, SEALER, "elm", "chatter")) == {}


def test_the_database_holds_no_plaintext_and_no_key(connection: Connection) -> None:
    installed(connection, "oak")
    secrets.set(connection, SEALER, "oak", "chatter", "app_secret", "correct horse battery", 1)

    dump = "".join(connection.iterdump()).lower()

    assert b"correct horse battery".hex() not in dump
    assert "correct horse battery" not in dump
    assert (b"k" * 32).hex() not in dump
    assert SEALER.key_id in dump


def test_a_secret_needs_an_installation_and_goes_with_it(connection: Connection) -> None:
    installed(connection, "oak")
    secrets.set(connection, SEALER, "oak", "chatter", "a", "1", 1)

    with pytest.raises(UsageError, match="chatter is not installed in organisation 'elm'"):
        secrets.set(connection, SEALER, "elm", "chatter", "a", "1", 1)
    connection.execute("DELETE FROM installations")

    assert secrets.names(connection, "oak", "chatter") == []
