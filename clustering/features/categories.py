"""A column of categories as features: one array a level that was learnt, and one for all others.

An array is (1 where a customer has the level, else 0, - the level's share) × the weight 1 / √(1 - Σ share²). So the
variances of a column's arrays add up to 1, as that of a standardised number: what Light & Margolin (An analysis of
variance for categorical data, 1971) call the variation of a category, Gini's index, is divided out, and two customers
drawn at random lie as far apart by a category as by a number.

A category that has nothing to do with any other feature counts as none: the values of such a column lie apart like
groups, and are none. How much two columns have to do with each other is the share of variation that they have in
common: of a number epsilon² (Kelley, 1935), of a category Cramér's V² with its bias taken off (Bergsma, 2013).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clustering.errors import TrainingError

OTHER = "other"  # in words; the last place of every category
NOT_GIVEN = ""  # the level of a missing value: a valid text is never blank
LEAST_SHARE = 0.01  # of the customers, below which a level is among the others
LEAST_CUSTOMERS = 5
MOST_LEVELS = 50
MOST_CHARACTERS = 60  # of a level in words
LEAST_IN_COMMON = 0.02
BY_CHANCE = 15  # over the customers: what a category of six levels has in common with a number once in a thousand times

Codes = NDArray[np.intp]
FloatMatrix = NDArray[np.float64]
FloatVector = NDArray[np.float64]


def learn_levels(column: pa.Array, name: str) -> tuple[str, ...]:
    """Return the levels of a column (n,) that are frequent enough to stand for themselves, in the alphabet's order.

    Raises TrainingError, which names the column, where there are none, or one that everybody has.
    """
    counted = pc.fill_null(column, NOT_GIVEN).value_counts()
    counts = {one["values"]: one["counts"] for one in counted.to_pylist()}
    if len(counts) == 1:
        raise TrainingError(
            f"column {name} is {next(iter(counts))!r} for every customer, so nothing can be told from it; take it out "
            "of the model's features"
        )
    least = max(LEAST_SHARE * len(column), LEAST_CUSTOMERS)
    frequent = sorted((-count, level) for level, count in counts.items() if count >= least)[:MOST_LEVELS]
    if not frequent:
        raise TrainingError(
            f"column {name} has {len(counts):,} different values, and none of them {least:,.0f} customers or more, so "
            "it is no category; take it out of the model's features"
        )
    return tuple(sorted(level for _, level in frequent))


def codes_of(column: pa.Array, levels: Sequence[str]) -> Codes:
    """Return the places (n,) of a column's values among the levels; all others have the place after the last."""
    found = pc.index_in(pc.fill_null(column, NOT_GIVEN), value_set=pa.array(levels, pa.string()))
    codes: Codes = pc.fill_null(found, len(levels)).to_numpy(zero_copy_only=False).astype(np.intp)
    return codes


def shares_of(codes: Codes, levels: Sequence[str]) -> FloatVector:
    """Return the share of each level, and last of the others, (m + 1,)."""
    shares: FloatVector = np.bincount(codes, minlength=len(levels) + 1) / len(codes)
    return shares


def weight_of(shares: FloatVector) -> float:
    """Return what the arrays of a category with these shares are multiplied by.

    >>> round(weight_of(np.array([0.5, 0.5, 0.0])), 6)
    1.414214
    """
    return float(1 / np.sqrt(1 - (shares**2).sum()))


def unrelated(numbers: FloatMatrix, codes: Mapping[str, Codes]) -> list[str]:
    """Return the categories, of places (n,), that have nothing in common with a number (n, p) or another category."""
    least = max(LEAST_IN_COMMON, BY_CHANCE / len(numbers))
    return [
        name
        for name, own in codes.items()
        if all(_common_with_number(own, column) < least for column in numbers.T)
        and all(_common_with_category(own, rest) < least for other, rest in codes.items() if other != name)
    ]


def _common_with_number(codes: Codes, numbers: FloatVector) -> float:
    """Return epsilon², of ranks, so that no outlier decides."""
    ranks = np.unique(numbers, return_inverse=True)[1].astype(np.float64)
    sizes = np.bincount(codes)
    groups, rows = int((sizes > 0).sum()), len(codes)
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if not total or rows <= groups:
        return 0.0
    means = np.divide(np.bincount(codes, weights=ranks), sizes, out=np.zeros(len(sizes)), where=sizes > 0)
    within = float(((ranks - means[codes]) ** 2).sum())
    return 1 - (within / (rows - groups)) / (total / (rows - 1))


def _common_with_category(one: Codes, other: Codes) -> float:
    """Return Cramér's V² without its bias."""
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one, other), 1.0)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    rows, (height, width) = len(one), table.shape
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / rows
    phi = float(((table - expected) ** 2 / expected).sum()) / rows
    phi = max(0.0, phi - (height - 1) * (width - 1) / (rows - 1))
    least = min(height - (height - 1) ** 2 / (rows - 1), width - (width - 1) ** 2 / (rows - 1)) - 1
    return phi / least if least > 0 else 0.0


def spoken_level(level: str) -> str:
    """Return a level as people read it, in one line.

    >>> spoken_level("mobile app"), spoken_level("")
    ('mobile app', 'not given')
    """
    line = " ".join(level.split())
    return (line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]}…") or "not given"
