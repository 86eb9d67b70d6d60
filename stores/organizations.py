"""Organisations: each has its own copy of everything."""

import re

from msgspec import MsgspecError, Struct, json
from sqlalchemy import bindparam, delete, insert, select, update

from host.model.errors import UsageError
from stores import agents, epoch
from stores.statement import Connection, Statement, Violation
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


def create(connection: Connection, organization: str, at: int) -> Organization:
    """Raises `UsageError` when the id is no slug, or taken."""
    if not SLUG.fullmatch(organization):
        raise UsageError(f"not an organisation's id: {organization!r}; use lower-case letters, digits and hyphens, at most 63 of them")
    try:
        _INSERT.run(connection, id=organization, settings="{}", created_at=at)
    except Violation:
        raise UsageError(f"organisation {organization!r} exists") from None
    epoch.bump(connection)
    return Organization(organization, "{}", at)


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


def remove(connection: Connection, organization: str) -> None:
    """Removes it with everything that is its own. Raises `UsageError` when there is no such organisation."""
    if not _DELETE.run(connection, organization=organization):
        raise UsageError(f"there is no organisation {organization!r}")
    epoch.bump(connection)
