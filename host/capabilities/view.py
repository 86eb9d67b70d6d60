"""The view: an invocation reads what it wrote."""

from collections.abc import Mapping

from host.capabilities.reads import Platform
from host.capabilities.views.base import Base, Read
from host.capabilities.views.conversations import ConversationView
from host.capabilities.views.customers import CustomerView
from host.capabilities.views.messages import MessageView
from host.capabilities.views.sources import SourceView
from host.capabilities.views.store import StoreView
from host.model.effects import Effect


class View:
    """The platform's reads and the invocation's own effects, deletions and scans included."""

    def __init__(self, platform: Platform, organization: str, plugin: str, delivery_id: str, read_bytes: int) -> None:
        self._base = Base(platform, organization, plugin, read_bytes)
        self.store = StoreView(self._base, delivery_id)
        self.customers = CustomerView(self._base)
        self.conversations = ConversationView(self._base)
        self.messages = MessageView(self._base)
        self.sources = SourceView(self._base)

    @property
    def reads(self) -> Mapping[Read, object]:
        """What was asked of the platform by key so far, with its answers: None for what was absent. Scans and pages are not in it."""
        return self._base.reads

    def see(self, effect: Effect) -> None:
        """Reads give this effect's result from now on. Raises `HostError` `invalid` where it can't follow the earlier ones."""
        for part in (self.store, self.customers, self.conversations, self.messages, self.sources):
            part.see(effect)
