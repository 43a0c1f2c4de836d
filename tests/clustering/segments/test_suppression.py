"""Numbers about too few customers, and those that would tell them."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clustering.segments.suppression import hidden_cells, hidden_segments

TABLES = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 40))
)


def published(table: np.ndarray, least: int) -> np.ndarray:
    """Return (segments + 1, groups) truth values: what is hidden, the groups' sums last."""
    cells, sums = hidden_cells(table, least=least)
    return np.vstack([cells, sums])


def told(*hidden: np.ndarray) -> list[np.ndarray]:
    """Return what of the hidden numbers of each model follows from the sums, by linear algebra over all of them.

    Unknown is each hidden cell of each model, and each hidden sum of a group once, since the models share them. A
    number follows where its unit vector lies in the row space of the equations, so that their null space is 0 there.
    """
    groups = hidden[0].shape[1]
    offsets = np.cumsum([groups, *(mask[:-1].size for mask in hidden)])
    places = [
        np.arange(mask[:-1].size).reshape(mask[:-1].shape) + start for mask, start in zip(hidden, offsets, strict=False)
    ]
    known = np.eye(offsets[-1])[~np.concatenate([hidden[0][-1], *(mask[:-1].ravel() for mask in hidden)])]
    equations = [known]
    for place in places:
        rows, columns = np.zeros((len(place), offsets[-1])), np.zeros((groups, offsets[-1]))
        np.put_along_axis(rows, place, 1, axis=1)
        np.put_along_axis(columns, place.T, 1, axis=1)
        columns[:, :groups] -= np.eye(groups)
        equations += [rows, columns]
    _, sizes, directions = np.linalg.svd(np.vstack(equations))
    free = directions[np.count_nonzero(sizes > 1e-9) :]
    follows = ~np.any(np.abs(free) > 1e-9, axis=0)
    return [np.vstack([follows[place], follows[:groups]]) & mask for place, mask in zip(places, hidden, strict=True)]


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


def test_bridge() -> None:
    """Two blocks of hidden cells do not tell the one cell between them, though no row and no column leaves out one."""
    table = np.full((4, 4), 50)
    table[:2, :2] = table[2:, 2:] = 3
    table[0, 2] = 2
    naive = np.vstack([table < 5, np.zeros(4, dtype=bool)])
    assert np.argwhere(told(naive)[0]).tolist() == [[0, 2]]
    assert not told(published(table, 5))[0].any()


def test_other_models_sums() -> None:
    """What one model says of the groups' sums does not tell what another leaves out."""
    one = np.array([[40, 2, 160], [263, 0, 15], [20, 0, 100]])
    other = np.array([[60, 0, 15], [63, 1, 160], [200, 1, 100]])
    masks = [published(table, 5) for table in (one, other)]
    assert [mask[-1].tolist() for mask in masks] == [[False, True, True]] * 2
    assert not any(mask.any() for mask in told(*masks))


def test_three_models_sums() -> None:
    """Three models do not each tell what other two of five hidden sums add up to, which together would tell them."""
    pairs = [(0, 1), (1, 2), (0, 2)]
    tables = [np.array([[4 * (group in pair), 4 * (group not in pair)] for group in range(5)]).T for pair in pairs]
    small = [np.vstack([table > 0, np.ones(5, dtype=bool)]) for table in tables]
    assert not any(told(mask)[0].any() for mask in small)
    assert all(mask[-1, :3].all() for mask in told(*small))
    assert not any(mask.any() for mask in told(*(published(table, 5) for table in tables)))


def test_large_table() -> None:
    """A hundred segments and fifty groups in pairs, each told by the bridge to the next, end well within a second."""
    table = np.full((100, 50), 500)
    for start in range(0, 48, 2):
        table[start : start + 2, start : start + 2] = 3
        table[start + 1, start + 2] = 2
    begun = time.process_time()
    cells, _ = hidden_cells(table, least=5)
    assert time.process_time() - begun < 5  # of all cores; it takes a tenth of a second
    assert cells.sum() < 200


@given(TABLES, st.integers(1, 10))
def test_lines_leave_out_enough(table: np.ndarray, least: int) -> None:
    """Every small number is hidden, and in each row and column two of together the least number or more."""
    cells, sums = hidden_cells(table, least=least)
    assert cells[(table > 0) & (table < least)].all()
    assert sums.tolist() == hidden_segments(table.sum(axis=0), least=least).tolist()
    for counts, mask in [*zip(table, cells, strict=True), *zip(table.T[~sums], cells.T[~sums], strict=True)]:
        if mask.any() and not mask.all():
            assert mask.sum() >= 2
            assert counts[mask].sum() >= least


@settings(deadline=None)
@given(TABLES, st.integers(1, 10))
def test_no_hidden_number_follows_from_sums(table: np.ndarray, least: int) -> None:
    """What is hidden in a table of two groups or more is not told by the sums of rows and columns."""
    if table.shape[1] > 1:
        assert not told(published(table, least))[0].any()


any_models = given(st.integers(0, 2**32 - 1), st.integers(2, 7), st.lists(st.integers(1, 5), min_size=2, max_size=3))


@settings(max_examples=100 if settings.get_current_profile_name() == "search" else 30, deadline=None)
@any_models
def test_no_hidden_number_follows_from_other_models(seed: int, groups: int, models: list[int]) -> None:
    """Nor by other models of the same customers, whose segments differ and whose groups' sums are the same."""
    _hides_from_other_models(seed, groups, models)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@any_models
def test_no_hidden_number_follows_from_a_hundred_groups_of_models(seed: int, groups: int, models: list[int]) -> None:
    """The same with more of them."""
    _hides_from_other_models(seed, groups, models)


def _hides_from_other_models(seed: int, groups: int, models: list[int]) -> None:
    generator = np.random.default_rng(seed)
    customers = int(generator.integers(groups, 600))
    group = generator.choice(groups, size=customers, p=generator.dirichlet(np.full(groups, 0.3)))
    group[:groups] = np.arange(groups)  # every group has somebody
    masks = []
    for segments in models:
        segment = generator.choice(segments, size=customers, p=generator.dirichlet(np.ones(segments)))
        table = np.zeros((segments, groups), dtype=np.int64)
        np.add.at(table, (segment, group), 1)
        masks.append(published(table, 5))
    assert len({tuple(mask[-1]) for mask in masks}) == 1
    assert not any(mask.any() for mask in told(*masks))
