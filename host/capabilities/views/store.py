"""Store entries as an invocation sees them."""

import re
from typing import TypeAlias, cast

from msgspec import Struct

from host.capabilities.views.base import Base
from host.model.effects import Effect, StoreAdd, StoreDelete, StoreSet
from host.model.entry import Entry, EntryPage, Scope
from host.model.errors import invalid
from host.model.size import fills, page_of

LOWEST, HIGHEST = -(2**63), 2**63 - 1
_INTEGER = re.compile(r"-?[0-9]{1,20}")


class Additions(Struct, frozen=True):
    """Additions to a value that the invocation did not write itself. `low` and `high` are the extremes that their running total reached."""

    total: int = 0
    low: int = 0
    high: int = 0
    version: str = ""

    def plus(self, by: int, version: str) -> "Additions":
        total = self.total + by
        return Additions(total, min(self.low, total), max(self.high, total), version)

    def onto(self, key: str, entry: Entry | None) -> Entry | None:
        """The entry after the additions. Raises `HostError` `invalid` where it holds no integer, or one of them leaves 64 bits."""
        if not self.version:
            return entry
        start = _integer(key, entry)
        if start + self.low < LOWEST or start + self.high > HIGHEST:
            raise invalid(f"store entry {key!r}: an addition leaves 64 bits")
        return Entry(key, str(start + self.total), self.version)


NOTHING = Additions()
Own: TypeAlias = Entry | Additions | None
"""What the invocation made of a key: an entry, none (deleted), or what is stored with additions."""


class StoreView:
    """Stored entries and own writes. The version of an own write is good within the invocation only: the stored one is made at commit."""

    def __init__(self, base: Base, delivery_id: str) -> None:
        self._base = base
        self._own: dict[tuple[Scope, str], Own] = {}
        self._touched: dict[Scope, set[str]] = {}
        self._delivery_id = delivery_id
        self._writes = 0

    def see(self, effect: Effect) -> None:
        match effect:
            case StoreSet(scope=scope, key=key, value=value):
                self._keep(scope, key, Entry(key, value, self._version()))
            case StoreAdd(scope=scope, key=key, by=by):
                self._keep(scope, key, self._added(scope, key, by))
            case StoreDelete(scope=scope, key=key):
                self._keep(scope, key, None)

    async def entry(self, scope: Scope, key: str) -> Entry | None:
        """Raises `HostError` `invalid` where own additions do not fit what is stored by now."""
        own = self._of(scope, key)
        return own.onto(key, await self._stored(scope, key)) if isinstance(own, Additions) else own

    async def scan(self, scope: Scope, prefix: str, after: str | None, limit: int) -> EntryPage:
        """A page in the order of the keys' UTF-8 bytes, shorter than `limit` where it is full; its `next` is a key, or None at the end."""
        own = self._overlay(scope, prefix, after)
        # Each own key hides at most one stored entry, so what is left after hiding fills the page and tells whether there is more.
        wanted = limit + 1 + len(own)
        base = self._base
        stored = await base.platform.store.entries(base.organization, base.plugin, scope, prefix, after, wanted)
        cut = len(stored) == wanted or fills(stored)
        if cut:
            own = {key: value for key, value in own.items() if key <= stored[-1].key}
        entries = _merged(stored, own)
        page = page_of(entries[:limit])
        if len(page) < len(entries):
            return EntryPage(page, page[-1].key)
        return EntryPage(page, stored[-1].key if cut else None)

    async def check_addition(self, scope: Scope, key: str, by: int) -> None:
        """Raises `HostError` `invalid` where the entry is no integer, or the addition leaves 64 bits. Not one of the invocation's reads."""
        own, base = self._known(scope, key), self._base
        if isinstance(own, Additions):
            own = own.onto(key, await base.platform.store.entry(base.organization, base.plugin, scope, key))
        NOTHING.plus(by, self._delivery_id).onto(key, own)

    async def stored_version(self, scope: Scope, key: str) -> str | None:
        entry = await self._stored(scope, key)
        return entry.version if entry else None

    def is_own(self, scope: Scope, key: str) -> bool:
        """Set or deleted by the invocation, so that nothing that is stored matters."""
        return not isinstance(self._of(scope, key), Additions)

    def is_added(self, scope: Scope, key: str) -> bool:
        """Added to by the invocation, on top of what is stored."""
        own = self._of(scope, key)
        return isinstance(own, Additions) and own is not NOTHING

    def _of(self, scope: Scope, key: str) -> Own:
        return self._own.get((scope, key), NOTHING)

    def _keep(self, scope: Scope, key: str, own: Own) -> None:
        self._own[scope, key] = own
        self._touch(scope, key)

    def _touch(self, scope: Scope, key: str) -> None:
        self._touched.setdefault(scope, set()).add(key)

    def _added(self, scope: Scope, key: str, by: int) -> Own:
        own = self._of(scope, key)
        version = self._version()
        return own.plus(by, version) if isinstance(own, Additions) else NOTHING.plus(by, version).onto(key, own)

    def _version(self) -> str:
        # With the delivery in it, so that a version kept in a guest's memory fits nothing of a later invocation.
        self._writes += 1
        return f"~{self._delivery_id}.{self._writes}"

    async def _stored(self, scope: Scope, key: str) -> Entry | None:
        base = self._base
        self._touch(scope, key)
        return await base.once(("entry", scope, key), lambda: base.platform.store.entry(base.organization, base.plugin, scope, key))

    def _overlay(self, scope: Scope, prefix: str, after: str | None) -> dict[str, Own]:
        """What a scan does not take from the store as it is now: keys that were written or read, so that it agrees with `entry`."""
        # Python compares strings by code point, which is the order of their UTF-8 bytes.
        keys = (key for key in self._touched.get(scope, ()) if key.startswith(prefix) and (after is None or key > after))
        return {key: self._known(scope, key) for key in keys}

    def _known(self, scope: Scope, key: str) -> Own:
        own, read = self._of(scope, key), ("entry", scope, key)
        if isinstance(own, Additions) and read in self._base.reads:
            return own.onto(key, cast(Entry | None, self._base.reads[read]))
        return own


def _merged(stored: list[Entry], own: dict[str, Own]) -> list[Entry]:
    entries: dict[str, Entry | None] = {entry.key: entry for entry in stored}
    for key, value in own.items():
        entries[key] = value.onto(key, entries.get(key)) if isinstance(value, Additions) else value
    return [entry for _, entry in sorted(entries.items()) if entry is not None]


def _integer(key: str, entry: Entry | None) -> int:
    """The integer that an entry holds, which starts at zero."""
    if entry is None:
        return 0
    if not _INTEGER.fullmatch(entry.value) or not LOWEST <= (number := int(entry.value)) <= HIGHEST:
        raise invalid(f"store entry {key!r}: not an integer of 64 bits")
    return number
