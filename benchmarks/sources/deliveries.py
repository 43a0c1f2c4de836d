"""The nights of a company that lives day by day: what its source holds when each night begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pandas as pd

from sources.layout import Night
from sources.people import Turnstile
from sources.temper import Temper


class Company(Protocol):
    """Customers who live from day to day, and the table that a delivery on a day makes of them."""

    temper: Temper
    turnstile: Turnstile

    def live(self, night: int) -> None:
        """Let a day pass."""

    def frame(self, night: int) -> pd.DataFrame:
        """Return the table of a delivery."""


def delivered_nights(company: Company, *, nights: int) -> Iterator[Night]:
    """Yield the nights of a company whose first day is over."""
    temper = company.temper
    customers = company.frame(0)
    for night in range(nights):
        if night:
            company.live(night)
        if temper.delivers(night) and night:
            customers = company.frame(night)
            company.turnstile.delivered(len(customers))
        if night not in temper.skipped:
            yield Night(temper.date(night), customers, frozenset(temper.remarks(night)))
