"""The platform in memory: a full implementation of the reads, and effects applied in order, as at a commit."""

import re
from dataclasses import dataclass, field

from msgspec.structs import replace

from host.capabilities.invocation import Invocation
from host.capabilities.reads import Platform
from host.capabilities.views.merge import changed
from host.model import effects as e
from host.model.customer import Customer, Identity
from host.model.entry import Entry, Scope
from host.model.errors import Conflict
from host.model.installation import Installation, Secrets
from host.model.limits import Limits
from host.model.manifest import Manifest, Secret, Wish
from host.model.message import Conversation, Message, advanced
from host.model.size import page_of
from host.model.source import Source

START = 1_700_000_000_000
EVERYTHING = (
    "messages.receive", "messages.read", "customers.read", "customers.write", "customers.match-email", "sources.register", "store",
    "secrets:signing", "secrets:api_key",
)  # fmt: skip


class CountingTape:
    """A clock that moves on by `step` milliseconds at each reading, and bytes that count."""

    def __init__(self, start: int = START, step: int = 1) -> None:
        self.now = start
        self.step = step
        self.bytes = 0

    def now_ms(self) -> int:
        self.now += self.step
        return self.now

    def monotonic_ns(self) -> int:
        return self.now_ms() * 1_000_000

    def random_bytes(self, count: int) -> bytes:
        self.bytes += count
        return bytes((self.bytes + i) % 256 for i in range(count))


@dataclass
class Tenant:
    """What one organisation has."""

    entries: dict[tuple[str, Scope, str], Entry] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    sources: dict[str, tuple[str, Source]] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)


class Memory:
    """Every tenant, and the reads of the Protocols. `asked` lists each read."""

    def __init__(self) -> None:
        self.tenants: dict[str, Tenant] = {}
        self.asked: list[str] = []
        self.writes = 0

    def of(self, organization: str) -> Tenant:
        return self.tenants.setdefault(organization, Tenant())

    async def entry(self, organization: str, plugin: str, scope: Scope, key: str) -> Entry | None:
        self.asked.append("entry")
        return self.of(organization).entries.get((plugin, scope, key))

    async def entries(self, organization: str, plugin: str, scope: Scope, prefix: str, after: str | None, limit: int) -> list[Entry]:
        self.asked.append("entries")
        mine = (entry for (who, where, _), entry in self.of(organization).entries.items() if (who, where) == (plugin, scope))
        found = [entry for entry in mine if entry.key.startswith(prefix) and (after is None or entry.key.encode() > after.encode())]
        return page_of(sorted(found, key=lambda entry: entry.key.encode())[:limit])

    async def customer(self, organization: str, customer_id: str) -> Customer | None:
        return self.of(organization).customers.get(customer_id)

    async def customer_by_identity(self, organization: str, identity: Identity) -> Customer | None:
        self.asked.append("identity")
        return next((customer for customer in self.of(organization).customers.values() if identity in customer.identities), None)

    async def customers_by_email(self, organization: str, email: str) -> list[Customer]:
        customers = self.of(organization).customers.values()
        return [customer for customer in customers if (customer.email or "").lower() == email.lower()][:2]

    async def conversation(self, organization: str, conversation_id: str) -> Conversation | None:
        return self.of(organization).conversations.get(conversation_id)

    async def open_conversation(self, organization: str, customer_id: str, source: str) -> Conversation | None:
        wanted = (customer_id, source, "open")
        conversations = self.of(organization).conversations.values()
        return next((each for each in conversations if (each.customer_id, each.source, each.status) == wanted), None)

    async def message(self, organization: str, message_id: str) -> Message | None:
        return self.of(organization).messages.get(message_id)

    async def message_by_external_id(self, organization: str, source: str, external_id: str) -> Message | None:
        messages = self.of(organization).messages.values()
        return next((message for message in messages if (message.source, message.external_id) == (source, external_id)), None)

    async def messages(self, organization: str, conversation_id: str, before: str | None, limit: int) -> list[Message]:
        mine = (message for message in self.of(organization).messages.values() if message.conversation_id == conversation_id)
        found = [message for message in mine if before is None or message.id < before]
        return page_of(sorted(found, key=lambda message: message.id, reverse=True)[:limit])

    async def agent_for(self, organization: str, source: str) -> str | None:
        return self.of(organization).agents.get(source)

    async def source_owner(self, organization: str, source_id: str) -> str | None:
        found = self.of(organization).sources.get(source_id)
        return found[0] if found else None

    def apply(self, organization: str, plugin: str, effects: list[e.Effect]) -> None:
        """What a commit does. Raises `Conflict` where the store does."""
        tenant = self.of(organization)
        for effect in effects:
            self._apply_to_store(tenant, plugin, effect)
            self._apply_to_customers(tenant, effect)
            self._apply_to_messages(tenant, effect)
            if isinstance(effect, e.SourceRegistered):
                tenant.sources[effect.source.id] = (plugin, effect.source)

    def _apply_to_store(self, tenant: Tenant, plugin: str, effect: e.Effect) -> None:
        if isinstance(effect, e.StoreSet):
            before = tenant.entries.get((plugin, effect.scope, effect.key))
            if effect.guarded and (before.version if before else None) != effect.expected:
                raise Conflict
            tenant.entries[plugin, effect.scope, effect.key] = self._entry(effect.key, effect.value)
        elif isinstance(effect, e.StoreAdd):
            before = tenant.entries.get((plugin, effect.scope, effect.key))
            if before is not None and not re.fullmatch("-?[0-9]+", before.value):
                raise Conflict
            total = int(before.value if before else "0") + effect.by
            tenant.entries[plugin, effect.scope, effect.key] = self._entry(effect.key, str(total))
        elif isinstance(effect, e.StoreDelete):
            tenant.entries.pop((plugin, effect.scope, effect.key), None)

    def _entry(self, key: str, value: str) -> Entry:
        self.writes += 1
        return Entry(key, value, f"v{self.writes}")

    def _apply_to_customers(self, tenant: Tenant, effect: e.Effect) -> None:
        if isinstance(effect, e.CustomerCreated):
            tenant.customers[effect.customer.id] = effect.customer
        elif isinstance(effect, e.CustomerChanged | e.IdentityLinked):
            tenant.customers[effect.customer_id] = changed(tenant.customers[effect.customer_id], effect)

    def _apply_to_messages(self, tenant: Tenant, effect: e.Effect) -> None:
        conversations = tenant.conversations
        if isinstance(effect, e.ConversationOpened):
            conversations[effect.conversation.id] = effect.conversation
        elif isinstance(effect, e.ConversationClosed):
            closed = replace(conversations[effect.conversation_id], status="closed")
            conversations[closed.id] = replace(closed, updated_at=max(closed.updated_at, effect.at))
        elif isinstance(effect, e.MessageAdded):
            tenant.messages[effect.message.id] = effect.message
            moved = conversations[effect.message.conversation_id]
            conversations[moved.id] = replace(moved, updated_at=max(moved.updated_at, effect.message.created_at))
        elif isinstance(effect, e.StatusReported):
            for message in list(tenant.messages.values()):
                if (message.source, message.external_id) == (effect.source, effect.external_id):
                    tenant.messages[message.id] = advanced(message, effect.status, effect.detail)


