"""Entries of the key-value store, as the interface `store` has them."""

from msgspec import Struct

from host.model.case import Case


class Entry(Struct, frozen=True):
    """`value` is JSON as text; `version` is opaque and changes with every write."""

    key: str
    value: str
    version: str


class EntryPage(Struct, frozen=True):
    entries: list[Entry]
    next: str | None


class Scope(Struct, frozen=True):
    """Whose data: `kind` is plugin, workspace, task, conversation or customer; `subject` is the thing's id, "" for the plugin."""

    kind: str
    subject: str = ""

    @classmethod
    def of(cls, case: Case) -> "Scope":
        return cls(case.name, str(case.value) if case.value is not None else "")
