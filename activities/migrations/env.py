"""Runs migrations on the connection that `Database.prepare` hands in, inside its transaction."""

from alembic import context

from activities.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
