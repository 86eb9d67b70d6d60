"""`innkeeper grant` and `innkeeper revoke`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from host.cli import lookup
from host.cli.moments import now
from host.cli.options import DEFAULT_DATA, DataFolder, JsonFlag, Organization, examples, place
from host.cli.output import console, one_line, print_json, table

if TYPE_CHECKING:
    from host.model.installation import Installation

GRANT_EXAMPLES = examples(
    "innkeeper grant whatsapp --org acme",
    "innkeeper grant whatsapp messages.receive --org acme",
    "innkeeper grant whatsapp --all --org acme",
)
REVOKE_EXAMPLES = examples("innkeeper revoke whatsapp messages.receive --org acme")

Plugin = Annotated[str, typer.Argument(metavar="PLUGIN", help="The plugin's name.")]


def grant(
    plugin: Plugin,
    organization: Organization,
    capabilities: Annotated[list[str] | None, typer.Argument(metavar="CAPABILITY", help="What it may: as it asks for it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that the plugin asks for.")] = False,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Give a plugin capabilities that it asks for, or show what it has and what waits for your consent.

    Only what its manifest asks for, or implies by its routes and secrets, can be granted. A running server sees it at the next call.
    """
    from host.model.errors import UsageError

    wanted = capabilities or []
    if everything and wanted:
        raise UsageError("--all is every capability: give it alone, or name some")

    def granted(found: "Installation") -> frozenset[str]:
        wishes = [wish.name for wish in found.manifest.wishes()]
        for name in wanted:
            _require(name, wishes, f"{plugin} does not ask for", nothing="it asks for nothing")
        return found.grants | set(wishes if everything else wanted)

    _tell(_changed(data, organization, plugin, granted), data, as_json)


def revoke(
    plugin: Plugin,
    capabilities: Annotated[list[str], typer.Argument(metavar="CAPABILITY", help="What it may no longer.")],
    organization: Organization,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Take capabilities away from a plugin: its calls are denied from the next one on, and what runs now commits nothing under them."""

    def left(found: "Installation") -> frozenset[str]:
        known = [*dict.fromkeys([*sorted(found.grants), *(wish.name for wish in found.manifest.wishes())])]
        for name in capabilities:
            _require(name, known, f"{plugin} has no capability", nothing="it asks for nothing")
        return found.grants - set(capabilities)

    _tell(_changed(data, organization, plugin, left), data, as_json)


def _require(name: str, known: list[str], what: str, *, nothing: str) -> None:
    if name not in known:
        raise lookup.unknown(what, name, known, nothing=nothing)


def _changed(data: Path, organization: str, plugin: str, change: "Callable[[Installation], frozenset[str]]") -> "Installation":
    """The installation with its new grants. What changes nothing writes nothing."""
    from msgspec.structs import replace

    from stores import installations

    with lookup.changing(data) as connection:
        found = lookup.installation(connection, organization, plugin)
        grants = change(found)
        if grants != found.grants:
            installations.set_grants(connection, organization, plugin, grants, now())
    return replace(found, grants=grants)


def _tell(found: "Installation", data: Path, as_json: bool) -> None:
    """What it has and what waits, each with the plugin's reason."""
    from host.model import remedies

    wishes = {wish.name: wish.reason for wish in found.manifest.wishes()}
    granted = {name: wishes.get(name, "") for name in sorted(found.grants)}
    waiting = {name: reason for name, reason in wishes.items() if name not in granted}
    if as_json:
        print_json({"organization": found.organization, "plugin": found.plugin, "granted": _as_data(granted), "waiting": _as_data(waiting)})
        return
    if not granted and not waiting:
        print(f"{found.plugin} asks for nothing.")
        return
    rows = [(name, "granted", reason) for name, reason in granted.items()] + [(name, "waits", reason) for name, reason in waiting.items()]
    console().print(table("capability", f"in {found.organization}", "because", rows=rows))
    if waiting:
        print(one_line(f"To grant what waits: {remedies.grant(found.plugin, waiting, found.organization)}{place(data)}"))


def _as_data(wishes: dict[str, str]) -> list[dict[str, Any]]:
    return [{"name": name, "reason": reason} for name, reason in wishes.items()]
