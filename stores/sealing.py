"""Sealing of secrets: AES-256-GCM under a key that is never in the database, bound to the place where the secret belongs.

A sealed secret is a format byte, the key's id (8 bytes), a nonce (12 random bytes), and the ciphertext with its tag (NIST SP 800-38D).
Organisation, plugin and name are associated data: sealed bytes that were moved elsewhere do not open.
"""

import os
import stat
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from host.model.errors import UsageError

KEY_BYTES = 32
ID_BYTES = 8
NONCE_BYTES = 12
FORMAT = b"\x01"
VARIABLE = "INNKEEPER_KEY"
FILE = "key"
"""The file's name in a data directory."""


class SealError(UsageError):
    """The sealed secret does not open."""

    code = "sealed"


class Sealer:
    """Seals and unseals with one key. Shows the key's id, never the key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise UsageError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
        self._cipher = AESGCM(key)
        self._id = sha256(b"innkeeper key id\0" + key).digest()[:ID_BYTES]

    def __repr__(self) -> str:
        return f"<Sealer [key {self.key_id}]>"

    @property
    def key_id(self) -> str:
        """Names the key in what it has sealed, so that the secrets of an old key can be found. Tells nothing of the key."""
        return self._id.hex()

    @classmethod
    def open_or_create(cls, directory: Path, environ: Mapping[str, str] = os.environ) -> "Sealer":
        """With the key in INNKEEPER_KEY (32 bytes in base64 or hexadecimal), else in the directory's file `key`, made where there is none.

        Raises `UsageError` when either is no key, or when others may read the file.
        """
        path = directory / FILE
        if not environ.get(VARIABLE) and not path.exists():
            _create(path)
        return cls.open(directory, environ) or cls(_read(path))

    @classmethod
    def open(cls, directory: Path, environ: Mapping[str, str] = os.environ) -> "Sealer | None":
        """The same, and None where there is no key."""
        if environ.get(VARIABLE):
            return cls(_decode(environ[VARIABLE], VARIABLE))
        path = directory / FILE
        return cls(_read(path)) if path.exists() else None

    def seal(self, plaintext: str, organization: str, plugin: str, name: str) -> bytes:
        header, nonce = FORMAT + self._id, os.urandom(NONCE_BYTES)
        return header + nonce + self._cipher.encrypt(nonce, plaintext.encode(), _place(header, organization, plugin, name))

    def unseal(self, sealed: bytes, organization: str, plugin: str, name: str) -> str:
        """Raises `SealError` when it was sealed with another key, for another place, or was changed."""
        secret = f"secret {name!r} of {plugin!r} in organisation {organization!r}"
        header, nonce, ciphertext = sealed[: 1 + ID_BYTES], sealed[1 + ID_BYTES :][:NONCE_BYTES], sealed[1 + ID_BYTES + NONCE_BYTES :]
        if header[:1] == FORMAT and header[1:] != self._id:
            raise SealError(
                f"{secret} was sealed with the key {header[1:].hex()}, and this is {self.key_id}: give that key, or set it again"
            )
        try:
            return self._cipher.decrypt(nonce, ciphertext, _place(header, organization, plugin, name)).decode()
        except (InvalidTag, ValueError):
            raise SealError(f"{secret} was changed, or moved from elsewhere: set it again") from None


def _place(header: bytes, *parts: str) -> bytes:
    """Each part with its length before it, so that no two places give the same bytes."""
    encoded = [part.encode() for part in parts]
    return header + b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _decode(text: str, where: str) -> bytes:
    text = text.strip()
    with suppress(ValueError):
        key = bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else b64decode(text, validate=True)
        if len(key) == KEY_BYTES:
            return key
    raise UsageError(f"{where} holds no key: {KEY_BYTES} bytes in base64 or hexadecimal are needed")


def _read(path: Path) -> bytes:
    try:
        with path.open() as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise UsageError(f"others may read the key: chmod 600 {path}, and set the secrets again if somebody did")
            return _decode(file.read(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"can't read the key {path}: {error}") from error


def _create(path: Path) -> None:
    """Makes a key. Appears under its name whole or not at all, and where two do this at once the first one's stays."""
    draft = path.with_name(f"key.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(b64encode(os.urandom(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(draft, path)
    except OSError as error:
        raise UsageError(f"can't make the key {path}: {error}") from error
    finally:
        draft.unlink(missing_ok=True)
