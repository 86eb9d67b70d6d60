"""`innkeeper orgs route` and `innkeeper orgs unroute`."""

from typing import Annotated

import typer

from host.cli import lookup
from host.cli.moments import now
from host.cli.options import DEFAULT_DATA, DataFolder, JsonFlag, examples
from host.cli.output import one_line, print_json

ROUTE_EXAMPLES = examples("innkeeper orgs route acme whatsapp 106540352242922")
UNROUTE_EXAMPLES = examples("innkeeper orgs unroute whatsapp 106540352242922")
LONGEST = 512
"""Characters of a routing key."""

Key = Annotated[str, typer.Argument(metavar="KEY", help="What the provider calls the organisation: a phone number's id, a shop's domain.")]
Plugin = Annotated[str, typer.Argument(metavar="PLUGIN", help="The plugin's name.")]


def route(
    organization: Annotated[str, typer.Argument(metavar="ORG", help="The organisation's id.")],
    plugin: Plugin,
    key: Key,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Give an organisation a routing key: what comes for it on a plugin's shared URL is this organisation's.

    A key is one organisation's alone within a plugin. `innkeeper orgs show` lists them. So far they are only kept: this version answers no
    shared URLs yet.
    """
    from stores import routing_keys

    with lookup.changing(data) as connection:
        found = lookup.installation(connection, organization, plugin)
        routing_keys.assign(connection, found.organization, found.plugin, _checked(key), now())
    if as_json:
        print_json({"organization": found.organization, "plugin": found.plugin, "key": key})
    else:
        print(one_line(f"The routing key {key} of {found.plugin} is {found.organization}'s."))


def unroute(plugin: Plugin, key: Key, data: DataFolder = DEFAULT_DATA, as_json: JsonFlag = False) -> None:
    """Take a routing key away from the organisation that has it: what comes for it is nobody's then.

    It is its organisation's until then, also where the plugin was uninstalled meanwhile.
    """
    from stores import routing_keys

    with lookup.changing(data) as connection:
        owner = routing_keys.owner(connection, plugin, _checked(key))
        if owner is None:
            lookup.plugin(connection, plugin)
        routing_keys.remove(connection, plugin, key)
    if as_json:
        print_json({"organization": owner, "plugin": plugin, "key": key, "removed": True})
    else:
        print(one_line(f"The routing key {key} of {plugin} is {owner}'s no more."))


def _checked(key: str) -> str:
    """Raises `UsageError` where it can't be any."""
    from host.model.errors import UsageError

    if not key.strip() or len(key) > LONGEST or not key.isprintable():
        raise UsageError(f"a routing key has 1 to {LONGEST} printable characters, not {key[:100]!r}")
    return key
