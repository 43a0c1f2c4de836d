"""Days as people type them."""

from __future__ import annotations

import calendar
import re
from datetime import date

import typer

_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


def read_day(text: str) -> date:
    """Return the day that a text such as 2026-01-31 names; BadParameter for another text and for a day that is none.

    >>> read_day("2026-01-31")
    datetime.date(2026, 1, 31)
    """
    if (found := _DAY.fullmatch(text.strip())) is None:
        raise typer.BadParameter(f"{text!r} is no date; write it as 2026-01-31, the year first")
    year, month, day = map(int, found.groups())
    try:
        return date(year, month, day)
    except ValueError:
        raise typer.BadParameter(f"{text} is a day that does not exist{_why(year, month)}") from None


def _why(year: int, month: int) -> str:
    if not 1 <= month <= 12:
        return ": a year has 12 months"
    if year < 1:
        return ": there is no year 0"
    return f": {calendar.month_name[month]} {year} has {calendar.monthrange(year, month)[1]} days"
