"""Bodies: bytes or text here, `payload` in the contract."""

from base64 import b64decode, b64encode
from typing import Any

from plugin_sdk_py.api.host import host
from plugin_sdk_py.text import text

__all__ = ["from_payload", "to_payload"]


def to_payload(body: bytes | str) -> Any:
    """UTF-8 as `text`, which is fast; other bytes as `base64`."""
    if isinstance(body, str):
        return host.types.Payload_Text(text(body, "body"))
    try:
        return host.types.Payload_Text(body.decode())
    except UnicodeDecodeError:
        return host.types.Payload_Base64(b64encode(body).decode())


def from_payload(payload: Any) -> bytes | str:
    return payload.value if isinstance(payload, host.types.Payload_Text) else b64decode(payload.value)
