"""Run `sql/migrations/0009_shards_of_files.sql`."""

from __future__ import annotations

from clustering.warehouse.migrate import run_revision

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run the revision's file."""
    run_revision("0009_shards_of_files")
