"""Run `sql/migrations/0005_exports.sql`."""

from __future__ import annotations

from clustering.warehouse.migrate import run_revision

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the revision's file."""
    run_revision("0005_exports")
