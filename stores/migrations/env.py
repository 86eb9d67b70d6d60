"""What Alembic runs: the migrations on the connection that it was given, within that connection's transaction."""

from alembic import context

from stores.schema import VERSION_TABLE
from stores.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE)
context.run_migrations()
