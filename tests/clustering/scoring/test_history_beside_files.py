"""The history where some dates have labels in tables and others in files: that of tables ends where files begin."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from clustering.errors import RunError
from tests.clustering.scoring.histories import (
    DAYS,
    FAULTS,
    LABELS,
    MOVEMENT,
    SUMS,
    Labels,
    history,
    make_champion,
    moves_of,
    other_version,
    periods_of,
    place,
    withdraw,
)
from tests.lakes import from_files, write_lake
from tests.projects import Project

PUBLISHED = """
select published.as_of::text, published.model_version_id, made.label_folder is not null
from segmentation.published_runs as published
join segmentation.run_models as made using (run_id, model)
order by published.as_of
"""
CUSTOMERS = "select customer_id, age::text, gender, annual_income::float8, spending_score::float8 from customers"


def runs_of_tables(project: Project) -> tuple[list[tuple[Labels, str | None]], dict[tuple[str, str], int]]:
    """Return the labels of dates in tables without one in files between, and the date in files that follows."""
    dates = project.sql(PUBLISHED)
    by_day: Labels = {day: {} for day, _, is_filed in dates if not is_filed}
    for _, day, _, customer, segment in project.sql(LABELS):
        by_day[day][customer] = segment
    found: list[tuple[Labels, str | None]] = [({}, None)]
    for day, _, is_filed in dates:
        if is_filed:
            found[-1] = (found[-1][0], found[-1][1] or day)
            found.append(({}, None))
        else:
            found[-1][0][day] = by_day[day]
    return [one for one in found if one[0]], {("kmeans", day): version for day, version, _ in dates}


def assert_right(project: Project) -> None:
    """Hold history and movement to what the labels in tables say."""
    found, versions = runs_of_tables(project)
    expected: list[tuple[Any, ...]] = []
    for labels, until in found:
        expected += [(*row[:3], row[3] or until, *row[4:]) for row in periods_of("kmeans", labels, versions)]
    assert history(project) == sorted(expected)
    moves = [row for labels, _ in found for row in moves_of("kmeans", labels)]
    assert Counter(project.sql(MOVEMENT)) == Counter(moves)
    assert project.sql(FAULTS) == []
    assert project.sql(SUMS) == []


@pytest.mark.parametrize("seed", range(2))
def test_any_sequence_of_tables_and_files(project: Project, tmp_path: Path, seed: int) -> None:
    """Whatever is published or withdrawn in whatever order; files before a date in tables are refused."""
    luck = random.Random(seed)  # noqa: S311
    versions = other_version(project)
    kept = {"tables": {}, "files": {"labels": "files", "label_files": str(tmp_path / "labels")}}
    kinds = {kind: from_files(project, tmp_path / "lake", **options) for kind, options in kept.items()}
    published: dict[str, str] = {}
    for _ in range(14):
        if published and luck.random() < 0.35:
            day = luck.choice(sorted(published))
            del published[day]
            withdraw(project, day)
        else:
            for customer in luck.sample(range(1, 46), 6):
                place(project, customer, luck.choice([None, 0, 1, 2, 3, 4]))
            names = ("customer_id", "age", "gender", "annual_income", "spending_score")
            columns = zip(*project.sql(CUSTOMERS), strict=True)
            write_lake(tmp_path / "lake", pa.table(dict(zip(names, map(list, columns), strict=True))), files=2)
            make_champion(project, luck.choice(versions))
            day, kind = luck.choice(DAYS[:7]), luck.choice(sorted(kinds))
            if kind == "files" and any(later > day and one == "tables" for later, one in published.items()):
                with pytest.raises(RunError, match="a later date, has its labels in tables"):
                    kinds[kind].plan(day)
            else:
                published[day] = kind
                kinds[kind].night(day, shards=luck.choice([1, 3]))
        assert_right(project)
