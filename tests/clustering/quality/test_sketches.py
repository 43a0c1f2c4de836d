"""Sketches of columns: exact counts in bins, whatever the order and the cuts, and their distance."""

from __future__ import annotations

import numpy as np
import pytest

from clustering.quality.sketches import LIFT, WIDTH, ColumnCounts, SketchAccumulator, beyond, distance, other_precision
from clustering.segments.profiles import ExactColumn

VALUES = np.concatenate(
    [
        np.random.default_rng(0).normal(0, 100, 5_000),
        np.random.default_rng(1).lognormal(3, 2, 5_000),
        [0.0, 0.0, -0.0, np.nan, -0.5, 0.5, 1.0, -1.0, 1e300, -1e-300],
    ]
)


def bounds(number: int) -> tuple[float, float]:
    """Return between which values a bin lies, the lower end included; the one of zero holds nothing else."""
    if number == 0:
        return 0.0, 0.0
    exponent, part = divmod(abs(number) - (number < 0), WIDTH)
    first, last = (float(np.ldexp(end / WIDTH, exponent - LIFT)) for end in (part, part + 1))
    return (first, last) if number > 0 else (-last, -first)


def counted(*parts: np.ndarray) -> ColumnCounts:
    """Count values batch by batch."""
    sketch = SketchAccumulator(["value"])
    for part in parts:
        sketch.add({"value": ExactColumn.of(part)})
    return ColumnCounts.from_json(sketch.to_json()["value"])


def test_every_value_is_in_the_bin_that_says_so() -> None:
    """The lower end belongs to a bin, the upper one does not; zeros have one of their own, missing values none."""
    found = counted(VALUES)
    assert (found.missing, found.present, found.bins[0]) == (1, len(VALUES) - 1, 3)
    for number, count in found.bins.items():
        low, high = bounds(number)
        inside = (low <= VALUES) & (high > VALUES) if number else VALUES == 0
        assert int(inside.sum()) == count, (number, low, high)
        assert number == 0 or high - low <= max(abs(low), abs(high)) / 8 * (1 + 1e-9)


def test_bins_have_the_bounds_of_an_eighth_of_an_octave() -> None:
    """Two and minus two begin, and end, bins of an eighth."""
    positive, negative = (next(iter(counted(np.array([value])).bins)) for value in (2.0, -2.25))
    assert (bounds(positive), bounds(negative)) == ((2.0, 2.25), (-2.25, -2.0))


def test_numbers_of_bins_ascend_with_their_values() -> None:
    """Bins in the order of their numbers are in the order of their values, signs included."""
    ends = [bounds(number) for number in sorted(counted(VALUES).bins)]
    assert ends == sorted(ends)


@pytest.mark.parametrize("seed", range(3))
def test_order_and_cuts_do_not_matter(seed: int) -> None:
    """Shards and batches of any size give the same counts."""
    random = np.random.default_rng(seed)
    shuffled = random.permutation(VALUES)
    parts = np.split(shuffled, np.sort(random.integers(1, len(VALUES) - 1, 4)))
    assert counted(*[part for part in parts if len(part)]) == counted(VALUES)


def test_distance_is_a_share_of_the_customers() -> None:
    """A tenth of the customers with another value are a distance of a tenth at most, and all of them one of 1."""
    income = np.random.default_rng(2).lognormal(10, 0.5, 10_000)
    tenth = income.copy()
    tenth[:1_000] *= 100
    assert distance(counted(income), counted(income)) == 0
    assert distance(counted(income), counted(tenth)) == pytest.approx(0.1, abs=0.002)
    assert distance(counted(income), counted(income * 1_000)) == pytest.approx(1)
    assert distance(counted(income), ColumnCounts(5, {})) == 0


def test_places_tell_values_that_were_rounded_or_computed_otherwise() -> None:
    """Amounts in hundredths, cut to whole numbers, rounded to hundreds, and times a rate; zeros are in no place."""
    amounts = np.round(np.random.default_rng(3).lognormal(5, 1, 10_000), 2)
    amounts[:100] = 0
    usual = counted(amounts).places
    assert sum(usual.values()) == 9_900
    assert usual["hundredths"] > 8_500
    assert set(counted(np.trunc(amounts)).places) <= {"units", "tens", "hundreds", "thousands"}
    assert set(counted(np.round(amounts, -2)).places) <= {"hundreds", "thousands"}
    assert counted(amounts * 0.8537).places["finer"] > 9_500


def test_sums_of_decimal_numbers_keep_their_place_and_huge_values_have_none() -> None:
    """What floating point leaves of a sum of cents is no finer value; what has no cents counts nowhere."""
    sums = np.add.accumulate(np.full(1_000, 0.01))
    assert "finer" not in counted(sums).places
    assert counted(np.array([1e300, -1e16, np.nan])).places == {}


def test_values_beyond_double_the_former_range_are_counted_on_both_sides() -> None:
    """Heavier tails within an octave are none; other units of a few are, and first values of the other sign."""
    amounts = np.random.default_rng(4).uniform(10, 1_000, 10_000)
    some = amounts.copy()
    some[:300] *= 1_000
    assert beyond(counted(amounts * 1.9), counted(amounts)) == 0
    assert beyond(counted(some), counted(amounts)) == pytest.approx(0.03, abs=0.001)
    assert beyond(counted(-some), counted(-amounts)) == pytest.approx(0.03, abs=0.001)
    assert beyond(counted(np.append(amounts, -1.0)), counted(amounts)) == pytest.approx(1 / 10_001)
    assert beyond(counted(amounts), ColumnCounts(5, {})) == 0


def test_precision_that_appears_or_goes_is_told_with_the_share_of_all_customers() -> None:
    """Cut, rounded, multiplied by a rate, and multiplied for a tenth alone; a hundredth of a sparse column is one."""
    amounts = np.round(np.random.default_rng(5).lognormal(5, 1, 10_000), 2)
    for other, place, share in (
        (np.trunc(amounts), "tenths", 0.99),
        (np.round(amounts, -2), "tens", 1.0),
        (np.concatenate([amounts[:1_000] * 0.8537, amounts[1_000:]]), "finer", 0.1),
    ):
        found, found_place = other_precision(counted(other), counted(amounts))
        assert found_place == place
        assert found == pytest.approx(share, abs=0.01)
    assert other_precision(counted(amounts), ColumnCounts(5, {})) == (0.0, "")
    sparse = np.zeros(10_000)
    sparse[:100] = 31.5
    assert other_precision(counted(np.trunc(sparse)), counted(sparse)) == (0.01, "tenths")


def test_days_that_pass_for_many_together_are_no_other_precision() -> None:
    """Three in ten came on one day: their 419 days become 420, and everybody else's days one more, too."""
    days = np.random.default_rng(7).integers(1, 3_000, 10_000).astype(float)
    days[:3_000] = 419
    assert other_precision(counted(days + 1), counted(days)) == (0.0, "")


def test_values_near_the_end_of_the_doubles_have_no_place_and_warn_of_nothing() -> None:
    assert counted(np.array([1.7e308, -1.7e308])).places == {}
