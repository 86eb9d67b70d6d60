"""A new key for a whole data directory: stopped at each of its steps, beside others, and with the key in a variable."""

import fcntl
import os
from contextlib import closing
from pathlib import Path

import pytest

from host.model.errors import UsageError
from host.runtime import rotation
from host.runtime.configuration import Configuration
from host.runtime.data import DataDirectory
from host.runtime.runtime import open_database
from stores import installations, organizations, plugin_secrets, plugins, secrets
from stores import rotation as batches
from stores.database import Database
from stores.keys import Key, KeyFile
from stores.rotation import FIRST, Place
from stores.sealing import Sealer

CHATTER = '{"name":"chatter","version":"1.0.0","description":"Chats"}'
ORGANIZATIONS = ("ash", "elm", "oak")


def settled(folder: Path, environ: dict[str, str] | None = None) -> Database:
    """A data directory with two secrets in each of three organisations, and one of the plugin itself."""
    database, sealer = open_database(DataDirectory(folder)), Sealer.open_or_create(folder, environ or {})
    with database.transaction() as connection:
        plugins.add(connection, "d1", CHATTER, 1)
        for organization in ORGANIZATIONS:
            organizations.create(connection, organization, 1)
            installations.upsert(connection, organization, "chatter", digest="d1", at=1)
            for name in ("a", "b"):
                secrets.set(connection, sealer, organization, "chatter", name, f"{name} of {organization}", 7)
        plugin_secrets.set(connection, sealer, "chatter", "c", "c of all", 7)
    return database


def opened(folder: Path, sealer: Sealer) -> set[str]:
    """Every value that opens."""
    with closing(Database(folder / "innkeeper.db").read_connection()) as connection:
        loaded = [secrets.load_all(connection, sealer, organization, "chatter") for organization in ORGANIZATIONS]
        return {value for each in (*loaded, plugin_secrets.load_all(connection, sealer, "chatter")) for value in each.values()}


def rotated(folder: Path, environ: dict[str, str] | None = None, batch: int = 2) -> rotation.Rotated:
    return rotation.rotate(DataDirectory(folder), environ or {}, lambda sentence: None, batch)


EVERYTHING = {f"{name} of {organization}" for organization in ORGANIZATIONS for name in "ab"} | {"c of all"}


def the_key(folder: Path) -> Sealer:
    """With the key that is in the file now, whatever becomes of it."""
    (line,) = (folder / "key").read_text().split()
    return Sealer.open_or_create(folder, {"INNKEEPER_KEY": line})


@pytest.mark.promise("secrets.rotation")
def test_afterwards_the_new_key_opens_everything_and_the_old_one_nothing(tmp_path: Path) -> None:
    settled(tmp_path)
    old, told = the_key(tmp_path), []

    found = rotation.rotate(DataDirectory(tmp_path), {}, told.append, 3)

    new = the_key(tmp_path)
    assert (found.key_id, found.dropped) == (new.key_id, [old.key_id])
    assert (found.resealed, found.shut, found.continued, found.variable) == (7, {}, False, False)
    assert told == ["re-sealed 3 of 7 secrets", "re-sealed 6 of 7 secrets", "re-sealed 7 of 7 secrets"]
    assert opened(tmp_path, new) == EVERYTHING
    assert opened(tmp_path, old) == set()
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("key")) == ["key"]


@pytest.mark.promise("secrets.rotation")
@pytest.mark.parametrize("steps", range(6))
def test_one_that_was_stopped_between_any_two_steps_loses_nothing_and_is_finished_by_the_next(tmp_path: Path, steps: int) -> None:
    database = settled(tmp_path)
    old, file, after = the_key(tmp_path), KeyFile(tmp_path / "key"), FIRST
    if steps > 0:
        assert not rotation.begin(file)
    for _ in range(min(steps - 1, 3)):
        with database.transaction() as connection:
            after = batches.reseal(connection, Sealer(file), after, 2).last or after
    if steps == 5:
        rotation.reseal(database, Sealer(file), lambda sentence: None)
    assert opened(tmp_path, Sealer(file)) == EVERYTHING

    found = rotated(tmp_path)

    assert found.continued == (steps > 0)
    assert opened(tmp_path, the_key(tmp_path)) == EVERYTHING
    assert opened(tmp_path, old) == set()


@pytest.mark.promise("secrets.rotation")
def test_a_batch_that_was_stopped_in_its_midst_did_not_happen(tmp_path: Path) -> None:
    database = settled(tmp_path)
    old, file = the_key(tmp_path), KeyFile(tmp_path / "key")
    rotation.begin(file)
    connection = database.connect()
    connection.execute("BEGIN IMMEDIATE")
    assert batches.reseal(connection, Sealer(file), FIRST, 5).resealed == 5
    connection.close()

    assert opened(tmp_path, old) == EVERYTHING
    assert rotated(tmp_path).resealed == 7


def test_what_is_set_meanwhile_is_under_the_new_key(tmp_path: Path) -> None:
    database = settled(tmp_path)
    server = Sealer.open_or_create(tmp_path, {})
    rotation.begin(KeyFile(tmp_path / "key"))
    with database.transaction() as connection:
        secrets.set(connection, server, "oak", "chatter", "a", "set meanwhile", 8)

    assert rotated(tmp_path).resealed == 6
    assert "set meanwhile" in opened(tmp_path, the_key(tmp_path))


