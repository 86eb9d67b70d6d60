from hashlib import sha256

import pytest

from host.model.errors import UsageError
from stores import tokens
from stores.statement import Connection


def test_a_token_is_told_once_and_recognised_after(connection: Connection) -> None:
    text = tokens.create(connection, "laptop", organization="oak", role="reader", at=5)

    found = tokens.verify(connection, text, 6)

    assert found is not None
    assert (found.name, found.organization, found.role, found.created_at) == ("laptop", "oak", "reader", 5)
    assert tokens.all(connection) == [found]


def test_a_token_has_256_random_bits_of_which_the_database_has_none(connection: Connection) -> None:
    text = tokens.create(connection, "a", at=5)
    other = tokens.create(connection, "b", at=5)

    dump = "".join(connection.iterdump())

    assert text.startswith("ink_")
    assert len(text) == 4 + 43
    assert text != other
    assert text.removeprefix("ink_") not in dump
    assert sha256(text.encode()).hexdigest() in dump


@pytest.mark.parametrize("change", [str.upper, lambda text: text[:-1], lambda text: text + "\n", lambda text: text.removeprefix("ink_")])
def test_another_text_is_no_token(connection: Connection, change: "type[str]") -> None:
    text = tokens.create(connection, "a", at=5)

    assert tokens.verify(connection, change(text), 6) is None


@pytest.mark.parametrize("text", ["", "ink_", "ink_\ud800", "ink_\0", "ink_' OR 1=1 --", "ink_" + "x" * 1_000_000])
def test_no_text_breaks_the_look_up(connection: Connection, text: str) -> None:
    tokens.create(connection, "a", at=5)

    assert tokens.verify(connection, text, 6) is None


def test_the_hash_itself_is_no_token(connection: Connection) -> None:
    text = tokens.create(connection, "a", at=5)

    assert tokens.verify(connection, sha256(text.encode()).hexdigest(), 6) is None
    assert tokens.verify(connection, "ink_" + sha256(text.encode()).hexdigest(), 6) is None


def test_a_token_ends_when_it_expires(connection: Connection) -> None:
    text = tokens.create(connection, "a", at=5, expires_at=10)

    assert tokens.verify(connection, text, 9) is not None
    assert tokens.verify(connection, text, 10) is None


def test_a_revoked_token_stays_revoked(connection: Connection) -> None:
    text = tokens.create(connection, "a", at=5)
    other = tokens.create(connection, "b", at=5)
    found = tokens.verify(connection, text, 6)
    assert found is not None

    for at in (7, 9):
        tokens.revoke(connection, found.id, at)

    assert tokens.verify(connection, text, 8) is None
    assert tokens.verify(connection, other, 8) is not None
    assert [token.revoked_at for token in tokens.all(connection) if token.id == found.id] == [7]


def test_what_is_not_there_is_refused(connection: Connection) -> None:
    with pytest.raises(UsageError, match="no organisation 'nobody'"):
        tokens.create(connection, "a", organization="nobody", at=5)
    with pytest.raises(UsageError, match="no token with the id 'none'"):
        tokens.revoke(connection, "none", 5)


def test_the_tokens_of_an_organisation_go_with_it(connection: Connection) -> None:
    of_oak = tokens.create(connection, "a", organization="oak", at=5)
    of_all = tokens.create(connection, "b", at=5)

    connection.execute("DELETE FROM organizations WHERE id = 'oak'")

    assert tokens.verify(connection, of_oak, 6) is None
    assert tokens.verify(connection, of_all, 6) is not None
