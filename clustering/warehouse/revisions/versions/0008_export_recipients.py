"""Run `sql/migrations/0008_export_recipients.sql`."""

from __future__ import annotations

from clustering.warehouse.migrate import run_revision

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run the revision's file."""
    run_revision("0008_export_recipients")
