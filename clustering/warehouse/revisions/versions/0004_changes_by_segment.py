"""Run `sql/migrations/0004_changes_by_segment.sql`."""

from __future__ import annotations

from clustering.warehouse.migrate import run_revision

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the revision's file."""
    run_revision("0004_changes_by_segment")
