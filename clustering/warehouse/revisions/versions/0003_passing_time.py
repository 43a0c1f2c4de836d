"""Run `sql/migrations/0003_passing_time.sql`."""

from __future__ import annotations

from clustering.warehouse.migrate import run_revision

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the revision's file."""
    run_revision("0003_passing_time")
