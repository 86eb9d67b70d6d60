"""Key-value data of this plugin in this organisation."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from plugin_sdk_py.api.host import call, host
from plugin_sdk_py.text import Json, dump, load, optional, text

__all__ = ["Entry", "Store"]

PAGE = 200


class Entry(NamedTuple):
    """`version` is opaque and changes with every write."""

    key: str
    value: Json
    version: str


class Store:
    """Values are what JSON has. Grant: `store`. Reads see what the handler itself has written.

    `plugin.store` is the plugin's data in general; `plugin.store.customer(id)` and its like are the data of one thing, which goes when the
    thing goes. Raises everywhere `Denied` and `Invalid` (an empty key or one over 512 bytes, a value over 256 KiB).
    """

    def __init__(self, scope: str = "Plugin", subject: str | None = None) -> None:
        self._scope_name = scope
        self._subject = subject

    def workspace(self, id: str) -> "Store":
        return Store("Workspace", text(id, "id"))

    def task(self, id: str) -> "Store":
        return Store("Task", text(id, "id"))

    def conversation(self, id: str) -> "Store":
        return Store("Conversation", text(id, "id"))

    def customer(self, id: str) -> "Store":
        return Store("Customer", text(id, "id"))

    def get(self, key: str, default: Json = None) -> Json:
        """The value of `key`, or `default` where there is none."""
        entry = self.entry(key)
        return default if entry is None else entry.value

    def entry(self, key: str) -> Entry | None:
        """The value of `key` with its version."""
        found = call(host.store.get, self._scope(), text(key, "key"))
        return None if found is None else _lift(found)

    def set(self, key: str, value: Json) -> None:
        call(host.store.set, self._scope(), text(key, "key"), dump(value, "value"))

    def compare_and_set(self, key: str, value: Json, expected: str | None) -> None:
        """Sets only when the entry's version is `expected`; None: when there is no entry. Raises `Conflict`."""
        call(host.store.compare_and_set, self._scope(), text(key, "key"), dump(value, "value"), optional(expected, "expected"))

    def add(self, key: str, by: int = 1) -> None:
        """Adds to a whole number, which starts at zero. Never conflicts with what others add at the same time."""
        if not isinstance(by, int) or not -(2**63) <= by < 2**63:
            raise TypeError(f"by: a whole number of 64 bits is needed, not {by!r}")
        call(host.store.add, self._scope(), text(key, "key"), by)

    def delete(self, key: str) -> None:
        """Deleting what is not there is no error."""
        call(host.store.delete, self._scope(), text(key, "key"))

    def scan(self, prefix: str = "") -> Iterator[Entry]:
        """Every entry whose key starts with `prefix`, in the order of the keys' UTF-8 bytes, read page by page."""
        cursor: str | None = None
        while True:
            page = call(host.store.scan, self._scope(), text(prefix, "prefix"), cursor, PAGE)
            yield from map(_lift, page.entries)
            cursor = page.next
            if cursor is None:
                return

    def _scope(self) -> Any:
        kind = getattr(host.store, f"Scope_{self._scope_name}")
        return kind() if self._subject is None else kind(self._subject)


def _lift(record: Any) -> Entry:
    return Entry(record.key, load(record.value), record.version)