class House:
    """A platform in memory, where the plugin `whatsapp` of `acme` owns the source `wa`, and invocations on it."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.clock = START
        self.memory.of("acme").sources["wa"] = ("whatsapp", Source("wa", "WhatsApp", None, None, None))
        self.memory.of("acme").sources["mail"] = ("mailer", Source("mail", "Mail", None, None, None))
        self.memory.of("acme").agents["wa"] = "agent-1"

    def invocation(
        self,
        *,
        organization: str = "acme",
        plugin: str = "whatsapp",
        asked: tuple[str, ...] = EVERYTHING,
        grants: tuple[str, ...] = EVERYTHING,
        secrets: dict[str, str] | None = None,
        tape: CountingTape | None = None,
        **limits: int,
    ) -> Invocation:
        manifest = Manifest(
            name=plugin,
            version="1.2.3",
            description="",
            capabilities=[Wish(name=name, reason="") for name in asked],
            secrets=[
                Secret(name="signing", purpose="sign"),
                Secret(name="api_key", purpose="read"),
                Secret(name="app_secret", purpose="verify"),
            ],
        )
        installation = Installation(
            organization=organization,
            plugin=plugin,
            digest="",
            manifest=manifest,
            settings='{"phone_number_id":"1"}',
            grants=frozenset(grants),
            secrets=Secrets(secrets or {}),
            limits=Limits(**limits),
        )
        self.clock += 1_000_000
        platform = Platform(self.memory, self.memory, self.memory, self.memory)
        tape = tape or CountingTape(self.clock)
        unrecorded = CountingTape(tape.now, tape.step)
        return Invocation(installation, f"delivery-{self.clock}", tape, platform, unrecorded=unrecorded)

    def commit(self, invocation: Invocation) -> None:
        self.memory.apply(invocation.installation.organization, invocation.installation.plugin, invocation.effects)
