"""Asking an installed plugin at the stages of its life. What fails is recorded, and told to who asked."""

from host.model.errors import InnkeeperError
from host.model.manifest import LifecycleFunction
from host.runtime.lifecycle import LifecycleCall, move, now_ms, reason_of
from host.runtime.runtime import Runtime
from stores import conditions
from stores.conditions import Status


async def ask(
    runtime: Runtime, organization: str, plugin: str, function: LifecycleFunction, proposed: str | None = None
) -> InnkeeperError | None:
    """Why it failed. None where it did not, or there was nothing to ask: it is not enabled, or has nothing to do at that stage."""
    installation = runtime.installation(organization, plugin)
    if installation is None or function not in installation.manifest.lifecycle:
        return None
    try:
        await runtime.components.load(installation.digest)  # where that compiles, it takes longer than a call may
        run = await runtime.invoke(LifecycleCall(installation=installation, function=function, proposed=proposed))
    except InnkeeperError as error:
        return error
    return run.error


async def start(runtime: Runtime, organization: str, plugin: str) -> None:
    """Initialises an installation where that has not succeeded yet, and starts it: it is `running` then, or in `error`."""
    installation, condition = runtime.installation(organization, plugin), conditions.get(runtime.reads, organization, plugin)
    if installation is None or condition is None:
        return
    initialized = condition.initialized == installation.digest
    functions: list[LifecycleFunction] = ["start"] if initialized else ["initialize", "start"]
    for function in functions:
        if error := await ask(runtime, organization, plugin, function):
            return await _move(runtime, organization, plugin, "error", reason_of(function, error))
    await _move(runtime, organization, plugin, "running", None)


async def stop(runtime: Runtime, organization: str, plugin: str) -> InnkeeperError | None:
    """Lets an installation do what it has to before it ends. Why it failed, which holds nobody up."""
    if runtime.installation(organization, plugin) is None:
        return None
    await runtime.writer.commit(lambda connection: conditions.set_status(connection, organization, plugin, "stopping", None, now_ms()))
    return await ask(runtime, organization, plugin, "stop")


async def _move(runtime: Runtime, organization: str, plugin: str, status: Status, reason: str | None) -> None:
    await runtime.writer.commit(lambda connection: move(connection, organization, plugin, status, reason))
