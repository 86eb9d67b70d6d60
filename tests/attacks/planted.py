"""Secrets that a search finds wherever they are, as they are and as they may be written."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, quote_plus

SHORTEST = 12
"""Bytes of a piece of base64 that is looked for: shorter ones are found anywhere."""


def forms(value: str) -> set[bytes]:
    """The value's lines, each as text, as text in JSON, in Python and in a URL, in hexadecimal, and in base64 wherever it begins in what
    is encoded."""
    found: set[bytes] = set()
    for line in value.splitlines():
        raw = line.encode()
        texts = {line, json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1], repr(line)[1:-1], ascii(line)[1:-1]}
        texts |= {quote(line), quote(line, safe=""), quote_plus(line), raw.hex(), raw.hex().upper()}
        found |= {text.encode() for text in texts}
        found |= {piece for offset in range(3) for encode in (b64encode, urlsafe_b64encode) if (piece := _inside(encode, raw, offset))}
    return found


def _inside(encode: Callable[[bytes], bytes], raw: bytes, offset: int) -> bytes | None:
    """What all encodings of a text have in common that has these bytes `offset` (0 to 2) bytes behind a multiple of three."""
    piece = encode(bytes(offset) + raw)[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]
    return piece if len(piece) >= SHORTEST else None


def leaks(secrets: Mapping[str, str], places: Mapping[str, bytes | str]) -> list[str]:
    """Which secret is in which place, with what stands around it."""
    return [
        f"{name} in {place}: {content[max(0, at - 60) : at + 90]!r}"
        for place, content in _bytes(places)
        for name, value in secrets.items()
        for form in forms(value)
        if (at := content.find(form)) >= 0
    ]


def _bytes(places: Mapping[str, bytes | str]) -> Iterable[tuple[str, bytes]]:
    return ((place, content.encode(errors="surrogateescape") if isinstance(content, str) else content) for place, content in places.items())
