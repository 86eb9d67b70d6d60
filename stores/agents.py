"""Agents, and which of them gets a new conversation."""

from msgspec import Struct, json
from sqlalchemy import bindparam, delete, func, insert, select, update

from host.model.errors import UsageError
from host.model.identifier import new_id
from stores import epoch
from stores.statement import Connection, Statement, Violation
from stores.tables import agents as table
from stores.tables import conversations, organizations


class Agent(Struct, frozen=True):
    """`position` orders the agents of an organisation, from 0 on."""

    id: str
    name: str
    available: bool
    position: int


class Choice(Struct, frozen=True, rename="camel"):
    """What an organisation's settings say about agents: the agent of each source (`channelAgents`), and that of all others."""

    channel_agents: dict[str, str] = {}
    default_agent: str | None = None


_a = table.c
_mine = _a.organization == bindparam("organization")
_ALL = Statement(select(_a.id, _a.name, _a.available, _a.position).where(_mine).order_by(_a.position, _a.id))
_INSERT = Statement(insert(table))
_NEXT_POSITION = Statement(select(func.coalesce(func.max(_a.position), -1) + 1).where(_mine))
_SET_AVAILABLE = Statement(update(table).where(_mine, _a.id == bindparam("agent_id")).values(available=bindparam("new_available")))
_RENAME = Statement(update(table).where(_mine, _a.id == bindparam("agent_id")).values(name=bindparam("new_name")))
_DELETE = Statement(delete(table).where(_mine, _a.id == bindparam("agent_id")))
_c = conversations.c
_talks = (_c.organization == bindparam("organization"), _c.agent_id == bindparam("agent_id"))
_CONVERSATIONS = Statement(select(func.count()).select_from(conversations).where(*_talks))
_HAND_OVER = Statement(update(conversations).where(*_talks).values(agent_id=bindparam("new_agent_id")))
_SETTINGS = Statement(select(organizations.c.settings).where(organizations.c.id == bindparam("organization")))
_choice = json.Decoder(Choice)


def add(connection: Connection, organization: str, name: str) -> Agent:
    """A new available agent behind the others. Raises `UsageError` when there is no such organisation."""
    (position,) = _NEXT_POSITION.rows(connection, organization=organization)[0]
    agent = Agent(new_id(), name, True, position)
    try:
        _INSERT.run(connection, organization=organization, id=agent.id, name=name, available=1, position=position)
    except Violation:
        raise UsageError(f"there is no organisation {organization!r}") from None
    epoch.bump(connection)
    return agent


def all(connection: Connection, organization: str) -> list[Agent]:
    """In the order of their positions."""
    return [
        Agent(agent_id, name, bool(available), position)
        for agent_id, name, available, position in _ALL.rows(connection, organization=organization)
    ]


def set_available(connection: Connection, organization: str, agent_id: str, available: bool) -> None:
    """Raises `UsageError` when there is no such agent."""
    if not _SET_AVAILABLE.run(connection, organization=organization, agent_id=agent_id, new_available=int(available)):
        raise UsageError(f"organisation {organization!r} has no agent {agent_id!r}")
    epoch.bump(connection)


def rename(connection: Connection, organization: str, agent_id: str, name: str) -> None:
    """Raises `UsageError` when there is no such agent."""
    if not _RENAME.run(connection, organization=organization, agent_id=agent_id, new_name=name):
        raise UsageError(f"organisation {organization!r} has no agent {agent_id!r}")
    epoch.bump(connection)


def conversations_of(connection: Connection, organization: str, agent_id: str) -> int:
    """How many conversations the agent has, closed ones too."""
    (count,) = _CONVERSATIONS.rows(connection, organization=organization, agent_id=agent_id)[0]
    return int(count)


def hand_over(connection: Connection, organization: str, agent_id: str, to: str) -> int:
    """Gives all conversations of an agent to another one, and says how many they are. Raises `Violation` when there is no such agent."""
    return _HAND_OVER.run(connection, organization=organization, agent_id=agent_id, new_agent_id=to)


def remove(connection: Connection, organization: str, agent_id: str) -> None:
    """Raises `UsageError` when there is no such agent, or it has conversations: see `hand_over`. Settings may name it still."""
    try:
        removed = _DELETE.run(connection, organization=organization, agent_id=agent_id)
    except Violation:
        raise UsageError(f"the agent {agent_id!r} of organisation {organization!r} has conversations: give them to another first") from None
    if not removed:
        raise UsageError(f"organisation {organization!r} has no agent {agent_id!r}")
    epoch.bump(connection)


def agent_for(connection: Connection, organization: str, source: str) -> str | None:
    """The agent that the settings name for that source, else their default agent, available or not; else the first available one."""
    row = _SETTINGS.row(connection, organization=organization)
    if row is None:
        return None
    choice = _choice.decode(row[0])
    agents = all(connection, organization)
    named = (choice.channel_agents.get(source), choice.default_agent)
    known = {agent.id for agent in agents}
    available = (agent.id for agent in agents if agent.available)
    return next((agent_id for agent_id in named if agent_id in known), None) or next(available, None)
