"""`innkeeper agents`: who answers an organisation's conversations."""

from typing import TYPE_CHECKING, Annotated

import typer

from host.cli import choice, figures, lookup
from host.cli.options import DEFAULT_DATA, DataFolder, JsonFlag, Organization, examples, place
from host.cli.output import console, one_line, print_json, table

if TYPE_CHECKING:
    from pathlib import Path

    from stores.agents import Agent
    from stores.statement import Connection

EXAMPLES = examples("innkeeper agents add Grace --org acme", "innkeeper agents away Ada --org acme", "innkeeper agents list --org acme")
LONGEST = 200
"""Characters of an agent's name."""

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="Add, list, rename and remove the agents of an organisation.", epilog=EXAMPLES
)
Who = Annotated[str, typer.Argument(metavar="AGENT", help="The agent's name, or its id where two have one name.")]


@app.command(epilog=examples("innkeeper agents add Grace --org acme"))
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As people know them.")],
    organization: Organization,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Add an agent, who is available from now on."""
    from stores import agents

    with lookup.changing(data) as connection:
        where = lookup.organization(connection, organization).id
        made = agents.add(connection, where, _free(connection, where, name))
    _tell(made, f"{made.name} is an agent of {where}, and available.", as_json)


@app.command("list", epilog=examples("innkeeper agents list --org acme"))
def list_agents(organization: Organization, data: DataFolder = DEFAULT_DATA, as_json: JsonFlag = False) -> None:
    """List the agents of an organisation, with what its settings name them for."""
    from stores import agents

    with lookup.reading(data) as connection:
        found = lookup.organization(connection, organization)
        settings, known = choice.settings_of(found), agents.all(connection, found.id)
    if as_json:
        print_json(known)
    elif known:
        rows = [(each.name, _state(each), ", ".join(choice.roles(settings, each.id)), each.id) for each in known]
        console().print(table("agent", "", "", "id", rows=rows))
    else:
        print(f"{found.id} has no agent: `innkeeper agents add NAME --org {found.id}` makes one.")


@app.command(epilog=examples('innkeeper agents rename Ada "Ada Lovelace" --org acme'))
def rename(
    agent: Who,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    organization: Organization,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Give an agent another name."""
    from msgspec.structs import replace

    from stores import agents

    with lookup.changing(data) as connection:
        found = lookup.agent(connection, organization, agent)
        made = replace(found, name=found.name if name.strip() == found.name else _free(connection, organization, name))
        agents.rename(connection, organization, made.id, made.name)
    _tell(made, f"{found.name} is called {made.name} now.", as_json)


@app.command(epilog=examples("innkeeper agents available Ada --org acme"))
def available(agent: Who, organization: Organization, data: DataFolder = DEFAULT_DATA, as_json: JsonFlag = False) -> None:
    """Let an agent get new conversations."""
    _set_available(data, organization, agent, True, as_json)


@app.command(epilog=examples("innkeeper agents away Ada --org acme"))
def away(agent: Who, organization: Organization, data: DataFolder = DEFAULT_DATA, as_json: JsonFlag = False) -> None:
    """Let an agent get no new conversations, but those that the organisation's settings name them for."""
    _set_available(data, organization, agent, False, as_json)


@app.command(epilog=examples("innkeeper agents remove Ada --org acme --reassign Bob"))
def remove(
    agent: Who,
    organization: Organization,
    reassign: Annotated[
        str | None, typer.Option("--reassign", metavar="AGENT", help="Who gets their conversations, and what the settings name them for.")
    ] = None,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Remove an agent. One with conversations, or that the settings name, needs another one who takes over."""
    from stores import agents

    with lookup.changing(data) as connection:
        found = lookup.agent(connection, organization, agent)
        heir = None if reassign is None else lookup.agent(connection, organization, reassign)
        moved = _hand_over(connection, organization, found, heir, data)
        agents.remove(connection, organization, found.id)
    taken = f" {heir.name} has their conversations ({moved})." if heir else ""
    if as_json:
        print_json({"id": found.id, "name": found.name, "removed": True, "conversations_moved": moved, "to": heir and heir.id})
    else:
        print(one_line(f"{found.name} is no agent of {organization} any more.{taken}"))


def _hand_over(connection: "Connection", organization: str, agent: "Agent", heir: "Agent | None", data: "Path") -> int:
    """Leaves nothing that refers to the agent; says how many conversations it moved. Raises `UsageError` where that takes an heir."""
    from host.model.errors import UsageError
    from stores import agents, organizations

    settings = choice.settings_of(lookup.organization(connection, organization))
    held = choice.roles(settings, agent.id)
    if heir is None:
        count = agents.conversations_of(connection, organization, agent.id)
        if not (count or held):
            return 0
        has = " and ".join(
            filter(None, [f"has {figures.number(count, 'conversation')}" if count else "", f"is {', '.join(held)}" if held else ""])
        )
        command = f"innkeeper agents remove {agent.id} --org {organization} --reassign AGENT{place(data)}"
        raise UsageError(f"{agent.name!r} {has}: name who takes over, with {command}")
    if heir.id == agent.id:
        raise UsageError(f"{agent.name!r} can't take over from themselves: --reassign takes another agent")
    if held:
        organizations.change_settings(connection, organization, choice.handed_over(settings, agent.id, heir.id))
    return agents.hand_over(connection, organization, agent.id, heir.id)


def _set_available(data: "Path", organization: str, agent: str, is_available: bool, as_json: bool) -> None:
    from msgspec.structs import replace

    from stores import agents

    with lookup.changing(data) as connection:
        found = lookup.agent(connection, organization, agent)
        agents.set_available(connection, organization, found.id, is_available)
    made = replace(found, available=is_available)
    _tell(made, f"{made.name} is {_state(made)}.", as_json)


def _free(connection: "Connection", organization: str, name: str) -> str:
    """The name, if it can be one and nobody has it. Raises `UsageError`."""
    from host.model.errors import UsageError
    from stores import agents

    name = name.strip()
    if not name or len(name) > LONGEST or not name.isprintable():
        raise UsageError(f"an agent's name has 1 to {LONGEST} printable characters, not {name[:100]!r}")
    if name in {each.name for each in agents.all(connection, organization)}:
        raise UsageError(f"organisation {organization!r} has an agent {name!r} already: choose a name that tells them apart")
    return name


def _state(agent: "Agent") -> str:
    return "available" if agent.available else "away"


def _tell(agent: "Agent", sentence: str, as_json: bool) -> None:
    if as_json:
        print_json(agent)
    else:
        print(one_line(sentence))
