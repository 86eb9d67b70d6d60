"""The pools of all installations."""

import os
import time
from functools import partial

from host.model.installation import Installation
from host.runtime.capacity import Capacity
from host.runtime.components import Components
from host.runtime.configuration import Configuration
from host.runtime.pool import Pool
from host.sandbox.call import Call
from host.sandbox.instance import Instance
from host.sandbox.tape import Recording


class Pools:
    """One pool for each installation as it is configured now: no instance outlives a change of its configuration."""

    def __init__(self, components: Components, configuration: Configuration, capacity: Capacity) -> None:
        self._capacity = capacity
        self._components = components
        self._configuration = configuration
        self._pools: dict[tuple[str, str], tuple[Installation, Pool]] = {}

    def __repr__(self) -> str:
        pools = [f"{organization}/{plugin}: {pool!r}" for (organization, plugin), (_, pool) in self._pools.items()]
        return f"<Pools [{'; '.join([repr(self._capacity.total), *pools])}]>"

    def of(self, installation: Installation) -> Pool:
        """The pool of a current installation."""
        key = (installation.organization, installation.plugin)
        known = self._pools.get(key)
        if known is not None and known[0] is installation:
            return known[1]
        if known is not None:
            known[1].close()
        limits = installation.limits
        room = partial(self._capacity.room, installation.organization, installation.manifest.channel is not None)
        pool = Pool(limits.concurrent, partial(self._start, installation), limits.queue, room)
        self._pools[key] = (installation, pool)
        return pool

    def forget_changed(self) -> None:
        """Closes the idle instances of installations that are not what they were, or are no more.

        A pool that holds nothing goes without a look-up: there can be thousands, and a new one costs nothing.
        """
        for key, (installation, pool) in list(self._pools.items()):
            if pool.empty or self._configuration.installation(*key) is not installation:
                pool.close()
                del self._pools[key]

    def close(self) -> None:
        """Closes the instances that nobody uses."""
        for _, pool in self._pools.values():
            pool.close()
        self._pools.clear()

    async def _start(self, installation: Installation) -> Instance:
        component = await self._components.load(installation.digest)
        recording = Recording(os.urandom(32), time.time_ns() // 1_000_000)
        return await Instance.start(component, Call(installation.limits, recording))
