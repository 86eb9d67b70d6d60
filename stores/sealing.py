"""Sealing of secrets: AES-256-GCM under a key that is never in the database, bound to the place where the secret belongs.

A sealed secret is a format byte, the key's id (8 bytes), a nonce (12 random bytes), and the ciphertext with its tag (NIST SP 800-38D).
Organisation, plugin and name are associated data: sealed bytes that were moved elsewhere do not open.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag

from host.model.errors import UsageError
from stores.keys import FILE, ID_BYTES, VARIABLE, GivenKeys, Key, Keyring, keyring

NONCE_BYTES = 12
FORMAT = b"\x01"


class SealError(UsageError):
    """The sealed secret does not open."""

    code = "sealed"


class Sealer:
    """Seals with the first key of a ring and opens with all. Shows their ids, never a key."""

    def __init__(self, keys: bytes | Keyring) -> None:
        self._ring: Keyring = GivenKeys(keys) if isinstance(keys, bytes) else keys
        self._known: Sequence[Key] = self._ring.all()

    def __repr__(self) -> str:
        return f"<Sealer [{', '.join(f'key {key.id.hex()}' for key in self._known)}]>"

    @property
    def key_id(self) -> str:
        """That of the key that seals: by it the secrets of an old key can be found. Raises `UsageError` when the keys can't be read."""
        return self._now()[0].id.hex()

    @property
    def key_ids(self) -> list[str]:
        """Those of all keys that open."""
        return [key.id.hex() for key in self._now()]

    @classmethod
    def open_or_create(cls, directory: Path, environ: Mapping[str, str] = os.environ) -> "Sealer":
        """With the keys in INNKEEPER_KEY (32 bytes each in base64 or hexadecimal, with commas between), else with those in the directory's
        file `key`, made where there is none.

        Raises `UsageError` when either holds what is no key, or when others may read the file.
        """
        return cls(keyring(directory, environ))

    @classmethod
    def open(cls, directory: Path, environ: Mapping[str, str] = os.environ) -> "Sealer | None":
        """The same, and None where there is no key."""
        return cls(keyring(directory, environ)) if environ.get(VARIABLE) or (directory / FILE).exists() else None

    def seal(self, plaintext: str, organization: str, plugin: str, name: str) -> bytes:
        """Called within the transaction that writes it, so that no rotation misses it. Raises `UsageError` when the keys can't be read."""
        key = self._now()[0]
        header, nonce = FORMAT + key.id, os.urandom(NONCE_BYTES)
        return header + nonce + key.cipher.encrypt(nonce, plaintext.encode(), _place(header, organization, plugin, name))

    def unseal(self, sealed: bytes, organization: str, plugin: str, name: str) -> str:
        """Raises `SealError` when it was sealed with an unknown key, for another place, or was changed."""
        secret = f"secret {name!r} of {plugin!r}" + (f" in organisation {organization!r}" if organization else "")
        header, nonce, ciphertext = sealed[: 1 + ID_BYTES], sealed[1 + ID_BYTES :][:NONCE_BYTES], sealed[1 + ID_BYTES + NONCE_BYTES :]
        keys = self._now_or_before()
        key = next((key for key in keys if key.id == header[1:]), None)
        if header[:1] == FORMAT and len(header) == 1 + ID_BYTES and key is None:
            known = ", ".join(key.id.hex() for key in keys)
            raise SealError(f"{secret} was sealed with the key {header[1:].hex()}, and this is {known}: give that key, or set it again")
        try:
            if key is not None:
                return key.cipher.decrypt(nonce, ciphertext, _place(header, organization, plugin, name)).decode()
        except (InvalidTag, ValueError):
            pass
        raise SealError(f"{secret} was changed, or moved from elsewhere: set it again")

    def _now(self) -> Sequence[Key]:
        self._known = self._ring.all()
        return self._known

    def _now_or_before(self) -> Sequence[Key]:
        """What opened a moment ago opens also while somebody has the file in his hands."""
        try:
            return self._now()
        except UsageError:
            return self._known


def key_id_of(sealed: bytes) -> str:
    """The id of the key that sealed this."""
    return sealed[1 : 1 + ID_BYTES].hex()


def _place(header: bytes, *parts: str) -> bytes:
    """Each part with its length before it, so that no two places give the same bytes."""
    encoded = [part.encode() for part in parts]
    return header + b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
