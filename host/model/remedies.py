"""What to do about what is missing, as the commands are spelled: one place, so that no message names one that is not there."""

from collections.abc import Iterable
from shlex import join


def grant(plugin: str, capabilities: str | Iterable[str], organization: str) -> str:
    """The command that gives grants, for a shell."""
    wanted = [capabilities] if isinstance(capabilities, str) else capabilities
    return join(["innkeeper", "grant", plugin, *wanted, "--org", organization])


def enable(plugin: str, organization: str) -> str:
    """The command that enables a plugin and closes its breaker, for a shell."""
    return join(["innkeeper", "enable", plugin, "--org", organization])


def set_secret(plugin: str, name: str, organization: str | None) -> str:
    """The command that sets a secret of an organisation's installation, or with None the plugin's own, for a shell."""
    return join(["innkeeper", "secrets", "set", plugin, name, *([] if organization is None else ["--org", organization])])


def unroute(plugin: str, key: str) -> str:
    """The command that takes a routing key away from its organisation, for a shell."""
    return join(["innkeeper", "orgs", "unroute", plugin, key])
