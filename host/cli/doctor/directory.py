"""What has to be in a data directory, and how."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from host.cli.doctor.finding import Finding, ok, warning, wrong
from host.model.errors import UsageError
from host.runtime import lock
from host.runtime.data import DataDirectory
from host.sandbox.cache import Cache
from host.sandbox.cache import digest as digest_of
from stores import inspection
from stores.keys import VARIABLE
from stores.sealing import Sealer
from stores.statement import Connection

SHOWN = 5
"""How many names a sentence has; the others are counted."""
NONE_YET = "there is no database yet"
AT_THE_FIRST_START = "`innkeeper serve` or `innkeeper install` makes it"


class Directory:
    """One data directory. Each check is on its own, and says so where an earlier one leaves it nothing to look at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = DataDirectory(path)

    def itself(self) -> Finding:
        if not self.path.exists():
            return warning(f"there is no data directory {self.path.absolute()}", f"{AT_THE_FIRST_START}; --data names another")
        if not self.path.is_dir():
            return wrong(f"{self.path} is no folder", "name another with --data")
        if not _mine(self.path):
            return wrong(f"{self.path} belongs to the user {self.path.stat().st_uid}, not to this one ({os.geteuid()})", "run as that user")
        if exposed := [each for each in sorted(self.path.iterdir()) if each.is_file() and _mode(each) & 0o077]:
            return wrong(f"others may read {_named(exposed)}", f"chmod -R go= {self.path}")
        if _mode(self.path) & 0o022:
            return wrong(f"others may write in {self.path}", f"chmod 700 {self.path}")
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            return wrong(f"{self.path} can't be written", "mount it writable, or change its mode: a server needs that")
        if _mode(self.path) & 0o077:
            return warning(f"others may look into {self.path}, though not into its files", f"chmod 700 {self.path}")
        return ok(f"{self.path.absolute()} is this user's alone")

    def holder(self) -> lock.Holder | None:
        return lock.holder(self.path)

    def server(self) -> Finding:
        holder = self.holder()
        return ok(f"a server runs ({holder})" if holder and holder.pid else "a server runs" if holder else "no server runs here")

    def schema(self) -> Finding:
        if not self.data.database.exists():
            return warning(NONE_YET, AT_THE_FIRST_START)
        with self._database() as connection:
            revision = inspection.schema_of(connection)
        if not inspection.is_current(revision):
            return warning(
                f"the database has the schema {revision or 'none'}", "the next command that uses it upgrades it: keep a copy before"
            )
        return ok(f"the database has this program's schema, {revision}")

    def integrity(self) -> Finding:
        if not self.data.database.exists():
            return warning(NONE_YET, AT_THE_FIRST_START)
        with self._database() as connection:
            damage = inspection.damage(connection)
        if damage:
            return wrong(f"the database is damaged: {'; '.join(damage)}", "end the server, and put a copy from before in its place")
        return ok("the database is sound")

    def key(self) -> Finding:
        sealer = Sealer.open(self.path)
        found = self._contents
        if sealer is None:
            if found and found.sealed:
                return wrong(
                    f"the key is missing, and {len(found.sealed)} secrets are sealed with it", f"put it back as {self.path / 'key'}"
                )
            return warning("there is no key yet", AT_THE_FIRST_START)
        where = VARIABLE if os.environ.get(VARIABLE) else self.path / "key"
        if found and found.unreadable:
            names = _named([f"{plugin}/{name}" + (f" of {org}" if org else "") for org, plugin, name in found.unreadable])
            return wrong(
                f"the key {sealer.key_id} ({where}) does not open {names}", "give the key that they were sealed with, or set them again"
            )
        if found is None:
            return self._unknown(f"which secrets the key {sealer.key_id} ({where}) should open")
        if len(sealer.key_ids) > 1 and where != VARIABLE:
            return warning(
                f"{where} holds {len(sealer.key_ids)} keys: a rotation did not come to its end", "run `innkeeper secrets rotate-key`"
            )
        return ok(f"the key {sealer.key_id} ({where}) opens all {len(found.sealed)} secrets")

    def components(self) -> Finding:
        if self._contents is None:
            return self._unknown("which components are installed")
        digests = self._contents.digests
        missing = [digest for digest in digests if not self._file(digest).exists()]
        changed = [digest for digest in digests if digest not in missing and digest_of(self._file(digest).read_bytes()) != digest]
        if missing or changed:
            says = " and ".join(f"{_named(each)} {what}" for each, what in ((missing, "is missing"), (changed, "was changed")) if each)
            return wrong(f"of the installed components in {self.data.components} {says}", "install these plugins again")
        return ok(f"all {len(digests)} installed components are as they were installed")

    def cache(self, folder: Path) -> Finding:
        """Warm, where nothing has to be compiled at the next start."""
        artefacts = folder / "artefacts"
        if self._contents is None:
            return self._unknown("which components are installed")
        digests = self._contents.digests
        if not (artefacts / "key").exists():
            return warning(
                f"nothing is compiled yet in {artefacts}", "the first install or start does it, some 10 seconds for a Python plugin"
            )
        cache = Cache(artefacts)  # which makes nothing where all of it is there, and refuses what others can write
        cold = [digest for digest in digests if not cache.has(digest)]
        if not os.access(artefacts, os.W_OK | os.X_OK):
            return wrong(f"{artefacts} can't be written", "change its mode, or name another folder with --cache")
        if broken := [digest for digest in digests if digest not in cold and not cache.is_intact(digest)]:
            return warning(f"{_named(broken)} in {artefacts} is not what was compiled", "nothing: it is compiled again")
        if cold:
            return warning(f"{len(cold)} of {len(digests)} components are not compiled in {artefacts}", "nothing: the next start does it")
        return ok(f"all {len(digests)} components are compiled in {artefacts}")

    def newest(self) -> int | None:
        """When the last delivery came; None where that can't be told."""
        return self._contents.newest if self._contents else None

    def _unknown(self, what: str) -> Finding:
        if self.data.database.exists():
            return warning(f"nobody can tell {what}", "put right first what is said of the database")
        return warning(NONE_YET, AT_THE_FIRST_START)

    @cached_property
    def _contents(self) -> inspection.Contents | None:
        """None where that can't be told: there is no database, or it has another finding."""
        if not self.data.database.exists():
            return None
        try:
            with self._database() as connection:
                return inspection.contents(connection, inspection.schema_of(connection), Sealer.open(self.path))
        except (UsageError, sqlite3.Error):
            return None

    @contextmanager
    def _database(self) -> Iterator[Connection]:
        with inspection.opened(self.data.database) as connection:
            yield connection

    def _file(self, digest: str) -> Path:
        return self.data.components / f"{digest}.wasm"


def _mine(path: Path) -> bool:
    return path.stat().st_uid == os.geteuid()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _named(names: "list[Path] | list[str]") -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(str(each)[:80] for each in names[:SHOWN]) + more
