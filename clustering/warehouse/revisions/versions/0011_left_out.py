"""Run `sql/migrations/0011_left_out.sql`."""

from __future__ import annotations

from clustering.warehouse.migrate import run_revision

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Run the revision's file."""
    run_revision("0011_left_out")
