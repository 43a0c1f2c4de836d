"""Numbers about too few customers, and those that would tell them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clustering.segments.suppression import hidden_cells, hidden_segments

TABLES = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 40))
)


@pytest.mark.parametrize(
    ("customers", "hidden"),
    [
        ([40, 20, 60], []),
        ([40, 2, 60], [0, 1]),  # 2 could be told from the sum, so 40 goes too
        ([40, 2, 3, 60], [1, 2]),  # 5 customers in two segments tell of neither
        ([40, 2, 1, 60], [0, 1, 2]),  # 3 customers are too few for two
        ([40, 0, 60], []),  # nobody is described by nothing
        ([3], [0]),
    ],
)
def test_segments(customers: list[int], hidden: list[int]) -> None:
    """Small segments are not described, nor the next larger one where the sum of all would tell."""
    assert np.flatnonzero(hidden_segments(np.array(customers), least=5)).tolist() == hidden


def test_cells() -> None:
    """One small cell hides another in its row and its column, and the one where those cross."""
    cells, sums = hidden_cells(np.array([[400, 3], [200, 300], [500, 100]]), least=5)
    assert cells.astype(int).tolist() == [[1, 1], [1, 1], [0, 0]]
    assert not sums.any()


def test_small_group() -> None:
    """A group of too few customers is hidden everywhere, its sum too, with the next larger group's sum."""
    cells, sums = hidden_cells(np.array([[400, 300, 1], [500, 200, 2]]), least=5)
    assert cells[:, 2].all()
    assert sums.tolist() == [False, True, True]


def test_everything_is_told() -> None:
    """A least number of one hides nothing."""
    cells, sums = hidden_cells(np.array([[1, 2], [0, 1]]), least=1)
    assert not cells.any()
    assert not sums.any()


@given(TABLES, st.integers(1, 10))
def test_nothing_hidden_can_be_told(table: np.ndarray, least: int) -> None:
    """Every small number is hidden, and none of the hidden ones is the only one of its row or column."""
    cells, sums = hidden_cells(table, least=least)
    assert cells[(table > 0) & (table < least)].all()
    whole = np.vstack([table, table.sum(axis=0)])
    hidden = np.vstack([cells, sums])
    for counts, mask in [*zip(whole, hidden, strict=True), *zip(whole.T, hidden.T, strict=True)]:
        if mask.any() and not mask.all():
            assert mask.sum() >= 2
            assert counts[mask].sum() >= least
