"""Cursors of pages: opaque to guests, good for the one query that gave them.

They hold nothing but the last key of the page before, which the guest has seen. The check value is no secret: it turns nonsense, and a
cursor that belongs to another query, into `invalid`.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import crc32

from host.model.errors import HostError, invalid

CHECK_BYTES = 4


def encode(query: tuple[str, ...], last: str) -> str:
    """The cursor for the page after `last` of this query."""
    key = last.encode()
    return urlsafe_b64encode(_check(query, key) + key).decode()


def decode(query: tuple[str, ...], cursor: str | None) -> str | None:
    """The last key of the page before; None without a cursor. Raises `HostError` `invalid` where this query did not give the cursor."""
    if cursor is None:
        return None
    try:
        last = urlsafe_b64decode(cursor.encode("ascii"))[CHECK_BYTES:].decode()
    except ValueError:
        raise _nonsense() from None
    if encode(query, last) != cursor:
        raise _nonsense()
    return last


def _check(query: tuple[str, ...], key: bytes) -> bytes:
    # The lengths keep ("ab", "c") and ("a", "bc") apart.
    told = "".join(f"{len(part)}:{part}" for part in query).encode()
    return crc32(told + key).to_bytes(CHECK_BYTES, "big")


def _nonsense() -> HostError:
    return invalid("cursor: not one that this query gave")
