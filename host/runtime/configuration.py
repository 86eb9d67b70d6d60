"""What the hot path needs to know of installations: read once, and again after each change."""

from collections.abc import Callable

import structlog

from host.model.installation import Installation
from stores import epoch, installations
from stores.sealing import Sealer
from stores.statement import Connection

log = structlog.get_logger()


class Configuration:
    """Snapshots of installations, valid for one number of the config epoch. A command in another process moves that on.

    All of `on_change` are called after each such move, at the first question that comes.
    """

    def __init__(self, connection: Connection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer
        self._installations: dict[tuple[str, str], Installation] = {}
        self._earlier: dict[tuple[str, str], Installation] = {}
        self._of_organization: dict[str, list[str]] = {}
        self.epoch = -1
        self.on_change: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"<Configuration [epoch {self.epoch}, {len(self._installations)} installations]>"

    def installation(self, organization: str, plugin: str) -> Installation | None:
        """The enabled installation, or None: the same object as long as nothing about it changed.

        Only what is found is kept: strangers can make up any number of names.
        """
        self._refresh()
        key = (organization, plugin)
        if key not in self._installations:
            found = self._load(organization, plugin)
            earlier = self._earlier.pop(key, None)
            if found is None:
                return None
            self._installations[key] = earlier if earlier == found else found
        return self._installations[key]

    def installations(self, organization: str) -> list[Installation]:
        """The enabled installations of an organisation, in the order of their plugins' names: the same objects as one by one."""
        self._refresh()
        if organization not in self._of_organization:
            self._of_organization[organization] = [
                found.plugin for found in installations.load_all(self._connection, None, organization) if found.enabled
            ]
        found = [self.installation(organization, plugin) for plugin in self._of_organization.get(organization, [])]
        return [each for each in found if each is not None]

    def digests(self) -> dict[str, str]:
        """The components of all enabled installations, each with the name of its plugin."""
        return installations.digests(self._connection)

    def stored(self, organization: str, plugin: str) -> Installation | None:
        """The installation as it is in the database just now, enabled or not."""
        return installations.load(self._connection, self._sealer, organization, plugin)

    def keeps(self, installation: Installation) -> bool:
        """Whether it is the current one, or may yet turn out to be: nobody has asked since the last change. Looks nothing up."""
        key = (installation.organization, installation.plugin)
        return self._installations.get(key, self._earlier.get(key)) is installation

    def _load(self, organization: str, plugin: str) -> Installation | None:
        """A secret that does not open is as if it were not set: nothing verifies with it, and nothing else is lost."""
        found = self.stored(organization, plugin)
        if found is None or not found.enabled:
            return None
        for name, reason in [*found.secrets.shut.items(), *found.own_secrets.shut.items()]:
            log.error("secret.unreadable", organization=organization, plugin=plugin, secret=name, reason=reason)
        return found

    def _refresh(self) -> None:
        now = epoch.read(self._connection)
        if now != self.epoch:
            self.epoch = now
            self._earlier = self._installations
            self._installations = {}
            self._of_organization = {}
            for react in self.on_change:
                react()
