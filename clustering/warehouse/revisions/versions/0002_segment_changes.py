"""Run `sql/migrations/0002_segment_changes.sql`."""

from __future__ import annotations

from clustering.warehouse.migrate import run_revision

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the revision's file."""
    run_revision("0002_segment_changes")
