"""Honest nights by events: customers arrive and order, and recency, orders and revenue are counted anew each night.

The newcomers are drawn from the founders with some change, so that a population keeps its look and its composition
does not: who is new has ordered little. What is delivered counts the last 365 days, as a shop's own query would.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
import pandas as pd

from sources.deliveries import delivered_nights
from sources.layout import ORDERS, Night
from sources.people import Array, People, Turnstile, fraction_of_year, without
from sources.temper import Temper, draw_temper

WINDOW = 365  # days that are counted
# Orders a year, value of an order, share: regulars, big spenders, one-timers, bargain hunters.
HABITS = np.array([[12.0, 60.0], [30.0, 140.0], [1.2, 45.0], [6.0, 18.0]])
NEVER = -10_000


class Shop:
    """A company with its orders; the state of a customer stands at the customer's place."""

    def __init__(self, seed: int, size: int, temper: Temper) -> None:
        self.temper, self.rng = temper, np.random.default_rng([seed, 3])
        self.shares = 0.1 + 0.6 * self.rng.dirichlet(np.full(len(HABITS), 4.0))
        self.lapsing = float(
            self.rng.uniform(0.0002, 0.001)
        )  # chance a day of ordering no more, and a third of the chance of ordering again
        self.people = People.draw(temper, self.rng, size, first=1, year=fraction_of_year(temper.begins))
        habit = self.rng.choice(len(HABITS), size, p=self.shares)
        self.habits = HABITS[habit] * np.exp(self.rng.normal(0, [0.3, 0.25], (size, 2)))
        self.founders = self.habits.copy()
        self.orders, self.cents = np.zeros(size, int), np.zeros(size, int)
        self.last = np.full(size, NEVER)
        self.lapsed, self.reached = self.rng.random(size) < 0.25, self.rng.random(size) < temper.campaign_reach
        self.joined = -(self.rng.exponential(500, size)).astype(int)
        self.events: deque[tuple[Array, Array]] = deque()  # of each day in the window: customers' numbers and cents
        self.turnstile, self.next_number = Turnstile(size), size + 1
        for day in range(-WINDOW, 0):
            self._order(day)

    def live(self, night: int) -> None:
        """Let a day pass."""
        temper, rng = self.temper, self.rng
        chance = np.full(len(self.people), temper.churn / 7)
        if temper.cleans_up(night):
            dead = self.orders == 0
            chance[dead] = min(1.0, temper.clean_up / max(dead.mean(), 1e-9))
        self._leave(self.turnstile.go(rng, chance))
        self._sign_up(self.turnstile.come(rng, temper.sign_ups(night) * len(self.people)), night)
        self._order(night)

    def frame(self, night: int) -> pd.DataFrame:
        """Return the table as it would be delivered on a night."""
        changed = np.maximum(self.last, self.joined)
        customers = self.people.frame(self.temper, self.temper.date(night), changed)
        customers[ORDERS.money] = self.cents / 100
        customers[ORDERS.count] = self.orders.astype(float)
        customers[ORDERS.other] = np.where(self.orders > 0, night - self.last, np.nan)
        return customers[list(ORDERS.columns)]

    def _order(self, night: int) -> None:
        rng, year = self.rng, night / 365
        money, count, _ = self.temper.drift
        level = self.temper.activity(night) * (1 + count * year) * (1 + 2 * self.temper.season(night))
        rate = self.habits[:, 0] / 365 * level * (self.joined <= night)
        if self.temper.in_campaign(night):
            rate = rate * np.where(self.reached, 1 + 8 * self.temper.campaign_lift, 1)
        luck = rng.random(len(rate))
        self.lapsed = np.where(self.lapsed, luck >= 3 * self.lapsing, luck < self.lapsing)
        rate = np.where(self.lapsed, 0.02 * rate, rate)
        sums = np.cumsum(rate)
        who = np.searchsorted(sums, rng.uniform(0, sums[-1], rng.poisson(sums[-1])), side="right")
        value = self.habits[who, 1] * np.exp(rng.normal(0, 0.5, len(who))) * (1 + money * year)
        cents = np.round(value * 100).astype(int)
        self.events.append((self.people.number[who], cents))
        self._count(who, cents, sign=1)
        self.last[who] = night
        if len(self.events) > WINDOW:
            numbers, cents = self.events.popleft()
            who = np.minimum(np.searchsorted(self.people.number, numbers), len(self.people) - 1)
            here = self.people.number[who] == numbers  # the others have left
            self._count(who[here], cents[here], sign=-1)

    def _count(self, who: Array, cents: Array, *, sign: int) -> None:
        size = len(self.people)
        self.orders += sign * np.bincount(who, minlength=size)
        self.cents += sign * np.bincount(who, weights=cents, minlength=size).round().astype(int)

    def _sign_up(self, count: int, night: int) -> None:
        rng = self.rng
        year = fraction_of_year(self.temper.date(night))
        self.people.add(People.draw(self.temper, rng, count, first=self.next_number, year=year))
        self.next_number += count
        like = self.founders[rng.integers(0, len(self.founders), count)] * np.exp(rng.normal(0, 0.1, (count, 2)))
        self.habits = np.vstack([self.habits, like])
        news: dict[str, Array] = {
            "orders": np.zeros(count, int),
            "cents": np.zeros(count, int),
            "last": np.full(count, NEVER),
            "lapsed": np.zeros(count, bool),
            "reached": rng.random(count) < self.temper.campaign_reach,
            "joined": np.full(count, night),
        }
        for name, values in news.items():
            setattr(self, name, np.concatenate([getattr(self, name), values]))

    def _leave(self, leaving: Array) -> None:
        kept = without(len(self.people), leaving)
        self.people.take(kept)
        for name in ("habits", "orders", "cents", "last", "lapsed", "reached", "joined"):
            setattr(self, name, getattr(self, name)[kept])


def ordering_nights(seed: int, *, size: int, nights: int) -> Iterator[Night]:
    """Yield the nights of the shop of a seed that begins with `size` customers; the same for the same arguments."""
    shop = Shop(seed, size, draw_temper(seed, nights=nights))
    shop.live(0)
    yield from delivered_nights(shop, nights=nights)
