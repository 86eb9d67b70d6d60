"""Rings of keys: in a file that is replaced while others use it, or in a variable."""

import os
import pickle
from base64 import b64encode
from copy import deepcopy
from pathlib import Path

import pytest

from host.model.errors import UsageError
from stores.keys import Key, KeyFile, keyring
from stores.sealing import Sealer, SealError, key_id_of

PLACE = ("oak", "chatter", "app_secret")
OLD, NEW = b"o" * 32, b"n" * 32


def ids(*keys: bytes) -> list[str]:
    return [Key(key).id.hex() for key in keys]


def sealer_of(folder: Path, *keys: bytes) -> Sealer:
    """Over the folder's file, which gets these keys."""
    KeyFile(folder / "key").replace([Key(key) for key in keys])
    return Sealer.open_or_create(folder, {})


def test_the_first_key_seals_and_all_open(tmp_path: Path) -> None:
    of_old = Sealer(OLD).seal("s3cret", *PLACE)
    both = sealer_of(tmp_path, NEW, OLD)

    assert both.unseal(of_old, *PLACE) == "s3cret"
    assert Sealer(NEW).unseal(both.seal("s3cret", *PLACE), *PLACE) == "s3cret"
    assert both.key_ids == ids(NEW, OLD)


@pytest.mark.promise("secrets.rotation")
def test_a_sealer_goes_on_while_the_file_becomes_another(tmp_path: Path) -> None:
    running = sealer_of(tmp_path, OLD)
    of_old = running.seal("s3cret", *PLACE)
    file = KeyFile(tmp_path / "key")

    file.replace([Key(NEW), Key(OLD)])
    of_new = Sealer(NEW).seal("s3cret", *PLACE)
    assert [running.unseal(sealed, *PLACE) for sealed in (of_new, of_old)] == ["s3cret", "s3cret"]
    assert key_id_of(running.seal("x", *PLACE)) == Key(NEW).id.hex()

    file.replace([Key(NEW)])
    assert running.unseal(of_new, *PLACE) == "s3cret"
    with pytest.raises(SealError, match="give that key, or set it again"):
        running.unseal(of_old, *PLACE)


def test_the_id_of_the_key_is_told_by_what_was_sealed_and_not_by_what_came_after(tmp_path: Path) -> None:
    sealer = sealer_of(tmp_path, OLD)
    sealed = sealer.seal("s3cret", *PLACE)
    KeyFile(tmp_path / "key").replace([Key(NEW)])

    assert (key_id_of(sealed), sealer.key_id) == (ids(OLD)[0], ids(NEW)[0])


@pytest.mark.parametrize("break_it", [Path.unlink, lambda path: path.chmod(0o644), lambda path: path.write_text("none\n")])
def test_a_file_that_is_broken_meanwhile_stops_sealing_and_not_opening(tmp_path: Path, break_it: object) -> None:
    sealer = sealer_of(tmp_path, OLD)
    sealed = sealer.seal("s3cret", *PLACE)
    assert callable(break_it)
    break_it(tmp_path / "key")

    assert sealer.unseal(sealed, *PLACE) == "s3cret"
    with pytest.raises(UsageError, match="key"):
        sealer.seal("s3cret", *PLACE)


def test_a_replaced_file_is_whole_and_its_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "key.next").write_text("of a process that was killed")
    KeyFile(tmp_path / "key").replace([Key(NEW), Key(OLD)])

    assert (tmp_path / "key").read_text() == f"{b64encode(NEW).decode()}\n{b64encode(OLD).decode()}\n"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_file_that_can_not_be_replaced_stays_what_it_is(tmp_path: Path) -> None:
    sealer_of(tmp_path, OLD)
    (tmp_path / "key.next").mkdir()

    with pytest.raises(UsageError, match="can't write the key"):
        KeyFile(tmp_path / "key").replace([Key(NEW)])

    assert Sealer.open_or_create(tmp_path, {}).key_ids == ids(OLD)


@pytest.mark.parametrize("between", [",", " , ", ",\n"])
def test_a_variable_may_hold_several_keys(tmp_path: Path, between: str) -> None:
    sealer = Sealer.open_or_create(tmp_path, {"INNKEEPER_KEY": f"{NEW.hex()}{between}{b64encode(OLD).decode()}"})

    assert sealer.key_ids == ids(NEW, OLD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.promise("secrets.key-not-shown")
@pytest.mark.parametrize(
    "wrong", [",", f"{NEW.hex()},", f"{NEW.hex()},{OLD.hex()[1:]}", ",".join([NEW.hex()] * 17), f"{NEW.hex()};{OLD.hex()}"]
)
def test_a_variable_with_something_else_in_it_is_refused_without_being_shown(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(UsageError, match="INNKEEPER_KEY holds") as refused:
        keyring(tmp_path, {"INNKEEPER_KEY": wrong})

    assert NEW.hex()[:8] not in refused.value.message
    assert OLD.hex()[:8] not in refused.value.message


@pytest.mark.promise("secrets.key-not-shown")
def test_no_key_is_shown_or_goes_anywhere(tmp_path: Path) -> None:
    key = os.urandom(32)
    file = KeyFile(tmp_path / "key")
    file.replace([Key(key)])
    file.all()
    shown = repr([Key(key), file, Sealer(key), file.all()])

    assert Key(key).id.hex() in shown
    assert not any(spelling in shown for spelling in (key.hex(), repr(key)[2:-1], b64encode(key).decode()))
    for copying in (pickle.dumps, deepcopy):
        with pytest.raises(TypeError, match="not copied"):
            copying(Key(key))
