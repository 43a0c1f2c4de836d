"""What a date means for a run: when it ended, and where its customers are read from."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Literal, TypeAlias

from clustering.config import Contract
from clustering.errors import ConfigurationError

FIRST_ZONE = timezone(timedelta(hours=14))  # where a date begins first
SourceTime: TypeAlias = Literal["present", "dated", "substituted"]


def end_of_past(as_of: date, zone: tzinfo, *, now: datetime, here: tzinfo | None = None) -> datetime | None:
    """Return the moment at which a date ended in a time zone; None while it has not.

    Raises ConfigurationError for a date that has not begun there, nor, if they live elsewhere, `here`, where somebody
    asks for it.

    >>> from datetime import UTC
    >>> end_of_past(date(2026, 1, 31), UTC, now=datetime(2026, 2, 1, tzinfo=UTC)).isoformat()
    '2026-02-01T00:00:00+00:00'
    """
    require_begun(as_of, zone, here or zone, now=now)
    end = datetime.combine(as_of + timedelta(days=1), time(), zone)
    return end if end <= now else None


def require_begun(as_of: date, *zones: tzinfo, now: datetime) -> None:
    """Raise ConfigurationError for a date that has begun in none of some time zones, by default in no place at all.

    Published, it would stay the current one until then.
    """
    today = max(now.astimezone(zone).date() for zone in zones or [FIRST_ZONE])
    if as_of > today:
        raise ConfigurationError(
            f"as_of is {as_of}, which is still to come: it is {today}; correct the date, nothing was recorded"
        )


def source_time(contract: Contract, *, as_of: date, ended_at: datetime | None, from_present_rows: bool) -> SourceTime:
    """Return how the rows of a run relate to its date: those of the date itself, as kept for it, or today's instead.

    Raises ConfigurationError for a past date without a dated source when nobody has asked for the present
    rows, and for the present rows of a query that is dated itself.
    """
    if ended_at is None:
        return "present"
    if from_present_rows:
        if contract.origin.dates_itself:
            named = "path of its files" if contract.origin.files else "query of customers.yaml"
            raise ConfigurationError(
                f"from_present_rows is for a source that has no past dates, and the {named} names :as_of; leave it out"
            )
        return "substituted"
    if not contract.origin.is_dated:
        raise ConfigurationError(
            f"{as_of} is past, and the source in customers.yaml has no past dates: let source.query, or the "
            "path of source.files, name :as_of, or name source.dated beside the table, or ask for the present rows in "
            "their place, by the parameter from_present_rows"
        )
    return "dated"
