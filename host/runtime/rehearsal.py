"""What a new version does before it is installed: it is asked in an instance of its own, and nothing is committed yet."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from host.model.effects import Effect
from host.model.errors import InnkeeperError
from host.model.installation import Installation
from host.model.manifest import LifecycleFunction
from host.runtime.capacity import Capacity, HostFull
from host.runtime.components import Components
from host.runtime.lifecycle import LifecycleCall
from host.runtime.run import Run
from host.runtime.runner import Runner
from host.sandbox.call import Call
from host.sandbox.component import Component
from host.sandbox.instance import Instance
from host.sandbox.tape import Recording


class Step(NamedTuple):
    """A call to make. `proposed` is for `validate-auth`."""

    function: LifecycleFunction
    proposed: str | None = None


class Rehearsal(NamedTuple):
    """The runs in their order, the last of which may have failed, and the effects to commit: those of the ones that did not."""

    runs: list[Run]
    effects: list[Effect]

    @property
    def failed(self) -> Run | None:
        return self.runs[-1] if self.runs and self.runs[-1].error else None


class Rehearsals:
    def __init__(self, components: Components, runner: Runner, capacity: Capacity) -> None:
        self._components = components
        self._runner = runner
        self._capacity = capacity

    async def rehearse(self, candidate: Installation, steps: Sequence[Step], earlier: Sequence[Effect]) -> Rehearsal:
        """Runs the steps in one new instance, until one fails. Each sees `earlier` and the effects of those before it."""
        rehearsal = Rehearsal([], [*earlier])
        if not steps:
            return rehearsal
        component = await self._components.load(candidate.digest)
        try:
            async with self._instance(component, candidate) as instance:
                await self._run_all(candidate, steps, component, instance, rehearsal)
        except InnkeeperError as error:
            rehearsal.runs.append(Run(_call(candidate, steps[0]), cold=True, error=error))
        return rehearsal

    @asynccontextmanager
    async def _instance(self, component: Component, candidate: Installation) -> AsyncIterator[Instance]:
        """Counted as any other. Raises `HostFull`, or why it does not start."""
        room = self._capacity.room(candidate.organization, False, Instance.close)
        if not room.reserve():
            raise HostFull
        try:
            instance = await Instance.start(component, Call(candidate.limits, Recording(os.urandom(32), _now())))
        except BaseException:  # boundary: whatever keeps it from starting, its place is free again
            room.give_up()
            raise
        room.started(instance)
        try:
            yield instance
        finally:
            room.ended(instance)
            instance.close()

    async def _run_all(
        self, candidate: Installation, steps: Sequence[Step], component: Component, instance: Instance, rehearsal: Rehearsal
    ) -> None:
        for step in steps:
            run = await self._run(_call(candidate, step), component, instance, rehearsal)
            rehearsal.runs.append(run)
            if run.error is not None:
                return
            rehearsal.effects[:] = run.effects

    async def _run(self, call: LifecycleCall, component: Component, instance: Instance, before: Rehearsal) -> Run:
        run = Run(call, cold=not before.runs)
        deadline_at = asyncio.get_running_loop().time() + call.installation.limits.deadline_ms / 1000
        await self._runner.run(run, component, instance, deadline_at, earlier=before.effects)
        return run


def _call(candidate: Installation, step: Step) -> LifecycleCall:
    return LifecycleCall(installation=candidate, function=step.function, proposed=step.proposed)


def _now() -> int:
    return time.time_ns() // 1_000_000
