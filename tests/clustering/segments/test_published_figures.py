"""What stands in the place of figures that nobody has, or too few have."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from clustering.config import Configuration
from clustering.segments.profiles import ClusterProfile, Profile
from clustering.segments.published_figures import averages, exact_cells, overall_rows, published_rows
from clustering.segments.quartiles import Sample


def clusters(*present: tuple[int, int]) -> dict[int, ClusterProfile]:
    """Return clusters of so many customers, of whom so many have values in every column."""
    names = ("age", "annual_income", "spending_score")
    return {
        label: ClusterProfile(
            held, dict.fromkeys(names, Profile(known, Fraction(40 * known), 20.0, 60.0) if known else Profile(0))
        )
        for label, (held, known) in enumerate(present)
    }


@pytest.mark.parametrize(
    ("held", "known", "of_mean", "of_quartiles"),
    [
        (0, 0, "nobody is in it", "nobody is in it"),
        (900, 0, "nobody has a value", "nobody has a value"),
        (1, 1, "fewer than 5 customers", "fewer than 5 customers"),
        (900, 4, "fewer than 5 customers have a value", "fewer than 5 customers have a value"),
        (19, 19, None, "fewer than 20 customers"),
        (900, 19, None, "fewer than 20 customers have a value"),
        (900, 900, None, "fewer than 20 customers of its sample have a value"),
    ],
)
def test_empty_place_says_why(
    configuration: Configuration, held: int, known: int, of_mean: str | None, of_quartiles: str
) -> None:
    """Nobody, too few customers, and too few of many with a value are told apart."""
    cells = exact_cells(
        {1: [0], 2: [1]},
        clusters((held, known), (5_000, 5_000)),
        Sample.empty(3),
        columns=configuration.contract.averaged,
    )
    row = published_rows(configuration.contract, cells, hidden=())[0]
    assert (row["mean_empty_because"], row["quartiles_empty_because"]) == (of_mean, of_quartiles)
    assert (row["mean"] is None) == (of_mean is not None)
    assert [row[name] for name in ("q1", "median", "q3")] == [None] * 3
    assert (row["minimum"] is None) == (known < 20)
    assert row["customers"] == known


def test_one_reason_for_all_columns_is_said_once(configuration: Configuration) -> None:
    """Where columns differ, each reason names its own."""
    sample = Sample(np.empty(0, np.int32), np.empty(0, np.uint64), np.empty((0, 3)))
    cells = exact_cells({1: [0]}, clusters((2, 2)), sample, columns=configuration.contract.averaged)
    rows = published_rows(configuration.contract, cells, hidden=())
    assert averages(rows)[1]["averages_empty_because"] == "fewer than 5 customers"
    rows[0] |= {"mean": 40.0, "mean_empty_because": None}
    told = "annual_income, spending_score: fewer than 5 customers"
    assert averages(rows)[1]["averages_empty_because"] == told


@pytest.mark.parametrize(
    ("held", "known", "mean", "reason"),
    [(1, 1, None, "fewer than 5 customers"), (9, 0, None, "nobody has a value"), (9, 9, 40.0, None)],
)
def test_all_customers_may_be_too_few(
    configuration: Configuration, held: int, known: int, mean: float | None, reason: str | None
) -> None:
    """One customer alone is not described as all of them, and neither is a column without a value."""
    for row in overall_rows(configuration.contract, clusters((held, known)).values()):
        assert (row["mean"], row["mean_empty_because"]) == (mean, reason)
