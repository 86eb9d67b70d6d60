"""What Alembic runs: the migrations on the connection that it was given, within that connection's transaction."""

from alembic import context

from stores.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
