"""Runs migrations on the connection that `deedbook.records.store` hands in."""

from __future__ import annotations

from alembic import context

from deedbook.records.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
