"""Log lines of plugins in the order of deliveries, and new ones as they are committed beside a running server.

No transaction stays open while somebody reads what was printed: the write-ahead log of the server would grow meanwhile.
"""

from collections.abc import Iterator
from heapq import merge
from typing import TYPE_CHECKING

from host.cli.moments import now
from host.model.identifier import first_id

if TYPE_CHECKING:
    from stores.logs import LoggedLine
    from stores.statement import Connection

SLACK_MS = 60_000
"""Beyond the longest deadline: for a commit that waits for the disk, or a clock that is set back a little."""
PAGE = 200
"""Deliveries that are looked up at once."""


class Follower:
    """Lines of one organisation, or of all; of one plugin, or of all. `connection` only reads.

    Deliveries are committed in another order than that of their ids: an id is of the receipt, and its commit may come as much later as
    the call's deadline allows. So each look goes over the ids of that time before the last look as well, and passes over what it has seen.

    With `after`, an id, the first look has everything from there on. With None it has what is committed from now on.
    """

    def __init__(self, connection: "Connection", organization: str | None, plugin: str | None, after: str | None) -> None:
        self._connection = connection
        self._organization, self._plugin = organization, plugin
        self._least = after or ""
        self._seen: set[tuple[str, str]] = set()
        self._version, self._epoch, self._longest_ms = -1, -1, 0
        self._begin = self._least or self._window(now())
        if after is None:
            for _ in self.new():
                pass

    def new(self) -> "Iterator[LoggedLine]":
        """What was committed since the last look that came to its end. One that fails half way begins again where it was."""
        at, version = now(), self._data_version()
        if version == self._version:
            return
        begin = self._window(at)
        each = [self._deliveries(organization, self._begin) for organization in self._organizations()]
        for delivery_id, organization, lines in merge(*each, key=lambda delivery: delivery[:2]):
            if delivery_id > begin:
                self._seen.add((organization, delivery_id))
            yield from lines
        self._seen = {delivery for delivery in self._seen if delivery[1] > begin}
        self._version, self._begin = version, begin

    def _deliveries(self, organization: str, after: str) -> "Iterator[tuple[str, str, list[LoggedLine]]]":
        """Those that were not seen yet. Each statement ends before anything is handed out."""
        from stores import logs

        while ids := logs.delivery_ids(self._connection, organization, self._plugin, after, PAGE):
            for delivery_id in ids:
                if (organization, delivery_id) not in self._seen:
                    yield delivery_id, organization, logs.of_delivery(self._connection, organization, delivery_id)
            after = ids[-1]

    def _window(self, at: int) -> str:
        """Below every id that can be committed after the moment `at`, which is now."""
        return max(self._least, first_id(at - self._longest_deadline() - SLACK_MS))

    def _longest_deadline(self) -> int:
        """Of all installations, ever since this began: a call runs on under the limits that it began with."""
        from stores import epoch, installations

        current = epoch.read(self._connection)
        if current != self._epoch:
            deadlines = [found.limits.deadline_ms for found in installations.load_all(self._connection, None)]
            self._epoch, self._longest_ms = current, max([self._longest_ms, *deadlines])
        return self._longest_ms

    def _organizations(self) -> list[str]:
        from stores import organizations

        known = [each.id for each in organizations.all(self._connection)]
        return [each for each in known if self._organization in (None, each)]

    def _data_version(self) -> int:
        """Another number once another connection has committed (https://sqlite.org/pragma.html#pragma_data_version)."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)
