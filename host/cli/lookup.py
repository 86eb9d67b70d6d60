"""What commands name: a data directory's database, and the organisations, plugins and agents in it.

What is not there is answered with what is: each function raises `UsageError` with the nearest name, or with those that there are.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from host.model.errors import UsageError

if TYPE_CHECKING:
    from host.model.installation import Installation
    from stores.agents import Agent
    from stores.database import Database
    from stores.organizations import Organization
    from stores.plugins import Plugin
    from stores.statement import Connection

LISTED = 10
"""Names that an error lists; where there are more, it says how many."""


def existing_database(data: Path) -> "Database":
    """The database of a data directory that is there, brought to this program's schema. Makes no directory, no key and no file."""
    from host.cli.data import existing
    from stores import inspection, schema
    from stores.database import Database

    database = Database(existing(data).database)
    inspection.refuse_foreign(database.path, shared=False)
    with closing(database.connect()) as connection:
        schema.upgrade(connection)
    return database


@contextmanager
def reading(data: Path) -> "Iterator[Connection]":
    """A connection to what is there, which shows one state to all its reads."""
    from stores.transaction import snapshot

    with closing(existing_database(data).read_connection()) as connection, snapshot(connection):
        yield connection


@contextmanager
def changing(data: Path) -> "Iterator[Connection]":
    """A connection with one transaction: what is raised within undoes all of it."""
    with existing_database(data).transaction() as connection:
        yield connection


def organization(connection: "Connection", name: str) -> "Organization":
    from stores import organizations as table

    known = {each.id: each for each in table.all(connection)}
    if name not in known:
        raise unknown("there is no organisation", name, known, nothing="there is none yet: `innkeeper orgs create NAME` makes one")
    return known[name]


def organizations(connection: "Connection", name: str | None) -> list[str]:
    """The ids of the organisation of that name alone, or with None of all."""
    from stores import organizations as table

    return [each.id for each in table.all(connection)] if name is None else [organization(connection, name).id]


def plugin(connection: "Connection", name: str) -> "Plugin":
    """The newest of that name that was ever installed, in whatever organisation."""
    from stores import plugins

    known = {each.name: each for each in reversed(plugins.all(connection))}
    if name not in known:
        raise unknown("there is no plugin", name, sorted(known), nothing="none was installed yet: see `innkeeper install --help`")
    return known[name]


def installation(connection: "Connection", organization_name: str, plugin_name: str) -> "Installation":
    """Enabled or not, without its secrets."""
    from stores import installations

    where = organization(connection, organization_name).id
    known = {each.plugin: each for each in installations.load_all(connection, None, where)}
    if plugin_name not in known:
        nothing = f"{where} has no plugin yet: see `innkeeper install --help`"
        raise unknown(f"organisation {where!r} has no plugin", plugin_name, known, nothing=nothing)
    return known[plugin_name]


def agent(connection: "Connection", organization_name: str, name_or_id: str) -> "Agent":
    """By its id, or by a name that no other agent of the organisation has."""
    from stores import agents

    where = organization(connection, organization_name).id
    known = agents.all(connection, where)
    found = [each for each in known if each.id == name_or_id] or [each for each in known if each.name == name_or_id]
    if len(found) > 1:
        ids = ", ".join(each.id for each in found)
        raise UsageError(f"organisation {where!r} has {len(found)} agents {name_or_id!r}: give one of their ids: {ids}")
    if not found:
        nothing = f"{where} has none yet: `innkeeper agents add NAME --org {where}` makes one"
        raise unknown(f"organisation {where!r} has no agent", name_or_id, [each.name for each in known], nothing=nothing)
    return found[0]


def unknown(what: str, name: str, known: Iterable[str], *, nothing: str) -> UsageError:
    """The error that says that there is no such thing, and what there is; `nothing` is said where there is none at all."""
    names = list(dict.fromkeys(known))
    near = get_close_matches(name, names, n=1)
    if near:
        return UsageError(f"{what} {name!r}: did you mean {near[0]!r}?")
    if not names:
        return UsageError(f"{what} {name!r}: {nothing}")
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return UsageError(f"{what} {name!r}: there is {', '.join(map(repr, names[:LISTED]))}{more}")
