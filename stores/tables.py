"""The tables. Each row belongs to an organisation by its key, and references carry the organisation along, so that a row can't point
into another one's data.

Times are milliseconds since 1970, JSON is text unless said otherwise, yes and no are 1 and 0. Only types that need no conversion are used:
statements run on the driver's connection.
"""

from typing import TypeVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DefaultClause,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

T = TypeVar("T")
metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

Key = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is ordered by its UTF-8 bytes, as SQLite orders by itself."""


def _key(name: str, nullable: bool = False) -> Column[str]:
    return Column(name, Key, nullable=nullable)


def _primary(name: str) -> Column[str]:
    return Column(name, Key, primary_key=True)


def _organization() -> Column[str]:
    """The first part of a primary key; what is the organisation's goes with it."""
    return Column("organization", Key, ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True)


def _text(name: str, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _number(name: str, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _later(column: Column[T], default: str) -> Column[T]:
    """A column that came after the table: rows from before have this."""
    column.server_default = DefaultClause(text(default))
    return column


organizations = Table(
    "organizations",
    metadata,
    _primary("id"),
    _text("settings"),
    _number("created_at"),
)

agents = Table(
    "agents",
    metadata,
    _organization(),
    _primary("id"),
    _text("name"),
    _number("available"),
    _number("position"),
)

customers = Table(
    "customers",
    metadata,
    _organization(),
    _primary("id"),
    _text("name", nullable=True),
    _text("email", nullable=True),
    _key("email_lower", nullable=True),
    _text("phone", nullable=True),
    _text("metadata"),
    _number("created_at"),
    _number("updated_at"),
    Index("customers_by_email", "organization", "email_lower", "id"),
)

customer_identities = Table(
    "customer_identities",
    metadata,
    _primary("organization"),
    _primary("source"),
    _primary("external_id"),
    _key("customer_id"),
    ForeignKeyConstraint(["organization", "customer_id"], ["customers.organization", "customers.id"], ondelete="CASCADE"),
    Index("customer_identities_by_customer", "organization", "customer_id", "source", "external_id"),
)

conversations = Table(
    "conversations",
    metadata,
    _primary("organization"),
    _primary("id"),
    _key("source"),
    _key("customer_id"),
    _key("agent_id", nullable=True),
    _text("status"),
    _number("created_at"),
    _number("updated_at"),
    ForeignKeyConstraint(["organization", "customer_id"], ["customers.organization", "customers.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["organization", "agent_id"], ["agents.organization", "agents.id"]),
    CheckConstraint("status IN ('open', 'closed')", name="status"),
    Index("conversations_by_customer", "organization", "customer_id", "source"),
    Index("conversations_by_agent", "organization", "agent_id"),
    Index(
        "conversations_open",
        "organization",
        "customer_id",
        "source",
        unique=True,
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
    # What messages refer to, so that a message has the customer and the source of its conversation.
    Index("conversations_whole", "organization", "id", "customer_id", "source", unique=True),
)

messages = Table(
    "messages",
    metadata,
    _primary("organization"),
    _primary("id"),
    _key("conversation_id"),
    _key("customer_id"),
    _key("source"),
    _text("direction"),
    _text("kind"),
    _text("text", nullable=True),
    _text("attachments"),
    _key("external_id", nullable=True),
    _key("reply_to", nullable=True),
    _text("status"),
    _number("status_at", nullable=True),
    _text("metadata"),
    _number("created_at"),
    ForeignKeyConstraint(
        ["organization", "conversation_id", "customer_id", "source"],
        ["conversations.organization", "conversations.id", "conversations.customer_id", "conversations.source"],
        ondelete="CASCADE",
    ),
    Index("messages_by_external_id", "organization", "source", "external_id", unique=True),
    Index("messages_by_conversation", "organization", "conversation_id", "id"),
)

# What a provider said of a message that is not known yet.
awaited_statuses = Table(
    "awaited_statuses",
    metadata,
    _organization(),
    _primary("source"),
    _primary("external_id"),
    _text("status"),
    _number("at"),
    _number("expires_at"),
    _text("detail", nullable=True),
    Index("awaited_statuses_by_expiry", "organization", "expires_at"),
)

# A source outlives its plugin's installation: its id leads to conversations, which another plugin must not get by registering it anew.
sources = Table(
    "sources",
    metadata,
    _organization(),
    _primary("id"),
    _key("plugin"),
    _text("name"),
    _text("description", nullable=True),
    _text("icon", nullable=True),
    _text("metadata", nullable=True),
)

plugins = Table(
    "plugins",
    metadata,
    _primary("name"),
    _primary("digest"),
    _text("version"),
    _text("manifest"),
    _number("created_at"),
)

# What operators say of a plugin in all organisations. `limits` holds what was chosen, by field.
plugin_policies = Table(
    "plugin_policies",
    metadata,
    _primary("plugin"),
    _number("enabled"),
    _text("limits"),
    _number("updated_at"),
)

# `initialized` is the digest whose `lifecycle.initialize` has succeeded; `breaker_opened_at` is set while, after repeated failures, it is
# not called.
installations = Table(
    "installations",
    metadata,
    _organization(),
    _primary("plugin"),
    _key("digest"),
    _text("settings"),
    _text("grants"),
    _text("limits"),
    _number("enabled"),
    _number("created_at"),
    _number("updated_at"),
    _later(_text("status"), "'running'"),
    _text("status_reason", nullable=True),
    _later(_number("status_at"), "0"),
    _key("initialized", nullable=True),
    _number("breaker_opened_at", nullable=True),
    ForeignKeyConstraint(["plugin", "digest"], ["plugins.name", "plugins.digest"]),
)

secrets = Table(
    "secrets",
    metadata,
    _primary("organization"),
    _primary("plugin"),
    _primary("name"),
    Column("sealed", LargeBinary, nullable=False),
    _key("key_id"),
    _number("updated_at"),
    ForeignKeyConstraint(["organization", "plugin"], ["installations.organization", "installations.plugin"], ondelete="CASCADE"),
)

# Secrets of a plugin itself, whatever the organisation.
plugin_secrets = Table(
    "plugin_secrets",
    metadata,
    _primary("plugin"),
    _primary("name"),
    Column("sealed", LargeBinary, nullable=False),
    _key("key_id"),
    _number("updated_at"),
)

# Which organisation a shared URL's items with that key are for.
routing_keys = Table(
    "routing_keys",
    metadata,
    _primary("plugin"),
    _primary("key"),
    Column("organization", Key, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    _number("created_at"),
    Index("routing_keys_by_organization", "organization", "plugin"),
)

# `value` is msgpack.
store_entries = Table(
    "store_entries",
    metadata,
    _organization(),
    _primary("plugin"),
    _primary("scope_kind"),
    _primary("scope_subject"),
    _primary("key"),
    Column("value", LargeBinary, nullable=False),
    _text("version"),
)

# How many entries a plugin has, and the bytes of their subjects, keys and values: written with them, since counting takes as long as they
# are many.
store_sizes = Table(
    "store_sizes",
    metadata,
    _organization(),
    _primary("plugin"),
    _number("keys"),
    _number("bytes"),
)

# What answered a request whose route names a key, for the same request when it comes again. `headers` is JSON.
dedupe_keys = Table(
    "dedupe_keys",
    metadata,
    _organization(),
    _primary("plugin"),
    _primary("route"),
    _primary("key"),
    Column("body_sha256", LargeBinary, nullable=False),
    _key("delivery_id"),
    _number("status"),
    _text("headers"),
    Column("body", LargeBinary, nullable=False),
    _number("expires_at"),
    Index("dedupe_keys_by_expiry", "expires_at"),
)

# `kind` is what was called (webhook, lifecycle, hook, tool), `name` the route, the lifecycle's function, the event or the tool.
deliveries = Table(
    "deliveries",
    metadata,
    _organization(),
    _primary("id"),
    _key("plugin"),
    _text("plugin_version"),
    _text("name"),
    _text("method"),
    _text("path"),
    _text("outcome"),
    _number("status"),
    _text("error_code", nullable=True),
    _text("error_message", nullable=True),
    _number("received_at"),
    _number("duration_us"),
    _number("cold"),
    _number("runs"),
    _number("fuel"),
    _number("memory"),
    _number("host_calls"),
    _number("effects"),
    _number("dropped_log_lines"),
    _later(_text("kind"), "'webhook'"),
    _later(_number("bytes_in"), "0"),
    _later(_number("bytes_out"), "0"),
    Index("deliveries_by_plugin", "organization", "plugin", "id"),
)

log_lines = Table(
    "log_lines",
    metadata,
    _primary("organization"),
    _primary("delivery_id"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _number("at"),
    _text("level"),
    _text("message"),
    _text("fields", nullable=True),
    ForeignKeyConstraint(["organization", "delivery_id"], ["deliveries.organization", "deliveries.id"], ondelete="CASCADE"),
)

# Bearer tokens of the operator API, by the SHA-256 of their text. Without an organisation one is good for all.
tokens = Table(
    "tokens",
    metadata,
    _primary("id"),
    _text("name"),
    _key("sha256"),
    Column("organization", Key, ForeignKey("organizations.id", ondelete="CASCADE"), nullable=True),
    _text("role"),
    _number("created_at"),
    _number("expires_at", nullable=True),
    _number("revoked_at", nullable=True),
    Index("tokens_by_sha256", "sha256", unique=True),
)

# One row: the number of changes to what the hot path caches.
config_epoch = Table(
    "config_epoch",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _number("epoch"),
    CheckConstraint("id = 1", name="one_row"),
)
