"""Runs migrations on the connection that `backends.sql.migrate` passes."""

from alembic import context

from backends.sql import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
