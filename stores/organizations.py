"""Organisations: each has its own copy of everything."""

import re

from msgspec import MsgspecError, Struct, json
from sqlalchemy import Table, bindparam, delete, insert, select, tuple_, update

from host.model.errors import UsageError
from stores import agents, epoch
from stores.statement import Connection, Statement, Violation
from stores.tables import conversations, customers, dedupe_keys, deliveries, installations, messages, store_entries
from stores.tables import organizations as table

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Organization(Struct, frozen=True):
    """`settings` is a JSON object as text: see `agents.Choice` for what is read from it."""

    id: str
    settings: str
    created_at: int


_o = table.c
_SELECT = select(_o.id, _o.settings, _o.created_at)
_ONE = Statement(_SELECT.where(_o.id == bindparam("organization")))
_ALL = Statement(_SELECT.order_by(_o.id))
_INSERT = Statement(insert(table))
_SET_SETTINGS = Statement(update(table).where(_o.id == bindparam("organization")).values(settings=bindparam("new_settings")))
_DELETE = Statement(delete(table).where(_o.id == bindparam("organization")))
_STOP = Statement(delete(installations).where(installations.c.organization == bindparam("organization")))


def _some(of: Table) -> Statement:
    """Deletes a part of what an organisation has in a table."""
    mine = of.c.organization == bindparam("organization")
    keys = [column for column in of.primary_key.columns if column.name != "organization"]
    some = select(*keys).where(mine, keys[0] >= bindparam("least")).limit(bindparam("limit"))
    return Statement(delete(of).where(mine, tuple_(*keys).in_(some)))


_PARTS = tuple(_some(of) for of in (deliveries, messages, conversations, customers, dedupe_keys, store_entries))
"""Of the tables that grow with what comes in, so that what refers to another goes before it."""


def create(connection: Connection, organization: str, at: int) -> Organization:
    """Raises `UsageError` when the id is no slug, or taken."""
    check_id(organization)
    try:
        _INSERT.run(connection, id=organization, settings="{}", created_at=at)
    except Violation:
        raise UsageError(f"organisation {organization!r} exists already: `innkeeper orgs show {organization}` shows it") from None
    epoch.bump(connection)
    return Organization(organization, "{}", at)


def check_id(organization: str) -> None:
    """Raises `UsageError` when it can't be one."""
    if not SLUG.fullmatch(organization):
        raise UsageError(f"not an organisation's id: {organization!r}; use lower-case letters, digits and hyphens, at most 63 of them")


def get(connection: Connection, organization: str) -> Organization | None:
    row = _ONE.row(connection, organization=organization)
    return None if row is None else Organization(*row)


def all(connection: Connection) -> list[Organization]:
    """In the order of their ids."""
    return [Organization(*row) for row in _ALL.rows(connection)]


def change_settings(connection: Connection, organization: str, settings: str) -> None:
    """Replaces the settings, a JSON object as text. Raises `UsageError` when they are none, or name an agent that is not there."""
    known = {agent.id for agent in agents.all(connection, organization)}
    try:
        choice = json.decode(settings, type=agents.Choice)
    except (MsgspecError, UnicodeEncodeError) as error:
        raise UsageError(f"organisation {organization!r}: settings: {error}") from None
    unknown = {*choice.channel_agents.values(), choice.default_agent} - known - {None}
    if unknown:
        raise UsageError(f"organisation {organization!r} has no agent {', '.join(sorted(map(repr, unknown)))}")
    if not _SET_SETTINGS.run(connection, organization=organization, new_settings=settings):
        raise UsageError(f"there is no organisation {organization!r}")
    epoch.bump(connection)


def stop(connection: Connection, organization: str) -> None:
    """Removes its installations and their secrets: nothing new comes in from then on."""
    _STOP.run(connection, organization=organization)
    epoch.bump(connection)


def remove_some(connection: Connection, organization: str, limit: int) -> bool:
    """Removes at most `limit` rows of what came in for it, with what belongs to these; whether there were any."""
    return any(part.run(connection, organization=organization, least="", limit=limit) for part in _PARTS)


def remove(connection: Connection, organization: str) -> None:
    """Removes it with everything that is left of its own: first `stop` and `remove_some`, or it holds the database for long.

    Raises `UsageError` when there is no such organisation.
    """
    if not _DELETE.run(connection, organization=organization):
        raise UsageError(f"there is no organisation {organization!r}")
    epoch.bump(connection)
