"""A part of the customers that stands still, or changes, beside the others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from clustering.config import Checks
from clustering.quality.allowances import FEWEST_NIGHTS, PastFigure
from clustering.quality.comparisons import Figure, Key
from clustering.quality.findings import judge
from clustering.quality.steps import PARTS, PartSteps
from clustering.quality.unevenness import most_uneven, uneven_figure, usual_rates

TODAY = date(2026, 11, 22)


def past(shares: Sequence[float], *, nights: int = 30) -> dict[Key, list[PastFigure]]:
    """Return so many nights with the same share of changed customers in each part."""
    days = [TODAY - timedelta(days=1 + night) for night in range(nights)]
    return {
        ("kmeans", "part", str(place)): [PastFigure(day, 1, share) for day in days]
        for place, share in enumerate(shares, 1)
    }


def parts(changed: Sequence[int], customers: int = 12) -> list[PartSteps]:
    """Return the parts of a night, each with as many customers."""
    return [PartSteps(customers, count, 0) for count in changed]


def test_half_that_stands_still_is_told_with_both_shares() -> None:
    """Of two hundred customers, a quarter changes on such a day; of the second half, nobody has."""
    night = parts([3, 4, 2, 5, 3, 3, 4, 2, *[0] * 8])
    figure = uneven_figure("kmeans", night, past([0.25] * PARTS))
    assert figure.value == pytest.approx(26 / 192, abs=0.003)
    assert "27.1% of the customers have changed for kmeans in sixteenths 1 to 8, and 0.0% of the others" in figure.words


def test_part_that_is_a_month_old_is_told() -> None:
    """Nearly everybody in it has changed, and few of the others."""
    found = most_uneven(parts([2, 1, 3, 2, 1, 2, 2, 1, 2, 3, 1, 2, 12, 12, 12, 11]), [1.0] * PARTS)
    assert found is not None
    assert (found.first, found.last) == (0, 11)
    assert found.inside == pytest.approx(22 / 144)
    assert found.outside == pytest.approx(47 / 48)


def test_few_customers_may_stand_still_by_chance() -> None:
    """One customer in twenty changes on such a day: a quarter of two hundred without any is no wonder."""
    assert most_uneven(parts([1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0]), [1.0] * PARTS) is None


def test_who_never_does_much_is_expected_to_stand_still() -> None:
    """The oldest keys change a tenth as often as the others, and so they do tonight."""
    shares = [0.02] * 8 + [0.2] * 8
    night = parts([2] * 8 + [20] * 8, customers=100)
    assert most_uneven(night, [1.0] * PARTS) is not None
    assert uneven_figure("kmeans", night, past(shares)).value == 0
    assert uneven_figure("kmeans", parts([2] * 8 + [0] * 8, customers=100), past(shares)).value > 0.05


def test_nothing_is_said_before_there_are_enough_nights_or_where_nothing_ever_changes() -> None:
    """What is usual of a part is not known then."""
    night = parts([6] * 8 + [0] * 8)
    assert uneven_figure("kmeans", night, past([0.25] * PARTS, nights=FEWEST_NIGHTS - 1)).value == 0
    assert usual_rates([[PastFigure(TODAY, 1, 0.0)] * 30] * PARTS) is None
    assert uneven_figure("kmeans", parts([0] * 16), past([0.25] * PARTS)).value == 0


def test_chance_alone_is_no_finding() -> None:
    """Two thousand nights of two hundred customers who change independently."""
    draws = np.random.default_rng(1)
    nights = [(draws.binomial(12, share, PARTS)) for share in draws.uniform(0.01, 0.95, 2_000)]
    assert not any(most_uneven(parts(night.tolist()), [1.0] * PARTS) for night in nights)


def test_what_was_uneven_before_may_be_so_again() -> None:
    """A branch that is loaded once a week is no news, but for the first time."""
    figure = Figure("uneven", "customers", 0.1, 1_000, "in the order of their keys", "kmeans")
    for seen, finding in ((0.0, "hold"), (0.08, None)):
        before = {figure.key: [PastFigure(TODAY - timedelta(days=7), 1, seen)]}
        [judged] = judge([figure], before, Checks(), as_of=TODAY, days=1)
        assert judged.finding == finding
