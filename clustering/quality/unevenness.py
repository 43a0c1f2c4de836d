"""Whether a part of the customers stands still while the others go on, or changes while they stand still.

Customers of a part change at a rate that is a multiple of all customers' rate; which one, the nights before tell: who
signed up long ago may do less. Of all runs of neighbouring parts that is sought which is least like the others, by the
ratio of the likelihoods with one rate for all and with one for either side (Kulldorff, A spatial scan statistic, 1997).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import mean
from typing import NamedTuple

from clustering.quality.allowances import FEWEST_NIGHTS, PastFigure, rate_of
from clustering.quality.comparisons import Figure, Key
from clustering.quality.steps import PartSteps

LEAST_LIKELIHOOD = 16.0  # logarithm of the ratio; some hundred overlapping runs reach it once in 100,000 nights
TIMES = 6.0  # the others' rate, or less than a sixth of it


def uneven_figure(model: str, parts: Sequence[PartSteps], past: Mapping[Key, Sequence[PastFigure]]) -> Figure:
    """Return the share of the customers who would have had to do otherwise for all parts to be alike, 0 if they are."""
    rates = usual_rates([past.get((model, "part", str(number)), ()) for number in range(1, len(parts) + 1)])
    found = most_uneven(parts, rates) if rates else None
    customers = sum(part.customers for part in parts)
    if found is None:
        said = f"the customers of {model} have changed alike, in the order of their keys"
        return Figure("uneven", "customers", 0.0, customers, said, model)
    said = (
        f"in the order of their keys, {found.inside:.1%} of the customers have changed for {model} in sixteenths "
        f"{found.first + 1} to {found.last + 1}, and {found.outside:.1%} of the others"
    )
    return Figure("uneven", "customers", found.apart, customers, said, model)


@dataclass(frozen=True)
class Unevenness:
    """The run of parts, from `first` to `last`, that is least like the others, and the shares that have changed.

    `apart` is the share of all customers who would have had to do otherwise.
    """

    first: int
    last: int
    inside: float
    outside: float
    apart: float


def usual_rates(past: Sequence[Sequence[PastFigure]]) -> list[float] | None:
    """Return each part's usual rate, as a multiple of that of all, by the shares of changed customers in the past.

    None where there are too few nights of any part, or none with changes.
    """
    if min((len(nights) for nights in past), default=0) < FEWEST_NIGHTS:
        return None
    shares = [mean(one.value for one in nights) for nights in past]
    whole = rate_of(mean(shares))
    return [rate_of(share) / whole for share in shares] if whole else None


def most_uneven(parts: Sequence[PartSteps], rates: Sequence[float]) -> Unevenness | None:
    """Return what is beyond chance and by more than TIMES unlike the others; None where nothing is."""
    expected = _expected(parts, rates)
    found = [one for one in _runs(parts, rates, expected) if one[0] >= LEAST_LIKELIHOOD]
    return max(found, key=lambda one: one[0])[1] if found else None


def _runs(
    parts: Sequence[PartSteps], rates: Sequence[float], expected: Sequence[float]
) -> Iterator[tuple[float, Unevenness]]:
    whole = _Side.of(parts, rates, expected)
    before = [_Side.of(parts[:end], rates[:end], expected[:end]) for end in range(len(parts))] + [whole]
    for first, end in combinations(range(len(parts) + 1), 2):
        run = before[end].without(before[first])
        rest = whole.without(run)
        if not (run.exposed and rest.exposed and run.expected > 0 and rest.expected > 0):
            continue
        if max(run.rate, rest.rate) < TIMES * min(run.rate, rest.rate):
            continue
        apart = max(run.otherwise(rest.rate), rest.otherwise(run.rate)) / whole.customers
        yield run.gain + rest.gain, Unevenness(first, end - 1, run.share, rest.share, apart)


class _Side(NamedTuple):
    """A run of parts, or all others.

    `exposed` are its customers times what is usual of their parts, `expected` of them would change at one rate for all.
    """

    customers: int
    changed: int
    exposed: float
    expected: float

    @classmethod
    def of(cls, parts: Sequence[PartSteps], rates: Sequence[float], expected: Sequence[float]) -> _Side:
        exposed = sum(part.customers * one for part, one in zip(parts, rates, strict=True))
        customers, changed = sum(part.customers for part in parts), sum(part.changed for part in parts)
        return cls(customers, changed, exposed, sum(expected))

    def without(self, part: _Side) -> _Side:
        """Return the others."""
        return _Side(*map(operator.sub, self, part))

    @property
    def share(self) -> float:
        """Share of the customers who have changed, 0 to 1."""
        return self.changed / max(1, self.customers)

    @property
    def rate(self) -> float:
        """The customers' rate, as a multiple of what is usual of them."""
        return rate_of(self.share) * self.customers / self.exposed

    def otherwise(self, rate: float) -> float:
        """Return how many more or fewer would have changed by another rate."""
        return abs(self.changed + self.customers * math.expm1(-rate * self.exposed / max(1, self.customers)))

    @property
    def gain(self) -> float:
        """By how much the logarithm of the likelihood of what has changed exceeds that of what was expected."""
        return self._log_likelihood(self.share) - self._log_likelihood(self.expected / self.customers)

    def _log_likelihood(self, share: float) -> float:
        still = self.customers - self.changed
        return (self.changed * math.log(share) if self.changed else 0.0) + (still * math.log1p(-share) if still else 0)


def _expected(parts: Sequence[PartSteps], rates: Sequence[float]) -> list[float]:
    """Return how many would have changed in each part with one rate for all by which as many do in all."""
    changed = sum(part.changed for part in parts)

    def by(one: float) -> list[float]:
        return [part.customers * -math.expm1(-one * each) for part, each in zip(parts, rates, strict=True)]

    low, high = 0.0, 64.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(by(middle)) < changed else (low, middle)
    return by(high)