def test_what_was_being_set_when_it_began_is_not_missed(tmp_path: Path) -> None:
    """Its transaction sealed with the old key and has not ended yet: the first batch waits for it."""
    database = settled(tmp_path)
    server = Sealer.open_or_create(tmp_path, {})
    with database.transaction() as connection:
        secrets.set(connection, server, "ash", "chatter", "a", "set just before", 8)
        rotation.begin(KeyFile(tmp_path / "key"))

    assert rotated(tmp_path).resealed == 7
    assert opened(tmp_path, the_key(tmp_path)) == EVERYTHING - {"a of ash"} | {"set just before"}


def test_a_reader_that_lags_behind_the_whole_of_it_finds_everything(tmp_path: Path) -> None:
    """It has read rows that were sealed under the old key, and opens them when that key is gone."""
    settled(tmp_path)
    server = Sealer.open_or_create(tmp_path, {})
    with closing(Database(tmp_path / "innkeeper.db").read_connection()) as connection:
        rows = connection.execute("SELECT name, sealed FROM secrets WHERE organization = 'oak' ORDER BY name").fetchall()
        rotated(tmp_path)
        reads = iter([rows, connection.execute("SELECT name, sealed FROM secrets WHERE organization = 'oak' ORDER BY name").fetchall()] * 2)
        found = secrets.unsealed(lambda: next(reads), lambda name, sealed: server.unseal(sealed, "oak", "chatter", name))

    assert dict(found) == {"a": "a of oak", "b": "b of oak"}
    assert found.shut == {}


@pytest.mark.promise("secrets.rotation")
def test_a_running_host_finds_everything_at_each_step_and_keeps_its_snapshot(tmp_path: Path) -> None:
    database = settled(tmp_path)
    with closing(database.read_connection()) as connection:
        running = Configuration(connection, Sealer.open_or_create(tmp_path, {}))
        before = running.installation("oak", "chatter")
        file = KeyFile(tmp_path / "key")
        for step in (
            lambda: rotation.begin(file),
            lambda: rotation.reseal(database, Sealer(file), lambda _: None),
            lambda: rotation.end(file),
        ):
            step()
            assert running.installation("oak", "chatter") is before
    assert before is not None
    assert dict(before.secrets) == {"a": "a of oak", "b": "b of oak"}
    assert dict(before.own_secrets) == {"c": "c of all"}


def test_two_at_once_are_one_and_the_second_is_refused(tmp_path: Path) -> None:
    settled(tmp_path)
    before = (tmp_path / "key").read_bytes()
    with (tmp_path / "rotate.lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="being rotated already"):
            rotated(tmp_path)

    assert (tmp_path / "key").read_bytes() == before
    assert rotated(tmp_path).resealed == 7


def test_with_the_keys_in_a_variable_everything_goes_under_its_first(tmp_path: Path) -> None:
    old, new = os.urandom(32).hex(), os.urandom(32).hex()
    settled(tmp_path, {"INNKEEPER_KEY": old})

    found = rotated(tmp_path, {"INNKEEPER_KEY": f"{new},{old}"})

    assert (found.resealed, found.variable, found.dropped) == (7, True, [])
    assert found.key_id == Key(bytes.fromhex(new)).id.hex()
    assert opened(tmp_path, Sealer(bytes.fromhex(new))) == EVERYTHING
    assert opened(tmp_path, Sealer(bytes.fromhex(old))) == set()
    assert not (tmp_path / "key").exists()
    assert rotated(tmp_path, {"INNKEEPER_KEY": new}).resealed == 0


@pytest.mark.parametrize(
    ("environ", "said"), [({}, "if the server has it from INNKEEPER_KEY"), ({"INNKEEPER_KEY": "00" * 32}, "sealed with the key")]
)
def test_with_somebody_elses_key_nothing_is_done(tmp_path: Path, environ: dict[str, str], said: str) -> None:
    """The server has it from its environment, and the operator's shell has not."""
    right = os.urandom(32)
    settled(tmp_path, {"INNKEEPER_KEY": right.hex()})

    with pytest.raises(UsageError, match=said) as refused:
        rotated(tmp_path, environ)

    assert "0000" not in refused.value.message
    assert not (tmp_path / "key").exists()
    assert opened(tmp_path, Sealer(right)) == EVERYTHING


def test_what_does_not_open_is_told_and_the_rest_is_sealed_anew(tmp_path: Path) -> None:
    database = settled(tmp_path)
    with database.transaction() as connection:
        connection.execute("UPDATE secrets SET sealed = zeroblob(60) WHERE organization = 'elm' AND name = 'a'")

    found = rotated(tmp_path)

    assert found.resealed == 6
    assert list(found.shut) == [Place("elm", "chatter", "a")]
    assert opened(tmp_path, the_key(tmp_path)) == EVERYTHING - {"a of elm"}


def test_a_host_without_secrets_gets_a_new_key_too(tmp_path: Path) -> None:
    open_database(DataDirectory(tmp_path))
    old = Sealer.open_or_create(tmp_path, {})
    before = old.key_id

    assert rotated(tmp_path).resealed == 0
    assert old.key_id != before
