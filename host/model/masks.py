"""Hides values in texts that somebody reads: as they are, and in the encodings that they come along in by mistake.

This is a net under what plugins write, not a wall: who is given a value and wants to tell it can always spell it in a way of his own.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

import msgspec

SHORTEST = 4
"""Characters. What is shorter is no secret, and masking it would garble every line."""

_ESCAPE = re.compile(r"%[0-9A-F]{2}")


class Masks:
    """Replaces values by `[secret NAME]`. Made once per set of values: a text then costs some 40 ns for each spelling of each."""

    __slots__ = ("_pairs",)

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        """Pairs of name and value."""
        found = {spelling: f"[secret {name}]" for name, value in values for spelling in _all_spellings(value) if len(spelling) >= SHORTEST}
        self._pairs = sorted(found.items(), key=lambda pair: -len(pair[0]))  # the longest first: one can be a part of another

    def __repr__(self) -> str:
        return f"<Masks [{len(self._pairs)} spellings of {', '.join(sorted({mask for _, mask in self._pairs})) or 'nothing'}]>"

    def __reduce__(self) -> str:
        raise TypeError("masks are made of secrets, and are not copied and not pickled")

    def masked(self, text: str) -> str:
        """The text without the values."""
        for spelling, mask in self._pairs:
            text = text.replace(spelling, mask)
        return text


def _all_spellings(value: str) -> Iterator[str]:
    """Of the value in every encoding, and of each of its lines as it is: what a guest prints comes line by line."""
    if len(value) < SHORTEST:
        return
    yield from _escaped(value)
    yield from _encoded(value)
    lines = {line.strip() for line in value.splitlines()}
    for line in lines | {line.removeprefix("whsec_") for line in lines}:  # of Standard Webhooks, which plugins cut off
        if len(line) >= SHORTEST:
            yield from _escaped(line)


def _escaped(text: str) -> Iterator[str]:
    """As it is, and as JSON and Python write it within quotes."""
    yield from (text, repr(text)[1:-1])
    for as_json in (msgspec.json.encode(text).decode()[1:-1], json.dumps(text)[1:-1]):
        yield from (as_json, as_json.replace("/", "\\/"))


def _encoded(text: str) -> Iterator[str]:
    data = text.encode("utf-8", "surrogatepass")
    units = text.encode("utf-16-be", "surrogatepass").hex()
    for digits in (units, units.upper()):
        yield "".join(f"\\u{digits[at : at + 4]}" for at in range(0, len(digits), 4))
    yield from (data.hex(), data.hex().upper(), repr(data)[2:-1])
    for percent in (quote(data), quote(data, safe=""), quote_plus(data)):
        yield from (percent, _ESCAPE.sub(lambda found: found[0].lower(), percent))
    yield from _base64(data)


def _base64(data: bytes) -> Iterator[str]:
    """Both alphabets, with and without padding; and within something longer, at each of the three places where a byte can begin."""
    whole = b64encode(data).decode()
    for standard in (whole, whole.rstrip("="), *(_within(data, before) for before in range(3))):
        yield from (standard, standard.translate({ord("+"): "-", ord("/"): "_"}))


def _within(data: bytes, before: int) -> str:
    """The characters that hold nothing but bits of `data`, with so many bytes before it."""
    first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
    return b64encode(bytes(before) + data).decode()[first:last]
