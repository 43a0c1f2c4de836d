"""Run `sql/migrations/0013_changed_customers.sql`."""

from __future__ import annotations

from clustering.warehouse.migrate import run_revision

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Run the revision's file."""
    run_revision("0013_changed_customers")
