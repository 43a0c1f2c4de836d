"""Honest nights by walks: each customer's income, spending and visits move around the centre of the customer's group.

Those who are active on a day take a step back to their centre and a random one; now and then somebody changes the
group. Values are shown as of the customer's last activity, so that a quiet day changes few rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sources.deliveries import delivered_nights
from sources.layout import WALKS, Night
from sources.people import Array, People, Turnstile, fraction_of_year, without
from sources.temper import Temper, draw_temper

# Income a year, spending a year, visits a year: the centres of groups.
CENTRES = np.array([[85e3, 5e3, 40], [55e3, 2e3, 20], [25e3, 500, 6], [90e3, 600, 8], [27e3, 3e3, 30]])
SPREADS = np.array([0.12, 0.22, 0.22])  # of the logarithms within a group
MEMORY = 0.95  # of a day's place on the next day that the customer is active


class Walk:
    """A company whose customers walk."""

    def __init__(self, seed: int, size: int, temper: Temper) -> None:
        self.temper, self.rng = temper, np.random.default_rng([seed, 2])
        groups = int(self.rng.integers(3, len(CENTRES) + 1))
        chosen = np.sort(self.rng.choice(len(CENTRES), groups, replace=False))
        self.centres = np.log(CENTRES[chosen] * self.rng.uniform(0.9, 1.1, (groups, 3)))
        self.shares = 0.1 + (1 - 0.1 * groups) * self.rng.dirichlet(np.full(groups, 4.0))
        self.active = float(self.rng.uniform(0.05, 0.3))  # the share of customers who do something on a day
        self.fickle = float(self.rng.uniform(0, 0.001))  # the share who change the group on a day
        self.people = People.draw(temper, self.rng, 0, first=0, year=0.0)
        self.group, self.place, self.shown = np.zeros(0, int), np.zeros((0, 3)), np.zeros((0, 3))
        self.asleep, self.reached, self.lifted = np.zeros(0, bool), np.zeros(0, bool), np.zeros(0)
        self.changed = np.zeros(0, int)
        self.turnstile = Turnstile(size)
        self.next_number = 1
        self._sign_up(size, 0)

    def live(self, night: int) -> None:
        """Let a day pass."""
        temper, rng = self.temper, self.rng
        chance = np.full(len(self.people), temper.churn / 7)
        if temper.cleans_up(night):
            chance[self.asleep] = min(1.0, temper.clean_up / max(self.asleep.mean(), 1e-9))
        self._leave(self.turnstile.go(rng, chance))
        self._sign_up(self.turnstile.come(rng, temper.sign_ups(night) * len(self.people)), night)
        active = rng.random(len(self.people)) < self.active * temper.activity(night)
        moving = np.flatnonzero(active & (rng.random(len(active)) < self.fickle / self.active))
        self.group[moving] = rng.choice(len(self.centres), len(moving), p=self.shares)
        self.asleep &= ~(active & (rng.random(len(active)) < 0.02))
        if temper.in_campaign(night):
            self.lifted[active & self.reached] = np.log1p(temper.campaign_lift)
        else:
            self.lifted *= 0.97
        self._step(np.flatnonzero(active), night)

    def frame(self, night: int) -> pd.DataFrame:
        """Return the table as it would be delivered on a night."""
        customers = self.people.frame(self.temper, self.temper.date(night), self.changed)
        income, spending, visits = self.shown.T
        customers[WALKS.money] = np.where(self.asleep, 0.0, spending).round(2)
        customers[WALKS.count] = np.where(self.asleep, 0.0, visits).round()
        customers[WALKS.other] = np.where(self.people.no_other, np.nan, income.round(-2))
        return customers[list(WALKS.columns)]

    def _sign_up(self, count: int, night: int) -> None:
        rng, old = self.rng, len(self.people)
        year = fraction_of_year(self.temper.date(night))
        self.people.add(People.draw(self.temper, rng, count, first=self.next_number, year=year))
        self.next_number += count
        group = rng.choice(len(self.centres), count, p=self.shares)
        place = rng.normal(size=(count, 3))
        self.group, self.place = np.concatenate([self.group, group]), np.vstack([self.place, place])
        self.asleep = np.concatenate([self.asleep, rng.random(count) < 0.06])
        self.reached = np.concatenate([self.reached, rng.random(count) < self.temper.campaign_reach])
        self.lifted = np.concatenate([self.lifted, np.zeros(count)])
        self.changed = np.concatenate([self.changed, np.full(count, night)])
        self.shown = np.vstack([self.shown, np.zeros((count, 3))])
        self._step(np.arange(old, old + count), night)

    def _leave(self, leaving: Array) -> None:
        kept = without(len(self.people), leaving)
        self.people.take(kept)
        for name in ("group", "place", "shown", "asleep", "reached", "lifted", "changed"):
            setattr(self, name, getattr(self, name)[kept])

    def _step(self, active: Array, night: int) -> None:
        noise = self.rng.normal(size=(len(active), 3))
        self.place[active] = MEMORY * self.place[active] + np.sqrt(1 - MEMORY**2) * noise
        spending, visits, income = (change * night / 365 for change in self.temper.drift)
        lift = self.temper.season(night)
        trend = np.array([income, spending + lift, visits + lift / 2])
        logs = self.centres[self.group[active]] + SPREADS * self.place[active] + trend
        logs[:, 1] += self.lifted[active]
        self.shown[active] = np.exp(logs)
        self.changed[active] = night


def walking_nights(seed: int, *, size: int, nights: int) -> Iterator[Night]:
    """Yield the nights of the company of a seed that begins with `size` customers; the same for the same arguments."""
    yield from delivered_nights(Walk(seed, size, draw_temper(seed, nights=nights)), nights=nights)
