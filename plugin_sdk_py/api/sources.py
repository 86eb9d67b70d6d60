"""Channels that messages come from, beside the one that `plugin.channel` declares."""

from collections.abc import Mapping

from plugin_sdk_py.api.host import call, host
from plugin_sdk_py.text import Json, dump_object, optional, text

__all__ = ["Sources"]


class Sources:
    """Grant: `sources.register`."""

    def register(
        self, id: str, *, name: str, description: str | None = None, icon: str | None = None, metadata: Mapping[str, Json] | None = None
    ) -> None:
        """Registers a source, or changes the one of that id. Raises `Denied`, `Invalid`, `Conflict` (another plugin has that id)."""
        call(
            host.sources.register,
            host.sources.Source(
                id=text(id, "id"),
                name=text(name, "name"),
                description=optional(description, "description"),
                icon=optional(icon, "icon"),
                metadata=dump_object(metadata, "metadata"),
            ),
        )
