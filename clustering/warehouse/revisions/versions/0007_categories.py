"""Run `sql/migrations/0007_categories.sql`."""

from __future__ import annotations

from clustering.warehouse.migrate import run_revision

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the revision's file."""
    run_revision("0007_categories")
