"""Bodies: bytes on the outside, WIT's `payload` on the boundary."""

from base64 import b64decode, b64encode
from binascii import Error

from host.model.case import Case
from host.model.errors import invalid


def to_payload(body: bytes) -> Case:
    """UTF-8 as `text`, byte for byte; anything else as `base64`."""
    try:
        return Case("text", body.decode())
    except UnicodeDecodeError:
        return Case("base64", b64encode(body).decode())


def from_payload(payload: Case) -> bytes:
    """The bytes of a payload. Raises `HostError` `invalid` where `base64` is none."""
    text = str(payload.value)
    if payload.name == "text":
        return text.encode()
    try:
        return b64decode(text, validate=True)
    except (Error, ValueError) as error:
        raise invalid(f"payload: not base64: {error}") from None
