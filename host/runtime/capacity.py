"""Live instances of all installations together: how many there may be, how much memory, and which one goes first.

Every instance is counted from the moment that it may start to the moment that it is closed, for its organisation and in total. Where there
are too many, the one that nobody used for longest goes: of the organisation for its own cap, of anybody for the total. One that is lent
never does.
"""

import time
from collections.abc import Callable

from host.model.errors import RequestError
from host.model.limits import MIB
from host.model.options import HostOptions
from host.sandbox.instance import Instance

Clock = Callable[[], float]


class NoPlace(RequestError):
    """There is no place for the call just now: no guest ran."""


class HostFull(NoPlace):
    """The host is full: it has as many live instances as it may have, and all are in use."""

    def __init__(self) -> None:
        super().__init__(503, "host.full", type(self).__doc__ or "")


class Account:
    """Instances that count together. `memory` is what was measured of each when it was last used, in bytes."""

    def __init__(self, most: int, most_memory: int) -> None:
        self.most = most
        self.most_memory = most_memory
        self.starting = 0
        self.memory = 0
        self.live: dict[Instance, int] = {}
        self.idle: dict[Instance, Room] = {}
        """The one that was used least recently comes first."""

    def __repr__(self) -> str:
        lent = len(self.live) - len(self.idle)
        figures = f"{lent} lent, {len(self.idle)} idle, {self.starting} starting"
        return f"{self.count} of {self.most} instances ({figures}), {self.memory / MIB:.1f} of {self.most_memory / MIB:.0f} MiB"

    @property
    def count(self) -> int:
        return self.starting + len(self.live)

    @property
    def is_full(self) -> bool:
        """Whether another one would be too many, or has no memory left."""
        return self.count >= self.most or self.memory >= self.most_memory

    def weigh(self, instance: Instance) -> None:
        """Counts an instance, or again one whose memory has changed."""
        self.memory += instance.weight - self.live.get(instance, 0)
        self.live[instance] = instance.weight

    def drop(self, instance: Instance) -> None:
        self.memory -= self.live.pop(instance, 0)
        self.idle.pop(instance, None)


class Capacity:
    """The accounts of all. `clock` gives seconds that never go back."""

    def __init__(self, options: HostOptions, clock: Clock = time.monotonic) -> None:
        self.clock = clock
        self.total = Account(options.max_instances, options.max_instance_memory)
        self._options = options
        self._organizations: dict[str, Account] = {}

    def __repr__(self) -> str:
        return f"<Capacity [{self.total!r}]>"

    def organization(self, organization: str) -> Account:
        if organization not in self._organizations:
            options = self._options
            self._organizations[organization] = Account(
                options.max_instances_per_organization, options.max_instance_memory_per_organization
            )
        return self._organizations[organization]

    def room(self, organization: str, channel: bool, evict: Callable[[Instance], None]) -> "Room":
        """The place of one pool. `evict` closes an idle instance of it."""
        idle_s = self._options.idle_channel_s if channel else self._options.idle_s
        return Room(self.clock, [self.organization(organization), self.total], idle_s, evict)

    def reap(self, now: float) -> None:
        """Closes what nobody has used for its time. `now` is on the clock."""
        for instance, room in list(self.total.idle.items()):
            if now - room.idle_since[instance] >= room.idle_s:
                room.evict(instance)


class Room:
    """What one pool's instances take. Its pool tells it of each start, loan, return and end."""

    def __init__(self, clock: Clock, accounts: list[Account], idle_s: float, evict: Callable[[Instance], None]) -> None:
        self.idle_s = idle_s
        self.evict = evict
        self.idle_since: dict[Instance, float] = {}
        self._clock = clock
        self._accounts = accounts

    def reserve(self) -> bool:
        """A place for an instance that starts, where idle ones may have to go for it; or False, where all that are live are in use."""
        for account in self._accounts:
            while account.is_full and account.idle:
                _evict_first(account)
            if account.is_full:
                return False
        for account in self._accounts:
            account.starting += 1
        return True

    def give_up(self) -> None:
        """What was reserved is not needed."""
        for account in self._accounts:
            account.starting -= 1

    def started(self, instance: Instance) -> None:
        """In the place that was reserved."""
        for account in self._accounts:
            account.starting -= 1
            account.weigh(instance)

    def lent(self, instance: Instance) -> None:
        """Taken from the idle ones."""
        self.idle_since.pop(instance, None)
        for account in self._accounts:
            account.idle.pop(instance, None)

    def idle(self, instance: Instance) -> None:
        """Returned. It may have grown: while there is too much memory in use, idle ones go, and it may be among them."""
        self.idle_since[instance] = self._clock()
        for account in self._accounts:
            account.weigh(instance)
            account.idle[instance] = self
        for account in self._accounts:
            while account.memory > account.most_memory and account.idle:
                _evict_first(account)

    def ended(self, instance: Instance) -> None:
        """Closed. Telling it twice is no error."""
        self.idle_since.pop(instance, None)
        for account in self._accounts:
            account.drop(instance)


def _evict_first(account: Account) -> None:
    instance, room = next(iter(account.idle.items()))
    room.evict(instance)
