"""Use of secrets, mostly without seeing them."""

from typing import Literal

from plugin_sdk_py.api.host import call, host
from plugin_sdk_py.api.payload import to_payload
from plugin_sdk_py.text import text

__all__ = ["Secrets"]


class Secrets:
    """Each secret is declared with `plugin.secret`, and granted as `secrets:<name>`."""

    def exists(self, name: str) -> bool:
        """Whether this organisation has set it."""
        return bool(host.secrets.exists(text(name, "name")))

    def hmac(
        self,
        name: str,
        data: bytes | str,
        *,
        hash: Literal["sha1", "sha256", "sha512"] = "sha256",
        encoding: Literal["hex", "base64", "base64url"] = "hex",
    ) -> str:
        """The HMAC of `data` under a secret of purpose `sign`. Raises `Denied` or `NotFound` (not set)."""
        algorithm, form = host.secrets.Hash[hash.upper()], host.secrets.Encoding[encoding.upper()]
        return str(call(host.secrets.hmac, text(name, "name"), algorithm, to_payload(data), form))

    def read(self, name: str) -> str:
        """A secret of purpose `read`. Raises `Denied` or `NotFound` (not set)."""
        return str(call(host.secrets.read, text(name, "name")))
