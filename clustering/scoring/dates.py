"""What a date means for a run: when it ended, and where its customers are read from."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal, TypeAlias

from clustering.config import Contract
from clustering.errors import ConfigurationError

SourceTime: TypeAlias = Literal["present", "dated", "substituted"]


def end_of_past(as_of: date, timezone: tzinfo, *, now: datetime) -> datetime | None:
    """Return the moment at which a date ended in a time zone; None while it has not.

    >>> from datetime import UTC
    >>> end_of_past(date(2026, 1, 31), UTC, now=datetime(2026, 2, 1, tzinfo=UTC)).isoformat()
    '2026-02-01T00:00:00+00:00'
    """
    end = datetime.combine(as_of + timedelta(days=1), time(), timezone)
    return end if end <= now else None


def source_time(contract: Contract, *, as_of: date, ended_at: datetime | None, from_present_rows: bool) -> SourceTime:
    """Return how the rows of a run relate to its date: those of the date itself, as kept for it, or today's instead.

    Raises ConfigurationError for a past date when there is no dated source and nobody has asked for the present rows.
    """
    if ended_at is None:
        return "present"
    if from_present_rows:
        return "substituted"
    if contract.dated_source is None:
        raise ConfigurationError(
            f"{as_of} is past, and customers.yaml names no dated_source to read its customers from; name one, or ask "
            "for the present rows in their place: from_present_rows in a DAG's parameters, --from-present-rows in a "
            "terminal"
        )
    return "dated"
