"""The temper of a company: how fast it grows, when it rests, what it celebrates, and how its data team works.

Every figure is drawn from a seed within LIMITS, which hold what a data team would let pass without a question. Left
out, because an honest team would want to be asked about them, or would announce them:

- migrations, mergers, a new market, a new shop system, keys that are given anew, a column that changes its meaning;
- growth beyond 3 % a week, bursts that bring more than 6 % of all customers between two deliveries, clean-ups of more
  than 2 %: a clean-up of 10 % is right now and then, and still nobody wants it published unseen;
- an epidemic, a bankruptcy, a recall: behaviour that changes everywhere within days;
- campaigns that reach everybody, or double what people spend: the ones here reach at most a third and lift a year's
  figures by at most a quarter; so do Christmas and its end, over weeks;
- a source that is silent for more than five days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

LIMITS = {
    "new": 0.06,  # most new customers of a delivery, as a share of those before
    "gone": 0.03,  # most customers who leave between two deliveries
    "growth": 0.03,  # sign-ups less leavers, a week
    "clean_up": 0.02,
    "silent_days": 5,
}
BEGINS = date(2025, 1, 1)
HOLIDAYS = frozenset({(1, 1), (1, 6), (5, 1), (10, 3), (12, 24), (12, 25), (12, 26), (12, 31)})


@dataclass(frozen=True)
class Temper:
    """What makes a company's nights differ from another's."""

    begins: date
    nights: int
    growth: float  # share a week
    churn: float  # share a week
    quiet: frozenset[int]  # weekdays without a delivery, Monday is 0
    rests_on_holidays: bool
    week: tuple[float, ...]  # activity by weekday, of mean one
    campaigns: tuple[int, ...]  # the first nights of campaign weeks
    campaign_reach: float
    campaign_lift: float
    bursts: frozenset[int]  # nights with more sign-ups
    burst: float  # how many times the usual
    christmas: float  # the lift of a December, at its height
    drift: tuple[float, float, float]  # relative change of the three columns in a year
    clean_up_months: int  # between two clean-ups; 0: never
    clean_up: float
    late: frozenset[int]  # nights on which the delivery came too late
    skipped: frozenset[int]  # nights without a run
    ages_at_new_year: bool
    missing_age: float
    missing_other: float
    faulty: float  # share of rows that are always rejected
    countries: tuple[float, ...]
    branches: tuple[float, ...]

    def date(self, night: int) -> date:
        """Return the date of a night."""
        return self.begins + timedelta(days=night)

    def delivers(self, night: int) -> bool:
        """Return whether the source is loaded anew on a night."""
        day = self.date(night)
        resting = self.rests_on_holidays and (day.month, day.day) in HOLIDAYS
        return not (day.weekday() in self.quiet or resting or night in self.late)

    def activity(self, night: int) -> float:
        """Return how much happens on a day, about one."""
        return self.week[self.date(night).weekday()] * (1.3 if self.season(night) > 0.5 * self.christmas > 0 else 1)

    def season(self, night: int) -> float:
        """Return the lift of Christmas, which rises through December and fades until February."""
        day = self.date(night)
        christmas = date(day.year, 12, 24)
        before = (christmas - day).days
        if 0 <= before <= 30:
            return self.christmas * (1 - before / 30)
        after = (day - (christmas if before < 0 else date(day.year - 1, 12, 24))).days
        return self.christmas * max(0.0, 1 - after / 40)

    def in_campaign(self, night: int) -> bool:
        """Return whether a night is in a campaign week."""
        return any(first <= night < first + 7 for first in self.campaigns)

    def sign_ups(self, night: int) -> float:
        """Return the share of new customers that is expected of a day."""
        factor = (2 if self.in_campaign(night) else 1) * (self.burst if night in self.bursts else 1)
        return (self.growth + self.churn) / 7 * self.week[self.date(night).weekday()] * factor

    def cleans_up(self, night: int) -> bool:
        """Return whether dead accounts are removed on a night."""
        day = self.date(night)
        return bool(self.clean_up_months) and day.day == 2 and day.month % self.clean_up_months == 0

    def remarks(self, night: int) -> Iterator[str]:
        """Yield what an insider would say of a night."""
        facts = {
            "unchanged": not self.delivers(night),
            "late": night in self.late,
            "campaign": self.in_campaign(night),
            "burst": night in self.bursts,
            "christmas": self.season(night) > 0,
            "clean-up": self.cleans_up(night),
            "new year": self.ages_at_new_year and self.date(night).timetuple().tm_yday <= 3,
        }
        yield from (name for name, holds in facts.items() if holds)


def draw_temper(seed: int, *, nights: int) -> Temper:
    """Return the temper of the company of a seed, for so many nights."""
    rng = np.random.default_rng([seed, 1])
    rhythms: list[frozenset[int]] = [frozenset(), frozenset({6}), frozenset({6}), frozenset({5, 6})]
    clean_up_months = int(rng.choice([0, 1, 3]))
    begins = BEGINS + timedelta(days=int(rng.integers(0, 365)))
    return Temper(
        begins=begins,
        nights=nights,
        growth=float(rng.choice([0.0, rng.uniform(0, 0.01), rng.uniform(0, LIMITS["growth"])])),
        churn=float(rng.uniform(0, 0.008)),
        quiet=rhythms[int(rng.integers(len(rhythms)))],
        rests_on_holidays=bool(rng.random() < 0.7),
        week=_week(rng),
        campaigns=tuple(int(night) for night in rng.integers(10, max(11, nights - 7), rng.integers(0, 4))),
        campaign_reach=float(rng.uniform(0.05, 0.33)),
        campaign_lift=float(rng.uniform(0.05, 0.25)),
        bursts=_some(rng, nights, 0.02),
        burst=float(rng.uniform(2, 4)),
        christmas=float(rng.uniform(0, 0.15)),
        drift=(float(rng.uniform(-0.1, 0.15)), float(rng.uniform(-0.1, 0.1)), float(rng.uniform(-0.02, 0.06))),
        clean_up_months=clean_up_months,
        clean_up=float(rng.uniform(0.002, 0.01 if clean_up_months == 1 else LIMITS["clean_up"])),
        late=frozenset(night for night in _some(rng, nights, 0.015) if _may_be_late(begins + timedelta(days=night))),
        skipped=_some(rng, nights, 0.007),
        ages_at_new_year=bool(rng.random() < 0.4),
        missing_age=float(rng.uniform(0.02, 0.2)),
        missing_other=float(rng.uniform(0.01, 0.1)),
        faulty=float(rng.choice([0.0, rng.uniform(0, 0.02)])),
        countries=_shares(rng, 5, least=0.08),
        branches=_shares(rng, 6, least=0.08),
    )


def _week(rng: np.random.Generator) -> tuple[float, ...]:
    week = rng.uniform(0.7, 1.3, 7) * np.array([1, 1, 1, 1, 1.1, 0.8, rng.uniform(0.1, 1)])
    return tuple(float(day) for day in week / week.mean())


def _some(rng: np.random.Generator, nights: int, share: float) -> frozenset[int]:
    return frozenset(int(night) for night in np.flatnonzero(rng.random(nights) < share) if night > 0)


def _may_be_late(day: date) -> bool:
    """Return whether a delivery can be late without prolonging a weekend or the days around New Year."""
    return 1 <= day.weekday() <= 3 and (day.month, day.day) not in HOLIDAYS and 8 <= day.timetuple().tm_yday <= 350


def _shares(rng: np.random.Generator, count: int, *, least: float) -> tuple[float, ...]:
    drawn: Any = rng.dirichlet(np.full(count, 3.0))
    return tuple(float(share) for share in least + (1 - count * least) * drawn)
