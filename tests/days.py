"""Today, asked for when a test runs: a run of all tests may pass midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta


def today() -> date:
    """Return the date in UTC, as nights have it."""
    return datetime.now(UTC).date()


def yesterday() -> date:
    """Return the date before it."""
    return today() - timedelta(days=1)
