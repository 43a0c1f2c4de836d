"""Differences between two samples, against the textbook's figures and against simulated chance."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from scipy.stats import chi2_contingency, fisher_exact, norm

from clustering.drift.chance import difference


def test_effect_is_cohens_w() -> None:
    """Shares of 60, 30 and 10 % against a third each way: the root of chi-square over the effective customers."""
    found = difference([60, 30, 10], [40, 40, 20], level=0.05)
    chi_square = chi2_contingency([[60, 30, 10], [40, 40, 20]], correction=False).statistic
    assert found.effect == pytest.approx(np.sqrt(chi_square * (1 / 100 + 1 / 100)))
    assert found.by_chance == pytest.approx(np.sqrt(5.991 * 0.02), rel=1e-4)


def test_effect_does_not_grow_with_the_customers() -> None:
    """A hundred times as many customers leave the effect as it is and let chance bring a tenth."""
    few = difference([60, 30, 10], [40, 40, 20], level=0.01)
    many = difference([6_000, 3_000, 1_000], [4_000, 4_000, 2_000], level=0.01)
    assert many.effect == pytest.approx(few.effect)
    assert many.by_chance == pytest.approx(few.by_chance / 10)


def test_shift_of_a_feature_is_its_effect() -> None:
    """A normal feature that moves by 0.3 standard deviations has an effect of about 0.3 in its tenths."""
    edges = norm.ppf(np.arange(1, 10) / 10)
    shifted = np.diff([0, *norm.cdf(edges - 0.3), 1]) * 1e6
    assert difference(shifted.astype(int).tolist(), [100_000] * 10, level=0.01).effect == pytest.approx(0.29, abs=0.01)


@pytest.mark.parametrize(
    ("count", "rows", "expected", "others"),
    [(9, 200, 1, 200), (1, 200, 12, 200), (3, 200, 40, 20_000), (12, 1_000_000, 4, 20_000), (0, 50, 30, 300)],
)
def test_two_bins_are_compared_exactly(count: int, rows: int, expected: int, others: int) -> None:
    """With two bins the limit is exceeded just where half of Fisher's level is, however few the customers are."""
    side: Literal["greater", "less"] = "greater" if count * others > expected * rows else "less"
    table = np.array([[count, rows - count], [expected, others - expected]])
    p = fisher_exact(table, alternative=side).pvalue
    for level, exceeded in ((2.02 * p, True), (1.98 * p, False)):
        if level < 1:
            found = difference([count, rows - count], [expected, others - expected], level=level)
            assert (found.effect > found.by_chance) is exceeded


@pytest.mark.parametrize("counts", [([0, 0], [0, 0]), ([0, 0], [5, 5]), ([7], [9]), ([0, 40], [0, 60]), ([], [])])
def test_nothing_to_compare_is_no_difference(counts: tuple[list[int], list[int]]) -> None:
    """No customers, one bin, or all of them in one of two bins."""
    found = difference(*counts, level=0.01)
    assert found.effect == 0
    assert not found.effect > found.by_chance


def test_bins_that_hold_too_few_are_joined() -> None:
    """Of 30 customers in tenths, neighbours are taken together until ten or more are expected in each."""
    found = difference([3] * 10, [300] * 10, level=0.05)
    assert found.by_chance == pytest.approx(np.sqrt(3.841 * (1 / 30 + 1 / 3_000)), rel=0.5)
    lone = difference([0] * 9 + [30], [300] * 10, level=0.05)
    assert lone.effect > lone.by_chance


@pytest.mark.parametrize(
    ("rows", "others"), [(200, 200), (200, 2_000), pytest.param(20_000, 2_000, marks=pytest.mark.slow)]
)
def test_chance_exceeds_the_limit_as_often_as_was_asked_for(rows: int, others: int) -> None:
    """Ten bins and two: of 4,000 pairs of samples from one distribution about one in fifty is over the limit."""
    random = np.random.default_rng(0)
    for shares in (np.full(10, 0.1), np.array([0.03, 0.97])):
        pairs = zip(random.multinomial(rows, shares, 4_000), random.multinomial(others, shares, 4_000), strict=True)
        found = [difference(one.tolist(), other.tolist(), level=0.02) for one, other in pairs]
        over = sum(each.effect > each.by_chance for each in found)
        assert over <= 110  # of 80; the exact test stays below
        assert over >= (50 if len(shares) > 2 else 10)
