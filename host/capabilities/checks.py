"""Checks of the arguments that guests pass. Each raises `HostError` `invalid`, which says which argument, and how."""

import re

from host.model.case import Case
from host.model.entry import Scope
from host.model.errors import invalid
from host.model.message import STATUS_RANK

TEXT_BYTES = 512
"""The longest key or id, in bytes of UTF-8."""
KIND_BYTES = 64
PROFILE_BYTES = 2048
LAST_MOMENT = 253_402_300_799_999
"""The end of the year 9999, in milliseconds: what dates can hold, and within a database's signed 64 bits."""
LARGEST_SIZE = 2**63 - 1

_SOURCE_ID = re.compile(r"[a-z0-9-]{1,64}")


def text(what: str, value: str, *, shortest: int = 1, longest: int = TEXT_BYTES) -> str:
    """`value`, when it has so many bytes of UTF-8. U+0000 is refused, since Postgres has no text with it."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise invalid(f"{what}: not UTF-8") from None
    if not shortest <= size <= longest:
        raise invalid(f"{what}: {size} bytes, {shortest} to {longest} are allowed")
    if "\0" in value:
        raise invalid(f"{what}: holds U+0000")
    return value


def optional_text(what: str, value: str | None, *, shortest: int = 1, longest: int = TEXT_BYTES) -> str | None:
    return None if value is None else text(what, value, shortest=shortest, longest=longest)


def scope(case: Case) -> Scope:
    """The scope that a guest means."""
    if case.name != "plugin":
        text(f"scope {case.name}", str(case.value))
    return Scope.of(case)


def between(what: str, value: int, lowest: int, highest: int) -> int:
    if not lowest <= value <= highest:
        raise invalid(f"{what}: {value}, {lowest} to {highest} are allowed")
    return value


def moment(what: str, value: int) -> int:
    """Milliseconds since 1970."""
    return between(what, value, 0, LAST_MOMENT)


def status(value: str) -> str:
    if value not in STATUS_RANK:
        raise invalid(f"status: not one of {', '.join(STATUS_RANK)}")
    return value


def source_id(value: str) -> str:
    if not _SOURCE_ID.fullmatch(value):
        raise invalid("id: a source's id has 1 to 64 lower-case letters, digits and hyphens")
    return value
