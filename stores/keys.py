"""The keys that seal secrets: a ring of them, of which the first seals and all open. It is a file, or what a variable says."""

import os
import stat
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from host.model.errors import UsageError

KEY_BYTES = 32
ID_BYTES = 8
MOST = 16
"""Keys of one ring. A rotation needs two."""
VARIABLE = "INNKEEPER_KEY"
FILE = "key"
"""The file's name in a data directory."""


class Key:
    """Shows its id, which names it in what it has sealed and tells nothing of it; never itself."""

    __slots__ = ("_key", "cipher", "id")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise UsageError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
        self._key = key
        self.cipher = AESGCM(key)
        self.id = sha256(b"innkeeper key id\0" + key).digest()[:ID_BYTES]

    def __repr__(self) -> str:
        return f"<Key {self.id.hex()}>"

    def __reduce__(self) -> str:
        raise TypeError("a key is not copied and not pickled")

    def line(self) -> bytes:
        """As it stands in the file."""
        return b64encode(self._key) + b"\n"

    @classmethod
    def made(cls) -> "Key":
        return cls(os.urandom(KEY_BYTES))


class Keyring(Protocol):
    """Where a sealer has its keys from."""

    def all(self) -> Sequence[Key]:
        """All of them as they are now, the one that seals first. Raises `UsageError` when they can't be read."""


class GivenKeys:
    """Keys that stay what they are."""

    def __init__(self, *keys: bytes) -> None:
        self._keys = [Key(key) for key in keys]

    def all(self) -> Sequence[Key]:
        return self._keys

    @classmethod
    def of_variable(cls, text: str) -> "GivenKeys":
        """One or several, with commas between. Raises `UsageError`, which repeats nothing of them."""
        return cls(*_decoded(text.split(","), VARIABLE))


class KeyFile:
    """A file with a key per line (mode 0600), which is replaced as a whole and read again once it is another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, ...] = ()
        self._keys: Sequence[Key] = ()

    def __repr__(self) -> str:
        return f"<KeyFile {self.path} [{', '.join(key.id.hex() for key in self._keys)}]>"

    def all(self) -> Sequence[Key]:
        """Costs a look at the file's status; its content is read when that changed."""
        try:
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                seen = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
                if seen != self._seen:
                    self._keys, self._seen = self._read(file.read(), found.st_mode), seen
        except OSError as error:
            raise UsageError(f"can't read the key {self.path}: {error}") from error
        return self._keys

    def create(self) -> None:
        """Makes a key where there is none. Appears under its name whole or not at all; where two do this at once the first one's stays."""
        if self.path.exists():
            return
        draft = self.path.with_name(f"key.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            _write(draft, [Key.made()])
            with suppress(FileExistsError):
                os.link(draft, self.path)
            _flush(self.path.parent)
        except OSError as error:
            raise UsageError(f"can't make the key {self.path}: {error}") from error
        finally:
            draft.unlink(missing_ok=True)

    def replace(self, keys: Sequence[Key]) -> None:
        """Puts these keys in place of all. They are on the disk when this returns. One at a time may do this."""
        draft = self.path.with_name("key.next")
        try:
            draft.unlink(missing_ok=True)  # of a process that was killed
            _write(draft, keys)
            draft.rename(self.path)
            _flush(self.path.parent)
        except OSError as error:
            raise UsageError(f"can't write the key {self.path}: {error}") from error
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def _read(self, content: bytes, mode: int) -> Sequence[Key]:
        if stat.S_IMODE(mode) & 0o077:
            raise UsageError(f"others may read the key: chmod 600 {self.path}, and set the secrets again if somebody did")
        return [Key(key) for key in _decoded(content.decode("latin-1").strip().splitlines(), str(self.path))]


def keyring(directory: Path, environ: Mapping[str, str]) -> GivenKeys | KeyFile:
    """That of INNKEEPER_KEY, else that of the directory's file `key`, made where there is none. Raises `UsageError` when it is none."""
    if environ.get(VARIABLE):
        return GivenKeys.of_variable(environ[VARIABLE])
    file = KeyFile(directory / FILE)
    file.create()
    file.all()
    return file


def _decoded(texts: Sequence[str], where: str) -> list[bytes]:
    if not 0 < len(texts) <= MOST:
        raise UsageError(f"{where} holds {len(texts)} keys: 1 to {MOST} are possible")
    return [_key(text, where if len(texts) == 1 else f"the place {place} of {where}") for place, text in enumerate(texts, 1)]


def _key(text: str, where: str) -> bytes:
    text = text.strip()
    with suppress(ValueError):
        key = bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else b64decode(text, validate=True)
        if len(key) == KEY_BYTES:
            return key
    raise UsageError(f"{where} holds no key: {KEY_BYTES} bytes in base64 or hexadecimal are needed")


def _write(path: Path, keys: Sequence[Key]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(b"".join(key.line() for key in keys))
        file.flush()
        os.fsync(descriptor)


def _flush(directory: Path) -> None:
    """A name that was given or taken is on the disk after this."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
