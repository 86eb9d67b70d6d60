"""`innkeeper orgs`: organisations, each with its own copy of everything."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from host.cli import choice, lookup
from host.cli.commands import orgs_routing, orgs_settings, plugins
from host.cli.moments import now, shown
from host.cli.options import DEFAULT_DATA, DataFolder, JsonFlag, examples
from host.cli.output import console, one_line, print_json, table

if TYPE_CHECKING:
    from stores.statement import Connection

EXAMPLES = examples("innkeeper orgs create globex", "innkeeper orgs show acme", "innkeeper orgs settings acme --default-agent Ada")

PART = 1_000
"""Rows that are removed in one transaction: a server's commit waits for no more."""

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Make, show, set up and remove organisations.", epilog=EXAMPLES)
Name = Annotated[str, typer.Argument(metavar="ORG", help="The organisation's id.")]


@app.command(epilog=examples("innkeeper orgs create globex"))
def create(
    organization: Annotated[str, typer.Argument(metavar="ORG", help="Its id: lower-case letters, digits and hyphens.")],
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Make an organisation."""
    from stores import organizations

    with lookup.changing(data) as connection:
        made = organizations.create(connection, organization, now())
    if as_json:
        print_json({"id": made.id, "created_at": made.created_at})
    else:
        print(f"The organisation {made.id} is there: `innkeeper install PATH --org {made.id}` gives it a plugin.")


@app.command("list", epilog=examples("innkeeper orgs list", "innkeeper orgs list --json"))
def list_organizations(data: DataFolder = DEFAULT_DATA, as_json: JsonFlag = False) -> None:
    """List all organisations, with their plugins."""
    from stores import installations, organizations

    with lookup.reading(data) as connection:
        found = organizations.all(connection)
        plugins = {each.id: [one.plugin for one in installations.load_all(connection, None, each.id)] for each in found}
    if as_json:
        print_json([{"id": each.id, "created_at": each.created_at, "plugins": plugins[each.id]} for each in found])
    elif found:
        rows = [(each.id, shown(each.created_at), ", ".join(plugins[each.id])) for each in found]
        console().print(table("organisation", "made", "plugins", rows=rows))
    else:
        print("There is no organisation yet: `innkeeper orgs create NAME` makes one.")


@app.command(epilog=examples("innkeeper orgs show acme"))
def show(organization: Name, data: DataFolder = DEFAULT_DATA, as_json: JsonFlag = False) -> None:
    """Show an organisation: its plugins, its agents and who gets new conversations, its routing keys."""
    with lookup.reading(data) as connection:
        found = _everything(connection, organization)
    if as_json:
        print_json(found)
    else:
        _show(found)


@app.command(epilog=examples("innkeeper orgs remove acme --confirm acme"))
def remove(
    organization: Name,
    confirm: Annotated[str | None, typer.Option("--confirm", metavar="ORG", help="Its id once more: without it nothing happens.")] = None,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Remove an organisation with everything that is its own. It can't be had back.

    Its plugins, settings, secrets, stored data, agents, customers, conversations, messages, deliveries, routing keys and tokens go. A
    backup of the data directory is the only way back. The plugins go first, and the rest in parts, so that a running server serves the
    others meanwhile; where that is interrupted, the same command goes on.
    """
    from stores import organizations

    with lookup.changing(data) as connection:
        found = lookup.organization(connection, organization)
        _require_confirmed(connection, found.id, confirm)
        organizations.stop(connection, found.id)
    _empty(data, found.id)
    with lookup.changing(data) as connection:
        organizations.remove(connection, found.id)
    if as_json:
        print_json({"id": found.id, "removed": True})
    else:
        print(f"The organisation {found.id} is removed.")


def _require_confirmed(connection: "Connection", organization: str, confirm: str | None) -> None:
    """Raises `UsageError`, which says what would go."""
    from host.model.errors import UsageError
    from stores import installations

    if confirm == organization:
        return
    names = ", ".join(each.plugin for each in installations.load_all(connection, None, organization))
    raise UsageError(
        f"{organization} would go for good, with all its conversations, customers, deliveries, agents, tokens and plugins "
        f"({names or 'it has none'}): if that is what you want, say so with --confirm {organization}"
    )


def _empty(data: Path, organization: str) -> None:
    """In parts, and as long for others between them as each took."""
    from stores import organizations

    left = True
    while left:
        began = time.monotonic()
        with lookup.changing(data) as connection:
            left = organizations.remove_some(connection, organization, PART)
        time.sleep(time.monotonic() - began)


def _everything(connection: "Connection", name: str) -> dict[str, Any]:
    from host.runtime.standings import standings
    from stores import agents, routing_keys, sources

    found = lookup.organization(connection, name)
    return {
        "id": found.id,
        "created_at": found.created_at,
        "settings": choice.settings_of(found),
        "agents": agents.all(connection, found.id),
        "plugins": standings(connection, found.id),
        "sources": [{"id": each.id, "name": each.name} for each in sources.all(connection, found.id)],
        "routing_keys": routing_keys.all(connection, found.id),
    }


def _show(found: dict[str, Any]) -> None:
    out = console()
    out.print(one_line(f"{found['id']}, since {shown(found['created_at'])}"))
    rows = [plugins.row(each)[1:] for each in found["plugins"]]
    out.print(table(*plugins.COLUMNS[1:], rows=rows) if rows else "It has no plugin.")
    agents = [(each.name, "available" if each.available else "away", each.id) for each in found["agents"]]
    out.print(table("agent", "", "id", rows=agents) if agents else "It has no agent.")
    out.print(table("new conversations of", "go to", rows=choice.told(found["settings"], found["agents"])))
    if found["routing_keys"]:
        out.print(table("plugin", "routing key", "since", rows=[(e.plugin, e.key, shown(e.created_at)) for e in found["routing_keys"]]))


app.command("settings", epilog=orgs_settings.EXAMPLES)(orgs_settings.settings)
app.command("route", epilog=orgs_routing.ROUTE_EXAMPLES)(orgs_routing.route)
app.command("unroute", epilog=orgs_routing.UNROUTE_EXAMPLES)(orgs_routing.unroute)
