"""Recorded responses by their key: claimed once, found until they expire, deleted a few at a time."""

import pytest
from msgspec.structs import replace

from host.model.dedupe import Place, RecordedResponse
from host.model.errors import KeyTaken
from stores import dedupe_keys
from stores.database import Database
from stores.statement import Connection
from stores.transaction import transaction

PLACE = Place("oak", "p", "hook", "evt_1")
RESPONSE = RecordedResponse(b"\x00" * 32, "d1", 201, [("content-type", "text/plain"), ("x-a", "é"), ("x-a", "2")], b"\xff\x00made")
OTHER = replace(RESPONSE, delivery_id="d2", body=b"")


def kept(connection: Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM dedupe_keys").fetchone()[0])


def test_what_was_kept_is_found_byte_for_byte(connection: Connection) -> None:
    dedupe_keys.claim(connection, PLACE, RESPONSE, 100, 200)

    assert dedupe_keys.find(connection, PLACE, 100) == RESPONSE


def test_a_key_counts_until_it_expires_and_no_longer(connection: Connection) -> None:
    dedupe_keys.claim(connection, PLACE, RESPONSE, 100, 200)

    assert dedupe_keys.find(connection, PLACE, 199) == RESPONSE
    assert dedupe_keys.find(connection, PLACE, 200) is None


def test_a_key_that_counts_is_not_given_away(connection: Connection) -> None:
    dedupe_keys.claim(connection, PLACE, RESPONSE, 100, 200)

    with pytest.raises(KeyTaken), transaction(connection):
        dedupe_keys.claim(connection, PLACE, OTHER, 199, 900)

    assert dedupe_keys.find(connection, PLACE, 199) == RESPONSE
    assert dedupe_keys.find(connection, PLACE, 200) is None


def test_an_expired_key_is_replaced_as_a_whole(connection: Connection) -> None:
    dedupe_keys.claim(connection, PLACE, RESPONSE, 100, 200)
    dedupe_keys.claim(connection, PLACE, OTHER, 200, 300)

    assert dedupe_keys.find(connection, PLACE, 299) == OTHER
    assert kept(connection) == 1


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, organization="elm"),
        replace(PLACE, plugin="q"),
        replace(PLACE, route="other"),
        replace(PLACE, key="evt_2"),
        replace(PLACE, key="EVT_1"),
        replace(PLACE, key="evt_1 "),
        replace(PLACE, key="evt_1\x00"),
    ],
    ids=repr,
)
@pytest.mark.promise("isolation.org.rows")
def test_the_same_text_elsewhere_is_another_key(connection: Connection, elsewhere: Place) -> None:
    dedupe_keys.claim(connection, PLACE, RESPONSE, 100, 200)
    assert dedupe_keys.find(connection, elsewhere, 100) is None

    dedupe_keys.claim(connection, elsewhere, OTHER, 100, 200)

    assert dedupe_keys.find(connection, PLACE, 100) == RESPONSE
    assert dedupe_keys.find(connection, elsewhere, 100) == OTHER


def test_one_unicode_text_in_two_normal_forms_is_two_keys(connection: Connection) -> None:
    dedupe_keys.claim(connection, replace(PLACE, key="caf\u00e9"), RESPONSE, 100, 200)

    assert dedupe_keys.find(connection, replace(PLACE, key="cafe\u0301"), 100) is None


def test_expired_keys_go_a_bounded_number_at_a_time_and_the_oldest_first(connection: Connection) -> None:
    for number in range(10):
        dedupe_keys.claim(connection, replace(PLACE, key=str(number)), RESPONSE, 1, 100 + number)

    assert dedupe_keys.purge(connection, 105, 4) == 4
    assert [dedupe_keys.find(connection, replace(PLACE, key=str(number)), 99) is None for number in range(6)] == [True] * 4 + [False] * 2
    assert dedupe_keys.purge(connection, 105, 100) == 2
    assert dedupe_keys.purge(connection, 105, 100) == 0
    assert kept(connection) == 4


def test_each_new_key_takes_more_than_one_expired_one_along_whose_ever_it_is(connection: Connection) -> None:
    for number in range(10):
        dedupe_keys.claim(connection, replace(PLACE, organization="elm", key=str(number)), RESPONSE, 1, 100)

    dedupe_keys.claim(connection, PLACE, RESPONSE, 100, 200)

    assert kept(connection) == 10 - dedupe_keys.PURGED_PER_CLAIM + 1
    assert dedupe_keys.PURGED_PER_CLAIM > 1


def test_keys_stay_when_the_plugin_is_upgraded_or_removed_and_go_with_the_organisation(connection: Connection) -> None:
    dedupe_keys.claim(connection, PLACE, RESPONSE, 100, 200)

    connection.execute("DELETE FROM installations")
    assert kept(connection) == 1
    connection.execute("DELETE FROM organizations WHERE id = 'oak'")
    assert kept(connection) == 0


def test_of_two_transactions_that_claim_a_key_the_second_finds_it_taken(database: Database) -> None:
    first, second = database.connect(), database.connect()
    assert dedupe_keys.find(second, PLACE, 100) is None
    with transaction(first):
        dedupe_keys.claim(first, PLACE, RESPONSE, 100, 200)

    with pytest.raises(KeyTaken), transaction(second):
        dedupe_keys.claim(second, PLACE, OTHER, 100, 200)

    assert dedupe_keys.find(second, PLACE, 100) == RESPONSE
    first.close()
    second.close()
