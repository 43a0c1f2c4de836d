"""Run `sql/migrations/0001_tables.sql`."""

from __future__ import annotations

from clustering.warehouse.migrate import run_revision

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the revision's file."""
    run_revision("0001_tables")
