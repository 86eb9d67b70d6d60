"""The dedupe key of a verified request, where its route says what that is."""

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

from msgspec import MsgspecError, Raw
from msgspec.json import Decoder, encode

from host.model.dedupe import Claim
from host.model.manifest import Dedupe
from host.web.head import Pairs

LONGEST = 512
"""Bytes of a key. A header that has more is none; of a longer text or number in a body the digest is the key."""
WRITTEN_OUT = 40
"""Zeros at a number's end that are written as such."""

INDEX = re.compile(r"0|[1-9][0-9]*")
NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
_object = Decoder(dict[str, Raw])
_array = Decoder(list[Raw])
_text = Decoder(str)


def claim_of(rule: Dedupe, headers: Pairs, body: bytes) -> Claim | None:
    """What a request claims, or None where it has no key: then it is a request like any other. Header names are lower case.

    Call it for requests alone whose signature was right: whoever claims a key keeps others from it.
    """
    key = _in_header(rule.header.lower(), headers) if rule.header is not None else _in_body(rule.json or "", body)
    return None if key is None else Claim(key, sha256(body).digest())


def _in_header(wanted: str, headers: Pairs) -> str | None:
    """One value, as it came."""
    values = [value for name, value in headers if name == wanted]
    return values[0] if len(values) == 1 and 0 < len(values[0]) <= LONGEST else None


def _in_body(pointer: str, body: bytes) -> str | None:
    """The text or number at the pointer as JSON text: `"1"` and `1` are two keys, `1`, `1.0` and `10e-1` are one.

    Texts are compared as they are, without any normalisation of Unicode. What is longer is its digest, which is no JSON text.
    """
    try:
        body.decode()
        found = _canonical(_at(body, _steps(pointer)))
    except (MsgspecError, UnicodeDecodeError, RecursionError, LookupError):
        return None
    if found is None or len(found) <= LONGEST:
        return None if found is None else found.decode()
    return f"sha256:{sha256(found).hexdigest()}"


@lru_cache(maxsize=1024)
def _steps(pointer: str) -> tuple[str, ...]:
    """The reference tokens of a JSON Pointer (RFC 6901), unescaped: ~01 is ~1."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def _at(body: bytes, steps: Iterable[str]) -> bytes:
    """The JSON text of what the steps lead to; only what is on the way is decoded. Raises `LookupError` where they lead nowhere.

    Of members with the same name the last one counts, as for most that read JSON.
    """
    value = body.strip(b" \t\r\n")
    for step in steps:
        match value[:1]:
            case b"{":
                value = bytes(_object.decode(value)[step])
            case b"[" if INDEX.fullmatch(step):
                value = bytes(_array.decode(value)[int(step)])
            case _:
                raise LookupError(step)
    return value


def _canonical(value: bytes) -> bytes | None:
    """Of a text or number; None of anything else, and of the empty text."""
    if value[:1] == b'"':
        text = _text.decode(value)
        return encode(text) if text else None
    if number := NUMBER.fullmatch(value.decode()):
        return value if len(value) > LONGEST else _number(*number.groups("")).encode()
    return None


def _number(sign: str, whole: str, fraction: str, exponent: str) -> str:
    """Exact, whatever its size: digits without zeros at either end, and the power of ten behind them."""
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return "0"
    zeros = int(exponent or 0) - len(fraction) + len(digits) - len(significant)
    return f"{sign}{significant}{'0' * zeros}" if 0 <= zeros <= WRITTEN_OUT else f"{sign}{significant}e{zeros}"
