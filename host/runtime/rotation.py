"""A new key for the secrets of a data directory, beside a running server.

First the new key stands before the old one in the file, so that everybody seals with the new and opens with both. Then what is sealed under
the old key is sealed anew, batch by batch. When nothing is left under it, the old key goes. Each step leaves a state in which everything
opens; after an end at any moment the next rotation takes up where that one was.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

from msgspec import Struct

from host.model.errors import UsageError
from host.runtime.data import DataDirectory
from host.runtime.runtime import open_database
from stores import rotation
from stores.database import Database
from stores.keys import VARIABLE, GivenKeys, Key, KeyFile, keyring
from stores.rotation import FIRST, Batch, Place
from stores.sealing import Sealer

BATCH = 200
"""Secrets of one transaction: some milliseconds, in which nobody else writes."""

Progress = Callable[[str], None]


class Rotated(Struct, frozen=True, kw_only=True):
    """What came of it. `dropped` are ids of keys that are good for nothing any more, `shut` the secrets that no known key opens.

    `continued`: an earlier rotation had not come to its end. `variable`: the keys are those of INNKEEPER_KEY.
    """

    key_id: str
    resealed: int
    dropped: list[str]
    shut: dict[Place, str]
    continued: bool
    variable: bool


def rotate(directory: DataDirectory, environ: Mapping[str, str], tell: Progress, batch: int = BATCH) -> Rotated:
    """Raises `UsageError` when another one is under way, or no secret opens with what keys there are; then nothing was changed."""
    database = open_database(directory)
    with alone(directory):
        ring = existing_keys(directory, environ)
        _refuse_foreign(database, ring)
        continued = begin(ring) if isinstance(ring, KeyFile) else False
        sealer = Sealer(ring)
        resealed, shut = reseal(database, sealer, tell, batch)
        dropped = end(ring) if isinstance(ring, KeyFile) else []
        return Rotated(
            key_id=sealer.key_id, resealed=resealed, dropped=dropped, shut=shut, continued=continued, variable=isinstance(ring, GivenKeys)
        )  # fmt: skip


def existing_keys(directory: DataDirectory, environ: Mapping[str, str]) -> GivenKeys | KeyFile:
    """Makes none: secrets that are there were sealed with some key, and it is not at its place."""
    if not environ.get(VARIABLE) and not (directory.path / "key").exists():
        raise UsageError(
            f"there is no key {directory.path / 'key'}: if the server has it from {VARIABLE}, give that here too; if it is lost, set the "
            "secrets again (`innkeeper secrets set` makes a new one)"
        )
    return keyring(directory.path, environ)


@contextmanager
def alone(directory: DataDirectory) -> Iterator[None]:
    """The kernel lets go when the process ends, however it does."""
    try:
        file = open(directory.path / "rotate.lock", "a", opener=lambda path, flags: os.open(path, flags, 0o600))  # noqa: SIM115
    except OSError as error:
        raise UsageError(f"can't write to the data directory {directory.path}: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"the key of {directory.path} is being rotated already: wait for its end") from None
        yield


def begin(file: KeyFile) -> bool:
    """Puts a new key before the one there is. Whether that had been done, by a rotation that did not come to its end."""
    keys = file.all()
    if len(keys) > 1:
        return True
    file.replace([Key.made(), *keys])
    return False


def reseal(database: Database, sealer: Sealer, tell: Progress, batch: int = BATCH) -> tuple[int, dict[Place, str]]:
    """Seals everything anew, and again what came meanwhile, until a round finds nothing: how many, and why others do not open."""
    with closing(database.connect()) as connection:
        total = rotation.left(connection, sealer.key_id)
    done = 0
    while True:
        before, shut = done, dict[Place, str]()
        for found in _round(database, sealer, batch):
            done, shut = done + found.resealed, shut | found.shut
            if found.resealed:
                tell(f"re-sealed {done} of {total} secrets")
        if done == before:
            return done, shut


def end(file: KeyFile) -> list[str]:
    """Drops every key but the first; the ids of those that are gone."""
    first, *others = file.all()
    file.replace([first])
    return [key.id.hex() for key in others]


def _round(database: Database, sealer: Sealer, batch: int) -> Iterator[Batch]:
    """Through all secrets once."""
    after: Place | None = FIRST
    while after is not None:
        with database.transaction() as connection:
            found = rotation.reseal(connection, sealer, after, batch)
        yield found
        after = found.last


def _refuse_foreign(database: Database, ring: GivenKeys | KeyFile) -> None:
    """Secrets of which none is under a key of ours belong to another key, and a new one would only hide that.

    Asked within a transaction: a database that can't be written is found out before the key changes.
    """
    known = {key.id.hex() for key in ring.all()}
    with database.transaction() as connection:
        used = rotation.key_ids(connection)
    if used and not known & {*used}:
        raise UsageError(
            f"the secrets are sealed with the key {', '.join(used)}, and here is {', '.join(sorted(known))}: "
            f"give that key in {VARIABLE} or in the data directory's file key"
        )
