"""`innkeeper logs`."""

import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from host.cli import lines, lookup, moments
from host.cli.options import DEFAULT_DATA, DataFolder, JsonFlag, examples
from host.cli.output import print_json

if TYPE_CHECKING:
    from host.cli.following import Follower
    from stores.logs import LoggedLine

EXAMPLES = examples(
    "innkeeper logs --org acme --plugin whatsapp --level warn --since 1d",
    "innkeeper logs --follow",
    "innkeeper logs --grep 'timed? out' --json",
)
PAUSE_S = 0.5
"""Between two looks at a database that a server writes to."""
IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
RECENT = "1h"

Tell = Callable[["LoggedLine"], None]


def logs(
    organization: Annotated[str | None, typer.Option("--org", metavar="ORG", help="Of this organisation only.")] = None,
    plugin: Annotated[str | None, typer.Option("--plugin", metavar="PLUGIN", help="Of this plugin only.")] = None,
    level: Annotated[
        str | None, typer.Option("--level", metavar="LEVEL", help="Of this level and above: debug, info, warn or error.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Of requests since then: 30min, 1d, 2025-03-01T08:30. [dim]\\[default: 1h; with --follow, now][/dim]",
        ),
    ] = None,
    grep: Annotated[
        str | None, typer.Option("--grep", metavar="PATTERN", help="With a match of this regular expression in message or fields.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines as they come, until Ctrl-C.")] = False,
    data: DataFolder = DEFAULT_DATA,
    as_json: JsonFlag = False,
) -> None:
    """Print what plugins logged, the oldest request first; with --json one JSON object a line.

    The log of the host itself is what `innkeeper serve` writes to standard error.
    """
    from host.cli.following import Follower
    from host.model.identifier import first_id

    wanted = lines.Wanted.of(level, grep)
    begin = None if follow and since is None else first_id(moments.since(since or RECENT, moments.now()))

    def tell(line: "LoggedLine") -> None:
        if wanted.has(line):
            print_json(lines.as_data(line)) if as_json else print(lines.shown(line), flush=True)

    with closing(lookup.existing_database(data).read_connection()) as connection:
        where = None if organization is None else lookup.organization(connection, organization).id
        name = None if plugin is None else lookup.plugin(connection, plugin).name
        follower = Follower(connection, where, name, begin)
        _follow(follower, tell) if follow else _print(follower, tell)


def _print(follower: "Follower", tell: Tell) -> None:
    for line in follower.new():
        tell(line)


def _follow(follower: "Follower", tell: Tell) -> None:
    """Until Ctrl-C, which is how it is meant to end."""
    with suppress(KeyboardInterrupt):
        print("Following; Ctrl-C ends it.", file=sys.stderr, flush=True)
        while True:
            try:
                _print(follower, tell)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in IN_USE:
                    raise
            time.sleep(PAUSE_S)
