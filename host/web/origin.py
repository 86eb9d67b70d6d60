"""Where senders reach the application: the URLs that they use, and the organisation that a host name can stand for."""

import re
from dataclasses import dataclass

AUTHORITY = re.compile(r"([A-Za-z0-9._-]+?)\.?(:[0-9]{0,5})?")
"""A host name with what may stand behind it: the root's dot, and a port. An address in brackets is none."""


@dataclass(frozen=True)
class Origin:
    """`public_url` is where senders find the application's root, without a slash at its end; None: as each request says.

    The subdomains of `base_domain` stand for organisations.
    """

    public_url: str | None = None
    base_domain: str | None = None

    def organization(self, host: str) -> str | None:
        """The one label before the base domain, in lower case; None for every other host, such as one with two more labels."""
        named = AUTHORITY.fullmatch(host) if self.base_domain else None
        label, _, domain = named[1].lower().partition(".") if named else ("", "", "")
        return label if label and domain == self.base_domain else None

    def url(self, scheme: str, host: str, root: str, path: str, query: str) -> str:
        """What the sender asked for. `root` is the path that the application is mounted below, `path` the rest of it, as they came.

        A host that names an organisation stays as it is, also where there is a public URL.
        """
        base = f"{scheme}://{host}{root}" if self.public_url is None else self._at(host, self.public_url)
        return f"{base}{path}?{query}" if query else f"{base}{path}"

    def _at(self, host: str, public_url: str) -> str:
        if self.organization(host) is None:
            return public_url
        scheme, _, rest = public_url.partition("://")
        _, slash, prefix = rest.partition("/")
        return f"{scheme}://{host}{slash}{prefix}"
