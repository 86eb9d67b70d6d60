"""`innkeeper plugins`."""

from typing import TYPE_CHECKING, Annotated

import typer

from host.cli import lookup
from host.cli.options import DEFAULT_DATA, DataFolder, JsonFlag, examples
from host.cli.output import console, print_json, table

if TYPE_CHECKING:
    from host.runtime.standings import Standing

EXAMPLES = examples("innkeeper plugins", "innkeeper plugins --org acme --json")

COLUMNS = ("organisation", "plugin", "version", "state", "waits for", "digest")
SHORT = 12
"""Characters of a digest that tell components apart for a person."""


def plugins(
    organization: Annotated[str | None, typer.Option("--org", metavar="ORG", help="Of this organisation only.")] = None,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """List the installed plugins: each organisation's version, whether it runs and if not why, and what it waits for.

    It waits for grants (see `innkeeper grant`) and for required secrets that are not set (see `innkeeper secrets`).
    """
    from host.runtime.standings import standings

    with lookup.reading(data) as connection:
        where = None if organization is None else lookup.organization(connection, organization).id
        found = standings(connection, where)
    if as_json:
        print_json(found)
    elif found:
        console().print(table(*COLUMNS, rows=map(row, found)))
    else:
        print("No plugin is installed: see `innkeeper install --help`.")


def row(standing: "Standing") -> tuple[str, ...]:
    """A line of the list."""
    state = standing.state if standing.reason is None else f"{standing.state} ({standing.reason})"
    waits = ", ".join([*standing.waiting, *(f"secret {name}" for name in standing.missing_secrets)])
    return standing.organization, standing.plugin, standing.version, state, waits, standing.digest[:SHORT]
