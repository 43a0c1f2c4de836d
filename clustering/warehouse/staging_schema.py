"""The schema of what is being worked on: tables of runs, copies of the source, samples of trainings."""

from __future__ import annotations

from psycopg2 import sql

STAGING = "segmentation_staging"


def staging_table(name: str) -> sql.Identifier:
    """Return the quoted name of a staging table."""
    return sql.Identifier(STAGING, name)
