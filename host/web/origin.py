"""Where senders reach the application: the URLs that they use, and the organisation that a host name can stand for."""

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*)(:[0-9]*)?", re.ASCII)
"""The header Host (RFC 9110, 7.2), without what no host name has: whoever reads a URL with it must not find another path."""


@dataclass(frozen=True)
class Origin:
    """`public_url` is where senders find the application's root, without a slash at its end; None: as each request says.

    The subdomains of `base_domain` stand for organisations.
    """

    public_url: str | None = None
    base_domain: str | None = None

    def organization(self, host: str) -> str | None:
        """The one label before the base domain, in lower case; None for every other host, such as one with two more labels.

        None also for the public URL's own host, which may be below the base domain.
        """
        named = HOST.fullmatch(host) if self.base_domain else None
        name = named[1].lower().removesuffix(".") if named else ""
        label, _, domain = name.partition(".")
        return label if label and domain == self.base_domain and name != self._public_name else None

    def url(self, scheme: str, host: str, root: str, path: str, query: str) -> str:
        """What the sender asked for. `root` is the path that the application is mounted below, `path` the rest of it, as they came.

        A host that names an organisation stays as it is, also where there is a public URL.
        """
        base = f"{scheme}://{host}{root}" if self.public_url is None else self._at(host, self.public_url)
        return f"{base}{path}?{query}" if query else f"{base}{path}"

    def _at(self, host: str, public_url: str) -> str:
        if self.organization(host) is None:
            return public_url
        parts = urlsplit(public_url)
        return f"{parts.scheme}://{host}{parts.path}"

    @cached_property
    def _public_name(self) -> str | None:
        return urlsplit(self.public_url).hostname if self.public_url else None
