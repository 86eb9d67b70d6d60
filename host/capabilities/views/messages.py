"""Messages as an invocation sees them."""

from collections import defaultdict

from host.capabilities.views.base import Base
from host.model.effects import Effect, MessageAdded, StatusReported
from host.model.message import Message, MessagePage, advanced
from host.model.size import fills, page_of


class MessageView:
    """Stored messages and the invocation's own, with the statuses that it reported.

    A status that was reported before, and still waits for its message, joins it at commit only.
    """

    def __init__(self, base: Base) -> None:
        self._base = base
        self._added: dict[str, Message] = {}
        self._by_external_id: dict[tuple[str, str], str] = {}
        self._reports: defaultdict[tuple[str, str], list[StatusReported]] = defaultdict(list)

    def see(self, effect: Effect) -> None:
        match effect:
            case MessageAdded(message=message):
                self._added[message.id] = message
                if message.external_id is not None:
                    self._by_external_id[message.source, message.external_id] = message.id
            case StatusReported(source=source, external_id=external_id):
                self._reports[source, external_id].append(effect)

    async def get(self, message_id: str) -> Message | None:
        base = self._base
        own = self._added.get(message_id)
        stored = own or await base.once(("message", message_id), lambda: base.platform.messages.message(base.organization, message_id))
        return stored and self._seen(stored)

    async def by_external_id(self, source: str, external_id: str) -> Message | None:
        own = self._by_external_id.get((source, external_id))
        if own is not None:
            return self._seen(self._added[own])
        base = self._base
        stored = await base.once(
            ("external-id", source, external_id),
            lambda: base.platform.messages.message_by_external_id(base.organization, source, external_id),
        )
        return stored and self._seen(stored)

    async def page(self, conversation_id: str, before: str | None, limit: int) -> MessagePage:
        """Messages of a conversation with an id below `before`, newest first, fewer than `limit` where the page is full.

        `next` is an id, or None at the end.
        """
        base = self._base
        stored = await base.platform.messages.messages(base.organization, conversation_id, before, limit + 1)
        cut = len(stored) > limit or fills(stored)
        oldest = stored[-1].id if cut else ""
        own = [m for m in self._added.values() if m.conversation_id == conversation_id and (before is None or m.id < before)]
        newest_first = sorted([*stored, *(m for m in own if m.id > oldest)], key=lambda message: message.id, reverse=True)
        page = page_of(map(self._seen, newest_first[:limit]))
        return MessagePage(page, page[-1].id if cut or len(page) < len(newest_first) else None)

    def _seen(self, message: Message) -> Message:
        if message.external_id is None:
            return message
        for report in self._reports.get((message.source, message.external_id), ()):
            message = advanced(message, report.status, report.detail)
        return message
