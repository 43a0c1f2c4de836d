"""Averages of too few customers, and what else would tell them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.segments.profiles import Profile
from clustering.segments.rounding import rounded, rounded_from
from clustering.segments.withholding import Why, extremes_tell, withheld
from tests.told_averages import Night, Segment, told_within

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
FEW, TOLD = Why.FEW, Why.TOLD
SAME = 4  # the segment that the same few are in every night


def profile(values: np.ndarray) -> Profile:
    """Return the profile of (n,) values."""
    if not len(values):
        return Profile(0)
    return Profile(len(values), sum(map(Fraction, values.tolist()), Fraction(0)), values.min(), values.max())


def cell(customers: int, mean: float, lowest: float = 18.0, highest: float = 90.0) -> Profile:
    """Return the profile of customers of an average age."""
    return Profile(customers, Fraction(mean) * customers, lowest, highest)


@given(NUMBERS)
def test_numbers_are_rounded_to_three_digits(value: float) -> None:
    """So does the decimal arithmetic that SQL has, halves away from zero; what is rounded comes from its interval."""
    short = rounded(value)
    assert short is not None
    exact = Decimal(value)
    if exact and abs(value) < 1.79e308:
        place = Decimal((0, (1,), exact.adjusted() - 2))
        assert short == float((exact / place).quantize(Decimal(1), ROUND_HALF_UP) * place) or abs(value) < 1e-300
    low, high = rounded_from(short)
    assert low <= Fraction(value) <= high or abs(value) < 1e-300 or abs(value) > 1.79e308


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ([cell(4_358, 40), cell(420, 35), cell(2, 60)], [None, None, FEW]),  # one segment more is not left out
        ([cell(60, 40), cell(40, 35), cell(4, 60)], [TOLD, TOLD, FEW]),
        ([cell(60, 40), cell(40, 35), cell(2, 60), cell(3, 30)], [None, None, FEW, FEW]),
        ([cell(60, 40), Profile(0)], [None, Why.NOBODY]),
        ([cell(3, 40)], [FEW]),
        ([cell(90, 0, 0, 0), cell(8, 0, 0, 0), cell(2, 3, 1, 5)], [TOLD, TOLD, FEW]),
        ([cell(90, 1, 1, 1), cell(8, 1, 1, 1), cell(2, 1, 1, 1)], [None, None, FEW]),  # everybody is alike
        ([cell(9_000, 1_980, 1_930, 2_008), cell(3, 1_960, 1_940, 1_990)], [None, FEW]),  # years of birth
    ],
)
def test_segments_that_are_left_out(cells: list[Profile], why: list[Why | None]) -> None:
    """Too few customers are, and others where rounded averages would tell theirs, or one another."""
    assert withheld(cells, least=5, is_protected=True, is_whole=True) == why
    few = [reason if reason is not TOLD else None for reason in why]
    assert withheld(cells, least=5, is_protected=False, is_whole=True) == few


@pytest.mark.parametrize(
    ("few", "tells"),
    [
        (cell(2, 40, 30, 50), False),
        (cell(2, 60, 30, 90.5), True),  # the greatest value of another model is theirs
        (cell(2, 17, 16, 18), True),
        (cell(1, 40, 40, 40), False),
        (cell(1, 95, 95, 95), True),
    ],
)
def test_extremes_of_too_few(few: Profile, tells: bool) -> None:
    """No model shows an extreme that a model which leaves somebody out does not show of its other segments."""
    why = [None, None, FEW]
    assert extremes_tell([([cell(4_000, 40), cell(19, 35, 10, 99), few], why)]) is True  # shown by nobody: 19 are few
    assert extremes_tell([([cell(4_000, 40), cell(420, 35), few], why)]) is tells
    assert extremes_tell([([cell(4_000, 40), few], [None, None])]) is False


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(20, 3_000),
    st.sampled_from(["ages", "amounts", "rare", "flags"]),
    st.integers(2, 4),
)
def test_no_average_of_too_few_is_told(seed: int, customers: int, kind: str, models: int) -> None:
    """A linear programme over rounded averages of all models and of some nights finds none within 10 %."""
    generator = np.random.default_rng(seed)
    values = {
        "ages": lambda: generator.integers(18, 91, customers).astype(float),
        "amounts": lambda: np.round(generator.lognormal(4, 1.2, customers), 2),
        "rare": lambda: np.where(generator.random(customers) < 0.03, generator.integers(1, 9, customers), 0.0),
        "flags": lambda: (generator.random(customers) < 0.4).astype(float),
    }[kind]()
    labels = [generator.choice(5, customers, p=generator.dirichlet([8, 4, 2, 1, 0.05])) for _ in range(models)]
    for few in labels:
        few[few == SAME] = 0
        few[: generator.integers(0, 5)] = SAME
    nights = []
    for _ in range(4):
        kept = np.arange(customers) < 5
        kept |= generator.random(customers) < 0.97
        nights.append(_night(values[kept], [one[kept] for one in labels], is_whole=kind != "amounts"))
    assert not told_within(nights, 0.1, least=5, is_whole=kind != "amounts")


def _night(values: np.ndarray, labels: list[np.ndarray], *, is_whole: bool) -> Night:
    by_model = {}
    for number, label in enumerate(labels):
        cells = [profile(values[label == segment]) for segment in range(5)]
        why = withheld(cells, least=5, is_protected=True, is_whole=is_whole)
        by_model[f"model {number}"] = {
            segment: Segment(
                cell.present, None if reason else rounded(cell.exact_mean), cell.mean or 0.0, segment == SAME
            )
            for segment, (cell, reason) in enumerate(zip(cells, why, strict=True))
            if cell.present
        }
    whole = profile(values)
    return Night(by_model, whole.present, rounded(whole.exact_mean), float(values.min()), float(values.max()))


def test_attack_finds_what_nobody_withholds() -> None:
    """Left out alone, the average of four among a hundred is told."""
    shown = {0: Segment(60, 40.0, 40.0, False), 1: Segment(40, 35.0, 35.0, False), SAME: Segment(4, None, 60.0, True)}
    night = Night({"kmeans": shown}, 104, rounded(Fraction(2_400 + 1_400 + 240, 104)), 18.0, 90.0)
    (told,) = told_within([night], 0.1, least=5, is_whole=True)
    assert (told.model, told.segment, told.true) == ("kmeans", SAME, 60.0)
