"""The interface `config`."""

from msgspec import Struct

from host.capabilities.invocation import Invocation
from host.capabilities.registry import function


class Identity(Struct, frozen=True):
    """WIT's `config.identity`: who a guest runs for, and as what."""

    organization: str
    plugin: str
    version: str
    environment: str


@function("config", "whoami")
def whoami(invocation: Invocation) -> Identity:
    installation = invocation.installation
    return Identity(installation.organization, installation.plugin, installation.manifest.version, invocation.environment)


@function("config", "settings")
def settings(invocation: Invocation) -> str:
    return invocation.installation.settings
