"""Run `sql/migrations/0010_merged_customers.sql`."""

from __future__ import annotations

from clustering.warehouse.migrate import run_revision

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Run the revision's file."""
    run_revision("0010_merged_customers")
