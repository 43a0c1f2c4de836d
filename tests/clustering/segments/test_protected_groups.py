"""Protected groups by cluster."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from clustering.segments.profiles import Groups
from clustering.segments.protected_groups import (
    MOST_GROUPS,
    MOST_VALUES,
    Coded,
    GroupAccumulator,
    group_rows,
    merge_groups,
)

SEGMENT_OF = {-1: 0, 0: 4, 1: 4}


def counted(labels: Sequence[int], values: Sequence[object], *, batch: int) -> dict[str, list[list[object]] | None]:
    accumulator = GroupAccumulator(("gender",))
    for start in range(0, len(labels), batch):
        part = slice(start, start + batch)
        groups = Groups.of(np.array(labels[part], dtype=np.int32))
        accumulator.add(groups, {"gender": Coded.of(pa.array(values[part]))})
    return accumulator.to_json()


def rows(*parts: dict[str, list[list[object]] | None], least: int = 1) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in group_rows(SEGMENT_OF, merge_groups(parts), least=least)]


def test_long_values_are_groups_by_their_beginning() -> None:
    """A value that no index could hold is cut; what begins alike is counted together."""
    long = ["a" * 6_000, "a" * 6_000 + "b", "c"]
    found = counted([0, 0, 0], long, batch=3)
    assert [(name, count) for _, name, count in found["gender"] or ()] == [("a" * 200, 2), ("c", 1)]


@pytest.mark.parametrize("batch", [1, 2, 6])
def test_counts(batch: int) -> None:
    """Clusters of one segment are added up; nobody is left out, whatever the batches."""
    labels, values = [0, 1, 0, -1, 1, 0], ["f", "f", "m", None, "m", "f"]
    assert rows(counted(labels, values, batch=batch)) == [
        (0, "gender", "f", 0, 3),
        (0, "gender", "m", 0, 2),
        (0, "gender", "not given", 1, 1),
        (4, "gender", "f", 3, 3),
        (4, "gender", "m", 2, 2),
        (4, "gender", "not given", 0, 1),
    ]


def test_shards_are_added_up() -> None:
    """The shards' order makes no difference."""
    parts = [counted([0, 0, 1], ["f", "m", "f"], batch=2), counted([-1, 0], ["m", "x"], batch=2)]
    assert len({tuple(rows(*order)) for order in itertools.permutations(parts)}) == 1
    assert sum(row[3] for row in rows(*parts)) == 5  # type: ignore[misc]


def test_numbers_are_groups_too() -> None:
    """A column of a few numbers is counted by its values."""
    assert [row[2:] for row in rows(counted([0, 0, 0], [1, 0, 1], batch=3))][2:] == [("0", 1, 1), ("1", 2, 2)]


def test_small_groups_are_taken_together() -> None:
    """Beyond the largest groups the others are counted as one; of equal ones the first by name stay."""
    values = [f"{place:03}" for place in range(MOST_GROUPS + 10)]
    found = [row for row in rows(counted([0] * len(values), values, batch=40)) if row[0] == 4]
    assert len(found) == MOST_GROUPS + 1
    assert found[-1] == (4, "gender", "other", 10, 10)
    assert found[0] == (4, "gender", "000", 1, 1)


@pytest.mark.parametrize("cut", [MOST_VALUES + 1, MOST_VALUES // 2])
def test_column_that_is_no_group(cut: int) -> None:
    """A column with more values than people group by is left out, wherever the shards are cut."""
    values = [str(place) for place in range(MOST_VALUES + 1)]
    parts = [counted([0] * len(part), part, batch=300) for part in (values[:cut], values[cut:]) if part]
    assert rows(*parts) == []


def test_few_are_not_told() -> None:
    """A cell of fewer customers than asked for is None, and so is the one that would tell it."""
    found = rows(counted([0] * 30 + [-1] * 20, ["f"] * 12 + ["m"] * 18 + ["f"] * 2 + ["m"] * 18, batch=50), least=5)
    assert [row[3] for row in found] == [None, None, None, None]
    assert {row[4] for row in found} == {14, 36}
