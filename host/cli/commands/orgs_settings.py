"""`innkeeper orgs settings`."""

from typing import TYPE_CHECKING, Annotated

import typer

from host.cli import choice, lookup, pairs
from host.cli.options import DEFAULT_DATA, DataFolder, JsonFlag, examples
from host.cli.output import console, print_json, table

if TYPE_CHECKING:
    from stores.organizations import Organization
    from stores.statement import Connection

EXAMPLES = examples(
    "innkeeper orgs settings acme",
    "innkeeper orgs settings acme --default-agent Ada --channel-agent whatsapp=Bob",
    "innkeeper orgs settings acme --unset default-agent --unset channel-agent=whatsapp",
)
OF_DEFAULT, OF_CHANNEL = "default-agent", "channel-agent="
"""What `--unset` takes: as the options are called that set it."""


def settings(
    organization: Annotated[str, typer.Argument(metavar="ORG", help="The organisation's id.")],
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel-agent", metavar="SOURCE=AGENT", help="Gets the new conversations of that source. An agent's id or name."),
    ] = None,
    default: Annotated[
        str | None, typer.Option("--default-agent", metavar="AGENT", help="Gets those of all other sources. An agent's id or name.")
    ] = None,
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="NAME", help="Take one away: default-agent, or channel-agent=SOURCE.")
    ] = None,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Set which agents get an organisation's new conversations; show it where nothing is to be set.

    Without an agent of its own a source has the default agent, and without that the first who is available. Who is named here gets them
    away or not.
    """
    from stores import agents

    channels = pairs.named("--channel-agent", channel or [])
    changes = bool(channels or unset or default is not None)
    with lookup.changing(data) if changes else lookup.reading(data) as connection:
        found = lookup.organization(connection, organization)
        if changes:
            found = _changed(connection, found, channels, default, unset or [])
        known, chosen = agents.all(connection, found.id), choice.settings_of(found)
    if as_json:
        print_json({"organization": found.id, "settings": chosen})
    else:
        console().print(table(f"new conversations of {found.id}", "go to", rows=choice.told(chosen, known)))


def _changed(
    connection: "Connection", found: "Organization", channels: dict[str, str], default: str | None, unset: list[str]
) -> "Organization":
    """The organisation with its new settings. Raises `UsageError` for what can't be, before anything is written."""
    from stores import organizations

    before = choice.settings_of(found)
    named: dict[str, str | None] = {source: lookup.agent(connection, found.id, agent).id for source, agent in channels.items()}
    chosen: dict[str, str | None] = {} if default is None else {choice.DEFAULT: lookup.agent(connection, found.id, default).id}
    _require_sources(connection, found.id, channels)
    for name in unset:
        _take(name, before[choice.CHANNELS], named, chosen)
    organizations.change_settings(connection, found.id, choice.changed(before, named, chosen))
    return lookup.organization(connection, found.id)


def _require_sources(connection: "Connection", organization: str, channels: dict[str, str]) -> None:
    from stores import sources

    known = [each.id for each in sources.all(connection, organization)]
    for source in channels:
        if source not in known:
            nothing = "a plugin with a channel brings one along"
            raise lookup.unknown(f"organisation {organization!r} has no source", source, known, nothing=nothing)


def _take(name: str, known: dict[str, str], named: dict[str, str | None], chosen: dict[str, str | None]) -> None:
    """Notes what `--unset` names in what is to be changed. Raises `UsageError` where it is set at the same time, or is nothing."""
    from host.model.errors import UsageError

    source = name.removeprefix(OF_CHANNEL)
    if named.get(source) if source != name else chosen.get(choice.DEFAULT):
        raise UsageError(f"--unset {name} and --{name.partition('=')[0]} contradict each other")
    if name == OF_DEFAULT:
        chosen[choice.DEFAULT] = None
    elif source != name and source in known:
        named[source] = None
    else:
        there = [OF_DEFAULT, *(f"{OF_CHANNEL}{each}" for each in known)]
        raise lookup.unknown("--unset takes what is set, and there is nothing", name, there, nothing="")
