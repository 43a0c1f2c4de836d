"""Who a company's customers are: keys, branches, countries, ages, and what is missing or faulty in a row for good."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Self

import numpy as np
import pandas as pd

from sources.layout import AGE, BRANCHES, CHANGED, COUNTRIES, COUNTRY, KEY, keys
from sources.temper import LIMITS, Temper

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass
class People:
    """Customers who are there, one place of each array a customer."""

    number: Array
    branch: Array
    country: Array
    born: Array  # years, with the day as a fraction
    no_age: Array
    no_other: Array
    faulty: Array  # with an age that nobody has

    @classmethod
    def draw(cls, temper: Temper, rng: np.random.Generator, count: int, *, first: int, year: float) -> Self:
        """Return new customers with the numbers from `first` on."""
        return cls(
            number=np.arange(first, first + count),
            branch=rng.choice(len(BRANCHES), count, p=temper.branches),
            country=rng.choice(len(COUNTRIES), count, p=temper.countries),
            born=year - np.clip(rng.normal(44, 14, count), 18, 90),
            no_age=rng.random(count) < temper.missing_age,
            no_other=rng.random(count) < temper.missing_other,
            faulty=rng.random(count) < temper.faulty,
        )

    def __len__(self) -> int:
        return len(self.number)

    def take(self, kept: Array) -> None:
        """Keep some customers."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name)[kept])

    def add(self, others: People) -> None:
        """Let others come in."""
        for one in fields(self):
            setattr(self, one.name, np.concatenate([getattr(self, one.name), getattr(others, one.name)]))

    def frame(self, temper: Temper, day: date, changed: Array) -> pd.DataFrame:
        """Return the columns that do not depend on behaviour; `changed` (n,) are the days of the last changes."""
        today = fraction_of_year(day)
        age = np.floor(today) - np.floor(self.born) if temper.ages_at_new_year else np.floor(today - self.born)
        age = np.where(self.faulty, 999.0, np.where(self.no_age, np.nan, age))
        return pd.DataFrame(
            {
                KEY: keys(self.branch, self.number),
                COUNTRY: np.array(COUNTRIES, dtype=object)[self.country],
                AGE: age,
                CHANGED: np.datetime64(temper.begins) + changed.astype("timedelta64[D]"),
            }
        )


class Turnstile:
    """Counts who comes and goes between two deliveries, and lets no more through than LIMITS allow."""

    def __init__(self, customers: int) -> None:
        self.delivered(customers)

    def delivered(self, customers: int) -> None:
        """Begin to count anew after a delivery of so many customers."""
        self.coming, self.going = int(customers * LIMITS["new"]), int(customers * LIMITS["gone"])

    def come(self, rng: np.random.Generator, expected: float) -> int:
        """Return how many sign up, where so many are expected."""
        count = min(int(rng.poisson(expected)), self.coming)
        self.coming -= count
        return count

    def go(self, rng: np.random.Generator, chance: Array) -> Array:
        """Return the places of those who leave, each with a chance of its own."""
        leaving = np.flatnonzero(rng.random(len(chance)) < chance)
        leaving = rng.permutation(leaving)[: self.going]
        self.going -= len(leaving)
        return leaving


def fraction_of_year(day: date) -> float:
    """Return a day as a year with its fraction."""
    return day.year + (day.timetuple().tm_yday - 1) / 366


def without(count: int, places: Array) -> Array:
    """Return a mask of all places but some."""
    kept = np.ones(count, dtype=np.bool_)
    kept[places] = False
    return kept
