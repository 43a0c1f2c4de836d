"""What is measured of a night beside the night before it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from clustering.quality.comparisons import (
    Figure,
    ModelMovement,
    changed_days,
    key_figures,
    model_figures,
    source_figures,
)
from clustering.quality.night_counts import NightCounts, group_sizes
from clustering.quality.sketches import ColumnCounts
from clustering.segments.movement import Move


def by_key(figures: Iterable[Figure]) -> dict[tuple[str | None, str, str], Figure]:
    """Return figures by what they have in common with those of other nights."""
    return {figure.key: figure for figure in figures}


def night(
    rows: int, *, rejected: int = 0, missing: int = 0, north: int = 50, places: Mapping[str, int] | None = None
) -> NightCounts:
    """Return a night whose age is missing for some and of some precision, of whom some live in the north."""
    return NightCounts(
        rows_read=rows,
        rows_labelled=rows - rejected,
        rejections={"age: out_of_range": rejected} if rejected else {},
        columns={"age": ColumnCounts(missing, {100: rows - rejected - missing}, places or {})},
        groups={"region": {"north": north, "south": rows - rejected - north}},
        totals={"age": str(rows)},
        changed_at=None,
    )


def test_counts_survive_the_table() -> None:
    """What is kept of a night is what was counted."""
    assert NightCounts.from_json(night(100, rejected=3, missing=2).to_json()) == night(100, rejected=3, missing=2)


@pytest.mark.parametrize(
    ("total", "is_filled", "changed"),
    [(1_100, False, []), (1_090, False, ["age"]), (1_090, True, []), (990, True, ["age"])],
)
def test_counted_days_change_by_new_dates_alone(total: int, is_filled: bool, changed: list[str]) -> None:
    """A hundred customers have a day more each; who has none but one that is filled in has not."""
    before = replace(night(100), totals={"age": "1000"})
    tonight = replace(before, totals={"age": str(total)})
    assert changed_days(tonight, before, {"age": is_filled}, days=1) == changed


def test_source_is_compared_figure_by_figure() -> None:
    """Rows, rejected rows by reason, missing values, and the groups of a protected column."""
    found = by_key(source_figures(night(200, rejected=20, missing=18, north=30), night(100), least=5))
    assert found[None, "rows", "rows"].value == pytest.approx(math.log(200.5 / 100.5))
    assert found[None, "rejected", "rows"].value == pytest.approx(0.1)
    assert found[None, "rejected", "age: out_of_range"].value == pytest.approx(0.1)
    assert found[None, "missing", "age"].value == pytest.approx(0.1)
    assert found[None, "groups", "region"].value == pytest.approx(0.5 - 30 / 180)
    assert "most has changed south: 83.3%, 50.0% the night before" in found[None, "groups", "region"].words


def test_a_column_that_lost_its_cents_is_of_another_precision() -> None:
    """The share of those whose values were of a place that is gone, in words."""
    tonight = night(100, places={"tens": 10, "units": 90})
    found = by_key(source_figures(tonight, night(100, places={"units": 10, "hundredths": 90}), least=5))
    assert found[None, "precision", "age"].value == pytest.approx(0.9)
    assert found[None, "precision", "age"].customers == 100
    assert "for 90.0% of the customers, values of age in hundredths or finer" in found[None, "precision", "age"].words


def test_groups_too_small_to_be_published_are_not_named() -> None:
    """The group that changed most has one customer tonight."""
    found = by_key(source_figures(night(200, north=1), night(200, north=50), least=5))
    assert "north" not in found[None, "groups", "region"].words
    assert "south" in found[None, "groups", "region"].words


def movement(moves: list[Move], sizes: dict[int, int], *, split: bool = True) -> ModelMovement:
    """Return a model's movement."""
    return ModelMovement("kmeans", moves, sizes, {1: "Savers", 2: "Spenders"}, split)


MOVES = [Move(None, 1, 30), Move(2, None, 10), Move(1, 2, 20, 15)]


def test_who_came_and_went_is_a_share_of_the_night_that_knows_them() -> None:
    """New customers of tonight's, gone ones of the former night's."""
    found = by_key(key_figures(movement(MOVES, {1: 100, 2: 100})))
    assert found[None, "new", "customers"].value == pytest.approx(30 / 200)
    assert found[None, "gone", "customers"].value == pytest.approx(10 / 180)


def test_a_change_of_version_moves_nobody_here() -> None:
    """Of twenty who moved fifteen were moved by the version; where that is not known, nothing is said."""
    found = by_key(model_figures(movement(MOVES, {1: 100, 2: 100}), min_share=0.01))
    assert found["kmeans", "moved", "customers"].value == pytest.approx(5 / 170)
    assert found["kmeans", "segment", "2"].words == "Spenders of kmeans has 85 customers, 90 the night before"
    assert list(model_figures(movement(MOVES, {1: 100, 2: 100}, split=False), min_share=0.01)) == []


def test_passing_time_moves_nobody_by_their_own_change() -> None:
    """Of twenty who moved time alone moved twelve, and the version five of the others."""
    found = by_key(model_figures(movement([Move(1, 2, 20, 5, 12)], {1: 100, 2: 100}), min_share=0.01))
    assert found["kmeans", "moved", "customers"].words == (
        "3 of 200 customers are in another segment of kmeans by a change of their own"
    )


def test_small_segments_are_left_alone() -> None:
    """A segment of a few customers doubles by chance."""
    found = by_key(model_figures(movement([Move(None, 2, 8)], {1: 1_000, 2: 12}), min_share=0.01))
    assert ("kmeans", "segment", "2") not in found


def test_groups_are_added_up_over_clusters_and_shards() -> None:
    """A column that a shard gave up counting is left out."""
    parts = [{"region": [[0, "north", 2], [1, "north", 3]], "name": [[0, "a", 5]]}, {"region": [[0, "south", 1]]}]
    assert group_sizes([*parts, {"name": None}]) == {"region": {"north": 5, "south": 1}}
    many = [[0, str(number), 1] for number in range(501)]
    assert len(group_sizes([{"branch": many}])["branch"]) == 501
    assert group_sizes([{"branch": many}, {"branch": [[0, f"x{number}", 1] for number in range(501)]}]) == {}
