"""Values given as NAME=VALUE on the command line."""

import sys
from collections.abc import Callable
from typing import BinaryIO

from host.model.errors import UsageError

LARGEST = 16 * 1024 * 1024
"""Bytes that are read: more is the wrong file."""
SHORTEST = 4
"""Characters of a secret: what is shorter can't be masked."""
LONGEST = 64 * 1024
"""Bytes of a secret: more is the wrong file."""


def settings(given: list[str]) -> dict[str, str]:
    """Values by name. Raises `UsageError` where one is no NAME=VALUE or a name comes twice."""
    return _pairs("--set", given, lambda name, value: value)


def secrets(given: list[str]) -> dict[str, str]:
    """As settings; `NAME=@FILE` reads a file, `NAME=@-` standard input, without one line end at the end."""
    if sum(pair.endswith("=@-") for pair in given) > 1:
        raise UsageError("standard input holds one secret: give the others as NAME=@FILE")
    return _pairs("--secret", given, _secret)


def named(option: str, given: list[str]) -> dict[str, str]:
    """Values by name, for an option that is called so. Raises `UsageError` as `settings` does."""
    return _pairs(option, given, lambda name, value: value)


def headers(given: list[str]) -> list[tuple[str, str]]:
    """`Name: value` pairs, names in lower case."""
    split = [pair.partition(":") for pair in given]
    if wrong := [pair for pair, (name, colon, _) in zip(given, split, strict=True) if not (colon and name.strip())]:
        raise UsageError(f"--header takes NAME:VALUE, and {len(wrong)} of {len(given)} have no name")  # not which: it may be a token
    return [(name.strip().lower(), value.strip()) for name, _, value in split]


def _pairs(option: str, given: list[str], value_of: Callable[[str, str], str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in given:
        name, separator, value = pair.partition("=")
        if not (separator and name):
            raise UsageError(f"{option} takes NAME=VALUE" + (f", not {pair!r}" if option != "--secret" else ""))
        if name in found:
            raise UsageError(f"{option} {name} comes twice")
        found[name] = value_of(name, value)
    return found


def content(what: str, given: str) -> bytes:
    """What was typed, or with `@FILE` what a file holds, or with `@-` standard input. Raises `UsageError`."""
    return _read(what, given[1:]) if given.startswith("@") else given.encode(errors="surrogateescape")


def secret(name: str, typed: bytes, *, of_file: bool) -> str:
    """A secret's value. Of a file one line end at the end is dropped: it is an editor's, not the secret's. Raises `UsageError`."""
    try:
        value = typed.decode()
    except UnicodeDecodeError:
        raise UsageError(f"the secret {name} is not text (UTF-8)") from None
    if of_file:
        value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise UsageError(f"the secret {name} is empty")
    if len(value) < SHORTEST:
        raise UsageError(f"the secret {name} has fewer than {SHORTEST} characters: nothing could keep that out of logs")
    if len(typed) > LONGEST:
        raise UsageError(f"the secret {name} has more than {LONGEST} bytes")
    return value


def secret_of_file(name: str, file: str) -> str:
    """The same, of what a file holds, or with `-` standard input."""
    return secret(name, _read(f"secret {name}", file), of_file=True)


def _secret(name: str, value: str) -> str:
    return secret(name, content(f"secret {name}", value), of_file=value.startswith("@"))


def _read(what: str, file: str) -> bytes:
    try:
        if file == "-":
            return _limited(what, sys.stdin.buffer)
        with open(file, "rb") as opened:
            return _limited(what, opened)
    except OSError as error:
        # Not from where: a secret can begin with @ too.
        raise UsageError(f"can't read the {what} from the file that is named for it: {error.strerror}") from None


def _limited(what: str, file: BinaryIO) -> bytes:
    found = file.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise UsageError(f"the {what} has more than {LARGEST} bytes")
    return found
