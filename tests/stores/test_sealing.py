import os
import threading
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.model.errors import UsageError
from stores.sealing import Sealer, SealError

PLACE = ("oak", "chatter", "app_secret")


@pytest.mark.parametrize("plaintext", ["s3cret", "", "ü 🔑 \0", "x" * 1_000_000])
def test_what_was_sealed_opens_at_its_place(plaintext: str) -> None:
    sealer = Sealer(os.urandom(32))

    assert sealer.unseal(sealer.seal(plaintext, *PLACE), *PLACE) == plaintext


def test_sealing_twice_gives_different_bytes() -> None:
    sealer = Sealer(os.urandom(32))

    assert sealer.seal("s3cret", *PLACE) != sealer.seal("s3cret", *PLACE)


@pytest.mark.promise("secrets.sealed")
@pytest.mark.parametrize("place", [("elm", "chatter", "app_secret"), ("oak", "other", "app_secret"), ("oak", "chatter", "other")])
def test_what_was_moved_does_not_open(place: tuple[str, str, str]) -> None:
    sealer = Sealer(os.urandom(32))

    with pytest.raises(SealError, match="moved"):
        sealer.unseal(sealer.seal("s3cret", *PLACE), *place)


@pytest.mark.parametrize(
    ("one", "other"), [(("ab", "c", "d"), ("a", "bc", "d")), (("a", "b", ""), ("a", "", "b")), (("a\0", "b", "c"), ("a", "\0b", "c"))]
)
def test_no_two_places_are_spelled_the_same(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    sealer = Sealer(os.urandom(32))

    with pytest.raises(SealError):
        sealer.unseal(sealer.seal("s3cret", *one), *other)


parts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
places = st.tuples(parts, parts, parts)


@pytest.mark.promise("secrets.sealed")
@given(places, places, st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_for_one_place_opens_at_no_other(here: tuple[str, str, str], there: tuple[str, str, str], plaintext: str) -> None:
    sealer = Sealer(b"k" * 32)
    sealed = sealer.seal(plaintext, *here)

    assert sealer.unseal(sealed, *here) == plaintext
    if there != here:
        with pytest.raises(SealError, match="moved"):
            sealer.unseal(sealed, *there)


@pytest.mark.promise("secrets.sealed")
@given(st.permutations(["oak", "chatter", "app_secret"]), st.integers(0, 3), st.integers(0, 3))
def test_no_part_of_a_place_can_be_moved_into_the_next(order: list[str], first: int, second: int) -> None:
    """The same letters, cut elsewhere: what is concatenated without lengths would open."""
    letters, sealer = "".join(order), Sealer(b"k" * 32)
    here = (letters[:4], letters[4:9], letters[9:])
    there = (letters[: 4 + first], letters[4 + first : 9 + second], letters[9 + second :])
    if here != there:
        with pytest.raises(SealError):
            sealer.unseal(sealer.seal("s3cret", *here), *there)


@pytest.mark.promise("secrets.sealed")
def test_a_changed_bit_anywhere_keeps_it_shut() -> None:
    sealer = Sealer(os.urandom(32))
    sealed = sealer.seal("s3cret", *PLACE)

    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealError):
            sealer.unseal(bytes(changed), *PLACE)


def test_what_was_cut_off_stays_shut() -> None:
    sealer = Sealer(os.urandom(32))
    sealed = sealer.seal("s3cret", *PLACE)

    for length in range(len(sealed)):
        with pytest.raises(SealError):
            sealer.unseal(sealed[:length], *PLACE)


def test_another_key_is_named_and_nothing_else_is_told() -> None:
    one, other = Sealer(os.urandom(32)), Sealer(os.urandom(32))

    with pytest.raises(SealError) as refused:
        other.unseal(one.seal("s3cret", *PLACE), *PLACE)

    assert one.key_id in refused.value.message
    assert other.key_id in refused.value.message
    assert isinstance(refused.value, UsageError)


def test_a_sealer_shows_no_key() -> None:
    key = os.urandom(32)

    shown = repr(Sealer(key)) + Sealer(key).key_id

    assert key.hex() not in shown
    assert Sealer(key).key_id == Sealer(key).key_id != key.hex()[:16]


def test_the_first_use_makes_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    sealed = Sealer.open_or_create(tmp_path, {}).seal("s3cret", *PLACE)

    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert Sealer.open_or_create(tmp_path, {}).unseal(sealed, *PLACE) == "s3cret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o601])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    Sealer.open_or_create(tmp_path, {})
    (tmp_path / "key").chmod(mode)

    with pytest.raises(UsageError, match="chmod 600"):
        Sealer.open_or_create(tmp_path, {})


def test_a_key_may_be_read_only(tmp_path: Path) -> None:
    first = Sealer.open_or_create(tmp_path, {})
    (tmp_path / "key").chmod(0o400)

    assert Sealer.open_or_create(tmp_path, {}).key_id == first.key_id


@pytest.mark.parametrize("spelling", [lambda key: b64encode(key).decode(), bytes.hex, lambda key: f" {key.hex().upper()}\n"])
def test_the_environments_key_comes_before_the_files(tmp_path: Path, spelling: "type[str]") -> None:
    in_file = Sealer.open_or_create(tmp_path, {})
    key = os.urandom(32)

    sealer = Sealer.open_or_create(tmp_path, {"INNKEEPER_KEY": spelling(key)})

    assert sealer.key_id == Sealer(key).key_id != in_file.key_id


def test_with_a_key_in_the_environment_no_file_is_made(tmp_path: Path) -> None:
    Sealer.open_or_create(tmp_path, {"INNKEEPER_KEY": "00" * 32})

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong", ["q9q9", "00" * 31, "zz" * 32, b64encode(b"k" * 31).decode(), urlsafe_b64encode(b"\xff" * 32).decode(), "ü"]
)
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(UsageError, match="INNKEEPER_KEY holds no key") as refused:
        Sealer.open_or_create(tmp_path, {"INNKEEPER_KEY": wrong})

    assert wrong not in refused.value.message.removeprefix("INNKEEPER_KEY holds no key")


def test_an_empty_variable_is_no_variable(tmp_path: Path) -> None:
    assert Sealer.open_or_create(tmp_path, {"INNKEEPER_KEY": ""}).key_id == Sealer.open_or_create(tmp_path, {}).key_id


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"short\n"])
def test_a_damaged_key_file_is_refused_and_stays(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)

    with pytest.raises(UsageError, match="key"):
        Sealer.open_or_create(tmp_path, {})

    assert (tmp_path / "key").read_bytes() == content


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't make the key"):
        Sealer.open_or_create(tmp_path / "absent", {})


def test_many_who_start_at_once_get_one_key(tmp_path: Path) -> None:
    together, found = threading.Barrier(8), []

    def start() -> None:
        together.wait()
        found.append(Sealer.open_or_create(tmp_path, {}).key_id)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
