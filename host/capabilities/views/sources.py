"""Sources as an invocation sees them."""

from host.capabilities.views.base import Base
from host.model.effects import Effect, SourceRegistered


class SourceView:
    """Who owns which source, with those that the invocation registered itself."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._registered: set[str] = set()

    def see(self, effect: Effect) -> None:
        if isinstance(effect, SourceRegistered):
            self._registered.add(effect.source.id)

    async def owner(self, source_id: str) -> str | None:
        """The plugin that registered the source."""
        base = self._base
        if source_id in self._registered:
            return base.plugin
        return await base.once(("source", source_id), lambda: base.platform.sources.source_owner(base.organization, source_id))
