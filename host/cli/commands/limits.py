"""`innkeeper limits`. Its options are made of the limits that there are, so that none is missing."""

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer

from host.cli import units
from host.cli.options import DEFAULT_DATA, CacheFolder, DataFolder, JsonFlag, cache_folder, examples
from host.cli.output import console, print_json, progress, table
from host.model.errors import UsageError
from host.model.limits import LIMITS, Limits, tag

if TYPE_CHECKING:
    from host.runtime.limiting import Shown

EXAMPLES = examples(
    "innkeeper limits whatsapp",
    "innkeeper limits whatsapp --memory 64MiB --deadline 5s --calls-per-minute 600",
    "innkeeper limits whatsapp --org acme --fuel 5G --reset memory",
    "innkeeper limits whatsapp --org acme --fuel default",
)
DEFAULT = "default"
"""In place of a value: what it was before anybody chose."""
METAVARS = {"": "N", "bytes": "SIZE", "milliseconds": "TIME"}
PARSERS = {"": units.count, "bytes": units.size, "milliseconds": units.duration_ms}
FIELDS = {tag(name): name for name in LIMITS}


def limits(
    plugin: Annotated[str, typer.Argument(metavar="PLUGIN", help="The plugin's name.")],
    organization: Annotated[
        str | None, typer.Option("--org", metavar="ORG", help="This organisation's copy alone; without it the plugin as a whole.")
    ] = None,
    reset: Annotated[
        list[str] | None, typer.Option("--reset", metavar="LIMIT", help="Forget what was chosen for a limit; as --LIMIT default.")
    ] = None,
    data: DataFolder = DEFAULT_DATA,
    cache: CacheFolder = None,
    as_json: JsonFlag = False,
    **given: str | None,
) -> None:
    """Show the limits of a plugin and whose choice each is, or choose some of them.

    What is chosen for the plugin holds in every organisation that has no choice of its own. A server that runs on the same data directory
    is under it at the next call. A value that can't work is refused, with what would be enough.
    """
    from contextlib import closing

    from host.cli.data import existing
    from host.cli.loop import run
    from host.runtime import limiting
    from host.runtime.components import Components
    from host.runtime.runtime import open_stores
    from host.sandbox.cache import Cache

    wanted = limiting.Change(plugin=plugin, organization=organization, **_wanted(given, reset or []))
    directory = existing(data)
    database, _ = open_stores(directory)
    if wanted.values or wanted.reset:
        components = Components(directory.components, Cache(cache_folder(cache) / "artefacts"))
        with progress() as tell:
            run(limiting.change(database, components, wanted, tell))
    with closing(database.read_connection()) as connection:
        shown = limiting.show(connection, plugin, organization)
    _print(plugin, organization, shown, as_json)


def _wanted(given: dict[str, str | None], reset: list[str]) -> dict[str, Any]:
    """The values by field, and the fields to reset."""
    chosen = {name: text for name, text in given.items() if text is not None}
    if unknown := [name for name in reset if name not in FIELDS]:
        raise UsageError(f"--reset: there is no limit {unknown[0]!r}; the limits are: {', '.join(FIELDS)}")
    if both := [name for name in reset if FIELDS[name] in chosen]:
        raise UsageError(f"--reset {both[0]} and --{both[0]} can't both be: leave one of them out")
    values = {name: PARSERS[LIMITS[name].unit](text, f"--{tag(name)}") for name, text in chosen.items() if text != DEFAULT}
    return {"values": values, "reset": frozenset(FIELDS[name] for name in reset) | (chosen.keys() - values.keys())}


def _print(plugin: str, organization: str | None, shown: "dict[str, Shown]", as_json: bool) -> None:
    if as_json:
        found = {name: {"value": each.value, "from": each.origin, **_bounds(name)} for name, each in shown.items()}
        print_json({"plugin": plugin, "organization": organization, "limits": found})
        return
    rows = [(tag(name), _text(name, each.value), each.origin, LIMITS[name].about) for name, each in shown.items()]
    console().print(table("limit", "value", "from", "", rows=rows, right=["value"]))


def _bounds(name: str) -> dict[str, Any]:
    limit = LIMITS[name]
    return {"least": limit.least, "most": limit.most, "unit": limit.unit}


def _text(name: str, value: int) -> str:
    """As the option takes it."""
    match LIMITS[name].unit:
        case "bytes":
            return units.size_text(value)
        case "milliseconds":
            return f"{value // 1000}s" if value % 1000 == 0 else f"{value}ms"
        case _:
            return f"{value:_}"


def _options() -> list[inspect.Parameter]:
    defaults = Limits()
    return [_option(name, _text(name, getattr(defaults, name))) for name in LIMITS]


def _option(name: str, default: str) -> inspect.Parameter:
    limit = LIMITS[name]
    help = f"{limit.about[0].upper()}{limit.about[1:]}. [dim]\\[default: {default}][/dim]"
    option = typer.Option(f"--{tag(name)}", metavar=METAVARS[limit.unit], rich_help_panel="Limits", help=help)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option])


_signature = inspect.signature(limits)
limits.__signature__ = _signature.replace(  # type: ignore[attr-defined]  # what typer makes the options of
    parameters=[each for each in _signature.parameters.values() if each.kind is not each.VAR_KEYWORD] + _options()
)
