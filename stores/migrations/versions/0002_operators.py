"""What operators say of plugins, how installations are, what answered a request that may come again."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, LargeBinary, PrimaryKeyConstraint, Text, text

revision = "0002"
down_revision = "0001"

Key = Text().with_variant(Text(collation="C"), "postgresql")
SIZES = """
    INSERT INTO store_sizes (organization, plugin, keys, bytes)
    SELECT organization, plugin, count(*), sum({bytes_of_name} + length(value)) FROM store_entries GROUP BY organization, plugin
"""


def upgrade() -> None:
    _policies()
    _secrets_and_routing()
    _installations()
    _sizes()
    _dedupe_keys()
    _deliveries()
    op.create_index("conversations_by_agent", "conversations", ["organization", "agent_id"], unique=False)


def _policies() -> None:
    op.create_table(
        "plugin_policies",
        Column("plugin", Key, nullable=False),
        Column("enabled", BigInteger, nullable=False),
        Column("limits", Text, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        PrimaryKeyConstraint("plugin", name="plugin_policies_pkey"),
    )


def _secrets_and_routing() -> None:
    op.create_table(
        "plugin_secrets",
        Column("plugin", Key, nullable=False),
        Column("name", Key, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("key_id", Key, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        PrimaryKeyConstraint("plugin", "name", name="plugin_secrets_pkey"),
    )
    op.create_table(
        "routing_keys",
        Column("plugin", Key, nullable=False),
        Column("key", Key, nullable=False),
        Column("organization", Key, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        ForeignKeyConstraint(["organization"], ["organizations.id"], name="routing_keys_organization_fkey", ondelete="CASCADE"),
        PrimaryKeyConstraint("plugin", "key", name="routing_keys_pkey"),
    )
    op.create_index("routing_keys_by_organization", "routing_keys", ["organization", "plugin"], unique=False)


def _installations() -> None:
    op.add_column("installations", Column("status", Text, server_default=text("'running'"), nullable=False))
    op.add_column("installations", Column("status_reason", Text, nullable=True))
    op.add_column("installations", Column("status_at", BigInteger, server_default=text("0"), nullable=False))
    op.add_column("installations", Column("initialized", Key, nullable=True))
    op.add_column("installations", Column("breaker_opened_at", BigInteger, nullable=True))
    op.execute("UPDATE installations SET initialized = digest, status_at = updated_at")
    op.execute("UPDATE installations SET status = 'stopped' WHERE enabled = 0")


def _sizes() -> None:
    op.create_table(
        "store_sizes",
        Column("organization", Key, nullable=False),
        Column("plugin", Key, nullable=False),
        Column("keys", BigInteger, nullable=False),
        Column("bytes", BigInteger, nullable=False),
        ForeignKeyConstraint(["organization"], ["organizations.id"], name="store_sizes_organization_fkey", ondelete="CASCADE"),
        PrimaryKeyConstraint("organization", "plugin", name="store_sizes_pkey"),
    )
    is_sqlite = op.get_context().dialect.name == "sqlite"
    bytes_of = "length(CAST({} AS BLOB))" if is_sqlite else "octet_length({})"
    op.execute(SIZES.format(bytes_of_name=" + ".join(bytes_of.format(column) for column in ("scope_subject", "key"))))


def _dedupe_keys() -> None:
    op.create_table(
        "dedupe_keys",
        Column("organization", Key, nullable=False),
        Column("plugin", Key, nullable=False),
        Column("route", Key, nullable=False),
        Column("key", Key, nullable=False),
        Column("body_sha256", LargeBinary, nullable=False),
        Column("delivery_id", Key, nullable=False),
        Column("status", BigInteger, nullable=False),
        Column("headers", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        ForeignKeyConstraint(["organization"], ["organizations.id"], name="dedupe_keys_organization_fkey", ondelete="CASCADE"),
        PrimaryKeyConstraint("organization", "plugin", "route", "key", name="dedupe_keys_pkey"),
    )
    op.create_index("dedupe_keys_by_expiry", "dedupe_keys", ["expires_at"], unique=False)


def _deliveries() -> None:
    op.execute("ALTER TABLE deliveries RENAME COLUMN route TO name")
    op.add_column("deliveries", Column("kind", Text, server_default=text("'webhook'"), nullable=False))
    op.add_column("deliveries", Column("bytes_in", BigInteger, server_default=text("0"), nullable=False))
    op.add_column("deliveries", Column("bytes_out", BigInteger, server_default=text("0"), nullable=False))
