"""What one check found."""

from typing import Literal

from msgspec import Struct, structs

State = Literal["ok", "warning", "wrong"]


class Finding(Struct, frozen=True, kw_only=True):
    """A sentence, and what to do about it. With a `warning` a host works, but perhaps not as somebody expects."""

    check: str = ""
    state: State
    says: str
    remedy: str = ""

    def named(self, check: str) -> "Finding":
        return structs.replace(self, check=check)


def ok(says: str) -> Finding:
    return Finding(state="ok", says=says)


def warning(says: str, remedy: str) -> Finding:
    return Finding(state="warning", says=says, remedy=remedy)


def wrong(says: str, remedy: str) -> Finding:
    return Finding(state="wrong", says=says, remedy=remedy)
