"""The first schema."""

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Integer, LargeBinary, PrimaryKeyConstraint, Text, text

revision = "0001"
down_revision = None

Key = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "config_epoch",
        Column("id", Integer, autoincrement=False, nullable=False),
        Column("epoch", BigInteger, nullable=False),
        CheckConstraint("id = 1", name="one_row"),
        PrimaryKeyConstraint("id", name="config_epoch_pkey"),
    )
    op.create_table(
        "organizations",
        Column("id", Key, nullable=False),
        Column("settings", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        PrimaryKeyConstraint("id", name="organizations_pkey"),
    )
    op.create_table(
        "plugins",
        Column("name", Key, nullable=False),
        Column("digest", Key, nullable=False),
        Column("version", Text, nullable=False),
        Column("manifest", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        PrimaryKeyConstraint("name", "digest", name="plugins_pkey"),
    )
    op.create_table(
        "agents",
        Column("organization", Key, nullable=False),
        Column("id", Key, nullable=False),
        Column("name", Text, nullable=False),
        Column("available", BigInteger, nullable=False),
        Column("position", BigInteger, nullable=False),
        ForeignKeyConstraint(["organization"], ["organizations.id"], name="agents_organization_fkey", ondelete="CASCADE"),
        PrimaryKeyConstraint("organization", "id", name="agents_pkey"),
    )
    op.create_table(
        "awaited_statuses",
        Column("organization", Key, nullable=False),
        Column("source", Key, nullable=False),
        Column("external_id", Key, nullable=False),
        Column("status", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("detail", Text, nullable=True),
        ForeignKeyConstraint(["organization"], ["organizations.id"], name="awaited_statuses_organization_fkey", ondelete="CASCADE"),
        PrimaryKeyConstraint("organization", "source", "external_id", name="awaited_statuses_pkey"),
    )
    op.create_index("awaited_statuses_by_expiry", "awaited_statuses", ["organization", "expires_at"], unique=False)
    op.create_table(
        "customers",
        Column("organization", Key, nullable=False),
        Column("id", Key, nullable=False),
        Column("name", Text, nullable=True),
        Column("email", Text, nullable=True),
        Column("email_lower", Key, nullable=True),
        Column("phone", Text, nullable=True),
        Column("metadata", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        ForeignKeyConstraint(["organization"], ["organizations.id"], name="customers_organization_fkey", ondelete="CASCADE"),
        PrimaryKeyConstraint("organization", "id", name="customers_pkey"),
    )
    op.create_index("customers_by_email", "customers", ["organization", "email_lower", "id"], unique=False)
    op.create_table(
        "deliveries",
        Column("organization", Key, nullable=False),
        Column("id", Key, nullable=False),
        Column("plugin", Key, nullable=False),
        Column("plugin_version", Text, nullable=False),
        Column("route", Text, nullable=False),
        Column("method", Text, nullable=False),
        Column("path", Text, nullable=False),
        Column("outcome", Text, nullable=False),
        Column("status", BigInteger, nullable=False),
        Column("error_code", Text, nullable=True),
        Column("error_message", Text, nullable=True),
        Column("received_at", BigInteger, nullable=False),
        Column("duration_us", BigInteger, nullable=False),
        Column("cold", BigInteger, nullable=False),
        Column("runs", BigInteger, nullable=False),
        Column("fuel", BigInteger, nullable=False),
        Column("memory", BigInteger, nullable=False),
        Column("host_calls", BigInteger, nullable=False),
        Column("effects", BigInteger, nullable=False),
        Column("dropped_log_lines", BigInteger, nullable=False),
        ForeignKeyConstraint(["organization"], ["organizations.id"], name="deliveries_organization_fkey", ondelete="CASCADE"),
        PrimaryKeyConstraint("organization", "id", name="deliveries_pkey"),
    )
    op.create_index("deliveries_by_plugin", "deliveries", ["organization", "plugin", "id"], unique=False)
    op.create_table(
        "installations",
        Column("organization", Key, nullable=False),
        Column("plugin", Key, nullable=False),
        Column("digest", Key, nullable=False),
        Column("settings", Text, nullable=False),
        Column("grants", Text, nullable=False),
        Column("limits", Text, nullable=False),
        Column("enabled", BigInteger, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        ForeignKeyConstraint(["organization"], ["organizations.id"], name="installations_organization_fkey", ondelete="CASCADE"),
        ForeignKeyConstraint(["plugin", "digest"], ["plugins.name", "plugins.digest"], name="installations_plugin_digest_fkey"),
        PrimaryKeyConstraint("organization", "plugin", name="installations_pkey"),
    )
    op.create_table(
        "sources",
        Column("organization", Key, nullable=False),
        Column("id", Key, nullable=False),
        Column("plugin", Key, nullable=False),
        Column("name", Text, nullable=False),
        Column("description", Text, nullable=True),
        Column("icon", Text, nullable=True),
        Column("metadata", Text, nullable=True),
        ForeignKeyConstraint(["organization"], ["organizations.id"], name="sources_organization_fkey", ondelete="CASCADE"),
        PrimaryKeyConstraint("organization", "id", name="sources_pkey"),
    )
    op.create_table(
        "store_entries",
        Column("organization", Key, nullable=False),
        Column("plugin", Key, nullable=False),
        Column("scope_kind", Key, nullable=False),
        Column("scope_subject", Key, nullable=False),
        Column("key", Key, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("version", Text, nullable=False),
        ForeignKeyConstraint(["organization"], ["organizations.id"], name="store_entries_organization_fkey", ondelete="CASCADE"),
        PrimaryKeyConstraint("organization", "plugin", "scope_kind", "scope_subject", "key", name="store_entries_pkey"),
    )
    op.create_table(
        "tokens",
        Column("id", Key, nullable=False),
        Column("name", Text, nullable=False),
        Column("sha256", Key, nullable=False),
        Column("organization", Key, nullable=True),
        Column("role", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=True),
        Column("revoked_at", BigInteger, nullable=True),
        ForeignKeyConstraint(["organization"], ["organizations.id"], name="tokens_organization_fkey", ondelete="CASCADE"),
        PrimaryKeyConstraint("id", name="tokens_pkey"),
    )
    op.create_index("tokens_by_sha256", "tokens", ["sha256"], unique=True)
    op.create_table(
        "conversations",
        Column("organization", Key, nullable=False),
        Column("id", Key, nullable=False),
        Column("source", Key, nullable=False),
        Column("customer_id", Key, nullable=False),
        Column("agent_id", Key, nullable=True),
        Column("status", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        CheckConstraint("status IN ('open', 'closed')", name="status"),
        ForeignKeyConstraint(
            ["organization", "agent_id"], ["agents.organization", "agents.id"], name="conversations_organization_agent_id_fkey"
        ),
        ForeignKeyConstraint(
            ["organization", "customer_id"],
            ["customers.organization", "customers.id"],
            name="conversations_organization_customer_id_fkey",
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("organization", "id", name="conversations_pkey"),
    )
    op.create_index("conversations_by_customer", "conversations", ["organization", "customer_id", "source"], unique=False)
    op.create_index(
        "conversations_open",
        "conversations",
        ["organization", "customer_id", "source"],
        unique=True,
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    )
    op.create_index("conversations_whole", "conversations", ["organization", "id", "customer_id", "source"], unique=True)
    op.create_table(
        "customer_identities",
        Column("organization", Key, nullable=False),
        Column("source", Key, nullable=False),
        Column("external_id", Key, nullable=False),
        Column("customer_id", Key, nullable=False),
        ForeignKeyConstraint(
            ["organization", "customer_id"],
            ["customers.organization", "customers.id"],
            name="customer_identities_organization_customer_id_fkey",
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("organization", "source", "external_id", name="customer_identities_pkey"),
    )
    op.create_index(
        "customer_identities_by_customer",
        "customer_identities",
        ["organization", "customer_id", "source", "external_id"],
        unique=False,
    )
    op.create_table(
        "log_lines",
        Column("organization", Key, nullable=False),
        Column("delivery_id", Key, nullable=False),
        Column("number", Integer, autoincrement=False, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("level", Text, nullable=False),
        Column("message", Text, nullable=False),
        Column("fields", Text, nullable=True),
        ForeignKeyConstraint(
            ["organization", "delivery_id"],
            ["deliveries.organization", "deliveries.id"],
            name="log_lines_organization_delivery_id_fkey",
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("organization", "delivery_id", "number", name="log_lines_pkey"),
    )
    op.create_table(
        "secrets",
        Column("organization", Key, nullable=False),
        Column("plugin", Key, nullable=False),
        Column("name", Key, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("key_id", Key, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        ForeignKeyConstraint(
            ["organization", "plugin"],
            ["installations.organization", "installations.plugin"],
            name="secrets_organization_plugin_fkey",
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("organization", "plugin", "name", name="secrets_pkey"),
    )
    op.create_table(
        "messages",
        Column("organization", Key, nullable=False),
        Column("id", Key, nullable=False),
        Column("conversation_id", Key, nullable=False),
        Column("customer_id", Key, nullable=False),
        Column("source", Key, nullable=False),
        Column("direction", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("text", Text, nullable=True),
        Column("attachments", Text, nullable=False),
        Column("external_id", Key, nullable=True),
        Column("reply_to", Key, nullable=True),
        Column("status", Text, nullable=False),
        Column("status_at", BigInteger, nullable=True),
        Column("metadata", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        ForeignKeyConstraint(
            ["organization", "conversation_id", "customer_id", "source"],
            ["conversations.organization", "conversations.id", "conversations.customer_id", "conversations.source"],
            name="messages_organization_conversation_id_customer_id_source_fkey",
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("organization", "id", name="messages_pkey"),
    )
    op.create_index("messages_by_conversation", "messages", ["organization", "conversation_id", "id"], unique=False)
    op.create_index("messages_by_external_id", "messages", ["organization", "source", "external_id"], unique=True)
    op.execute("INSERT INTO config_epoch (id, epoch) VALUES (1, 0)")
