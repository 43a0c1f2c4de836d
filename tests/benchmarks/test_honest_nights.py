"""Made-up companies have honest nights: within the limits that they declare, and the same for the same seed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from sources.honest import GENERATORS
from sources.layout import AGE, KEY, Night
from sources.temper import LIMITS, draw_temper

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 15))]
NIGHTS = 200
MOST_CHANGE = 0.12  # of the mean of a column between two nights


def company(generator: str, seed: int, size: int = 300, nights: int = NIGHTS) -> list[Night]:
    return list(GENERATORS[generator].nights(seed, size=size, nights=nights))


@pytest.mark.parametrize("generator", GENERATORS)
def test_nights_are_the_same_for_the_same_seed(generator: str) -> None:
    """Another seed gives another company."""
    first, again, other = (company(generator, seed, nights=20) for seed in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(one.customers, two.customers)
        assert (one.as_of, one.remarks) == (two.as_of, two.remarks)
    assert not first[-1].customers.equals(other[-1].customers)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("generator", GENERATORS)
def test_nights_keep_their_limits(generator: str, seed: int) -> None:
    """Who comes and goes between two deliveries, and how much a column's mean changes, is what LIMITS say."""
    layout, nights = GENERATORS[generator].layout, company(generator, seed)
    runs_missed = draw_temper(seed, nights=NIGHTS).skipped
    assert len(nights) == NIGHTS - len(runs_missed)
    for former, night in pairwise(nights):
        before, after = former.customers, night.customers
        assert after[KEY].is_unique
        deliveries = (night.as_of - former.as_of).days
        new, gone = set(after[KEY]) - set(before[KEY]), set(before[KEY]) - set(after[KEY])
        assert len(new) <= LIMITS["new"] * len(before) * deliveries
        assert len(gone) <= LIMITS["gone"] * len(before) * deliveries
        for name in layout.clustered:
            assert after[name].mean() == pytest.approx(before[name].mean(), rel=MOST_CHANGE * deliveries), name
            assert abs(after[name].isna().mean() - before[name].isna().mean()) <= 0.05
        if "unchanged" in night.remarks and deliveries == 1:
            pd.testing.assert_frame_equal(before, after)
    growth = len(nights[-1].customers) / len(nights[0].customers)
    assert 0.7 <= growth <= (1 + LIMITS["growth"]) ** (NIGHTS / 7) * 1.35


def test_tempers_differ() -> None:
    """Among a hundred companies are those that rest on Sundays and that do not, that grow and that do not."""
    tempers = [draw_temper(seed, nights=NIGHTS) for seed in range(100)]
    assert {len(temper.quiet) for temper in tempers} == {0, 1, 2}
    assert {temper.clean_up_months for temper in tempers} == {0, 1, 3}
    assert min(temper.growth for temper in tempers) == 0
    assert 0.02 < max(temper.growth for temper in tempers) <= LIMITS["growth"]
    assert max(temper.clean_up for temper in tempers) <= LIMITS["clean_up"]
    remarks = {remark for temper in tempers for night in range(NIGHTS) for remark in temper.remarks(night)}
    assert remarks == {"unchanged", "late", "campaign", "burst", "christmas", "clean-up", "new year"}
    for temper in tempers:
        silent = "".join(" " if temper.delivers(night) else "x" for night in range(NIGHTS)).split()
        assert max(map(len, silent), default=0) <= LIMITS["silent_days"]
        assert np.mean(temper.week) == pytest.approx(1)


@pytest.mark.parametrize("generator", GENERATORS)
def test_customers_grow_older(generator: str) -> None:
    """Who stays is a year older after a year at most, and some are."""
    nights = company(generator, 5)
    first, last = (night.customers.set_index(KEY)[AGE] for night in (nights[0], nights[-1]))
    years = (last - first).dropna()
    assert set(years) == {0.0, 1.0}
