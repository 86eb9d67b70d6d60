"""Refused requests, counted by who sent them: what is about one installation apart from what is about none."""

import structlog

from host.model.errors import RequestError
from host.runtime.rates import MOST_WINDOWS, Rate

IN_ALL = 10
"""Times as many refusals, of whatever kind, after which an address as a whole is told to wait."""

log = structlog.get_logger()

Key = tuple[str, str]
"""An installation's organisation and plugin."""


class Suspects:
    """Beyond `per_minute` about one installation, an address is told to wait there; beyond as many about none, everywhere.

    A provider sends for many organisations from one address, and one of them that has a wrong secret must not silence it for all.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._here, self._nowhere, self._all, self._told = Rate(), Rate(), Rate(), Rate()
        self._addresses: set[str] = set()
        """Addresses of which something was refused: whoever is none of them is not even looked up."""

    def __repr__(self) -> str:
        return f"<Suspects [{len(self._addresses)} addresses], at installations {self._here!r}>"

    def count(self, address: str, installation: Key | None) -> None:
        """One more that was refused: about an installation, or about none."""
        if len(self._addresses) >= MOST_WINDOWS:
            self._addresses.clear()  # its next refusal brings each back, with all that was counted
        self._addresses.add(address)
        self._all.count(self._per_minute * IN_ALL, address)
        if installation is None:
            self._nowhere.count(self._per_minute, address)
        else:
            self._here.count(self._per_minute, address, *installation)
        self._tell(address, installation)

    def admit(self, address: str) -> None:
        """Raises `RequestError` with 429 where an address as a whole has to wait."""
        if address in self._addresses and (wait := self._wait(address)):
            raise _refused("it is not listened to for a while", wait)

    def admit_to(self, address: str, installation: Key) -> None:
        """The same where it has to wait at this installation."""
        if address in self._addresses and (wait := self._here.wait(self._per_minute, address, *installation)):
            raise _refused("they are not listened to here for a while", wait)

    def _wait(self, address: str) -> int:
        return max(self._nowhere.wait(self._per_minute, address), self._all.wait(self._per_minute * IN_ALL, address))

    def _tell(self, address: str, installation: Key | None) -> None:
        """The host's log, once a minute."""
        if self._wait(address):
            if not self._told.count(1, address):
                log.warning("address.refused", address=address, per_minute=self._per_minute)
        elif installation and self._here.wait(self._per_minute, address, *installation) and not self._told.count(1, address, *installation):
            organization, plugin = installation
            log.warning("address.refused", address=address, per_minute=self._per_minute, organization=organization, plugin=plugin)


def _refused(so: str, wait: int) -> RequestError:
    return RequestError(429, "address.refused", f"too many requests from this address were refused: {so}", retry_after_s=wait)
