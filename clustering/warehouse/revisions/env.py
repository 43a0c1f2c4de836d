"""Run Alembic's revisions on the connection that `clustering.warehouse.migrate` hands over."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table_schema="segmentation")
context.run_migrations()
