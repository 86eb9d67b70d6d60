"""Runs a guest once for a request, and commits nothing."""

import os
from collections.abc import Callable, Sequence
from hashlib import blake2b

from host.capabilities.invocation import Invocation
from host.capabilities.reads import Platform
from host.model.effects import Effect
from host.model.errors import InnkeeperError
from host.runtime.ending import Ending
from host.runtime.exports import export
from host.runtime.run import Run
from host.sandbox.call import Call, ignore
from host.sandbox.component import Component
from host.sandbox.instance import Instance
from host.sandbox.tape import Recording


class Runner:
    """`environment` is `production` or `development`."""

    def __init__(self, platform: Platform, ending: Ending, environment: str = "production") -> None:
        self._platform = platform
        self._ending = ending
        self._environment = environment
        self._seed_key = os.urandom(32)

    async def run(
        self,
        run: Run,
        component: Component,
        instance: Instance,
        deadline_at: float,
        *,
        waits: Callable[[bool], None] = ignore,
        earlier: Sequence[Effect] = (),
    ) -> None:
        """Fills the run. What the guest does is in it, never raised.

        `deadline_at` is on the event loop's clock. `earlier` are effects that the guest sees as if they were committed.
        """
        request = run.request
        recording = Recording(self._seed(request.delivery_id), request.received_at)
        invocation = Invocation(
            request.installation, request.delivery_id, recording, self._platform, environment=self._environment, earlier=earlier
        )
        call = Call(request.installation.limits, recording, invocation, invocation.write_log, deadline_at, waits)
        try:
            async with self._ending.droppable():
                result = await instance.call(export(component, request.export), request.arguments(), call)
            run.value = request.value(result)
        except InnkeeperError as error:
            error.args = (request.installation.masks.masked(error.message),)
            run.fail(error)
        run.took(invocation, call.usage)

    def _seed(self, delivery_id: str) -> bytes:
        """Keys the delivery's random stream: the same at each of its runs, and known to nobody else."""
        return blake2b(delivery_id.encode(), key=self._seed_key, digest_size=32).digest()
