"""What an organisation's settings say of its agents: who gets the new conversations of a source, and who those of all others."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stores.agents import Agent
    from stores.organizations import Organization

CHANNELS, DEFAULT = "channelAgents", "defaultAgent"


def settings_of(organization: "Organization") -> dict[str, Any]:
    """All settings, what is not about agents too. An agent that is not given is not there."""
    from msgspec.json import decode

    found = decode(organization.settings, type=dict[str, Any])
    return {**found, CHANNELS: found.get(CHANNELS) or {}, DEFAULT: found.get(DEFAULT)}


def changed(settings: dict[str, Any], channels: dict[str, str | None], default: dict[str, str | None]) -> str:
    """The settings with other agents, as text: sources by their names, and `DEFAULT` in `default`. None takes one away."""
    from msgspec.json import encode

    kept = {source: agent for source, agent in (settings[CHANNELS] | channels).items() if agent is not None}
    chosen = default.get(DEFAULT, settings[DEFAULT])
    others = {name: value for name, value in settings.items() if name not in (CHANNELS, DEFAULT)}
    return encode(others | ({CHANNELS: kept} if kept else {}) | ({DEFAULT: chosen} if chosen else {})).decode()


def roles(settings: dict[str, Any], agent_id: str) -> list[str]:
    """What the settings name the agent for, in words."""
    default = ["the default agent"] if settings[DEFAULT] == agent_id else []
    return [*default, *(f"the agent of {source}" for source, agent in sorted(settings[CHANNELS].items()) if agent == agent_id)]


def handed_over(settings: dict[str, Any], agent_id: str, to: str) -> str:
    """The settings with another agent wherever they name this one, as text."""
    channels: dict[str, str | None] = {source: to for source, agent in settings[CHANNELS].items() if agent == agent_id}
    return changed(settings, channels, {DEFAULT: to} if settings[DEFAULT] == agent_id else {})


def told(settings: dict[str, Any], agents: "list[Agent]") -> list[tuple[str, str]]:
    """Who gets new conversations, in words: of each source, and of the others."""
    names = {agent.id: agent.name for agent in agents}
    first = next((agent.name for agent in agents if agent.available), None)
    rest = names.get(settings[DEFAULT] or "") or (f"{first} (the first available)" if first else "nobody")
    return [*((source, names.get(agent, agent)) for source, agent in sorted(settings[CHANNELS].items())), ("all others", rest)]
