"""`innkeeper enable` and `innkeeper disable`."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host.cli.options import DEFAULT_DATA, CacheFolder, DataFolder, JsonFlag, examples
from host.cli.output import one_line, print_json
from host.model import remedies

if TYPE_CHECKING:
    from host.runtime.enable import Switched, SwitchedAsAWhole
    from host.runtime.runtime import Runtime

ENABLE_EXAMPLES = examples("innkeeper enable whatsapp --org acme", "innkeeper enable whatsapp")
DISABLE_EXAMPLES = examples("innkeeper disable whatsapp --org acme", "innkeeper disable whatsapp --json")

Name = Annotated[str, typer.Argument(metavar="PLUGIN", help="The plugin's name.")]
Of = Annotated[str | None, typer.Option("--org", metavar="ORG", help="For this organisation. Without it: for the plugin as a whole.")]


def enable(
    plugin: Name, organization: Of = None, data: DataFolder = DEFAULT_DATA, cache: CacheFolder = None, as_json: JsonFlag = False
) -> None:
    """Enable a plugin, and start it. With --org this also closes a breaker that opened after repeated failures.

    Without --org it lifts what `innkeeper disable PLUGIN` did; what each organisation chose stays. A plugin that fails to start is served
    all the same: the exit code is 1 then. A running server sees it at its next request.
    """
    from host.runtime import enable as switching

    _switch(plugin, organization, data, cache, as_json, switching.enable, switching.enable_as_a_whole)


def disable(
    plugin: Name, organization: Of = None, data: DataFolder = DEFAULT_DATA, cache: CacheFolder = None, as_json: JsonFlag = False
) -> None:
    """Disable a plugin: its requests are answered with 404, and it is told before. Its settings, secrets and data stay.

    Without --org that holds for all organisations, whatever each of them chose. A running server sees it at its next request.
    """
    from host.runtime import enable as switching

    _switch(plugin, organization, data, cache, as_json, switching.disable, switching.disable_as_a_whole)


def _switch(
    plugin: str,
    organization: str | None,
    data: Path,
    cache: Path | None,
    as_json: bool,
    one: "Callable[[Runtime, str, str], Awaitable[Switched]]",
    whole: "Callable[[Runtime, str], Awaitable[SwitchedAsAWhole]]",
) -> None:
    """For `one` organisation where it is named, else for the plugin as a `whole`."""
    from host.cli.operating import check_installed, check_plugin, operate

    if organization is None:
        check_plugin(data, plugin)
        _tell_all(operate(data, cache, lambda runtime: whole(runtime, plugin)), as_json)
    else:
        check_installed(data, organization, plugin)
        _tell(operate(data, cache, lambda runtime: one(runtime, organization, plugin)), as_json)


def _tell(found: "Switched", as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        state = "enabled" if found.enabled else "disabled"
        already = "" if found.changed else " already"
        print(one_line(f"{found.plugin} is {state}{already} in {found.organization}. {_status(found)}"))
        if found.enabled and not found.enabled_as_a_whole:
            print(one_line(f"It is disabled as a whole: `innkeeper enable {found.plugin}` lifts that."))
    raise typer.Exit(_code(found))


def _tell_all(found: "SwitchedAsAWhole", as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        already = "" if found.changed else " already"
        print(one_line(f"{found.plugin} is {'enabled' if found.enabled else 'disabled'}{already} as a whole."))
        for each in found.installations:
            print(one_line(f"  {each.organization}: {_status(each)}"))
            if found.enabled and not each.enabled:
                print(f"    It is disabled for {each.organization}: `{remedies.enable(each.plugin, each.organization)}` lifts that.")
    raise typer.Exit(max(map(_code, found.installations), default=0) if found.changed else 0)


def _status(found: "Switched") -> str:
    return f"Status: {found.status}" + (f" ({found.reason})" if found.reason else "")


def _code(found: "Switched") -> int:
    """1 where it is to run, and does not as it should."""
    return int(found.status == "error")
