"""Run `sql/migrations/0006_withdrawn_exports.sql`."""

from __future__ import annotations

from clustering.warehouse.migrate import run_revision

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the revision's file."""
    run_revision("0006_withdrawn_exports")
