"""Protected groups by segment, as the warehouse itself would count them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projects import Project

PUBLISHED = """
select model, segment_id, group_name, customers, group_customers
from segmentation.segment_groups where column_name = 'gender' order by 1, 2, 3
"""
COUNTED = """
select current.model, current.segment_id, coalesce(nullif(trim(source.gender), ''), 'not given'), count(*)
from segmentation.current_customer_segments as current
join customers as source using (customer_id)
group by 1, 2, 3 order by 1, 2, 3
"""


@pytest.fixture
def project(appointed_project: Project) -> Project:
    """Return a project with appointed champions."""
    return appointed_project


@pytest.mark.parametrize("shards", [1, 3])
def test_groups_agree_with_the_labels(project: Project, shards: int) -> None:
    """Counts by segment and group are those of the customers, whatever the shards."""
    project.with_contract(min_group=1).night(shards=shards)
    published = project.sql(PUBLISHED)
    assert [row[:4] for row in published if row[3]] == project.sql(COUNTED)
    sums = {(model, group): 0 for model, _, group, _, _ in published}
    for model, _, group, customers, _ in published:
        sums[model, group] += customers
    assert {(model, group): whole for model, _, group, _, whole in published} == sums


def test_shares(project: Project) -> None:
    """The shares of a segment's groups add up to one, and so do those of all customers."""
    project.with_contract(min_group=1).night()
    rows = project.sql(
        "select model, segment_id, sum(share_of_segment), sum(share_of_all), bool_or(suppressed),"
        " max(abs(ratio - share_of_segment / share_of_all))"
        " from segmentation.segment_disparity group by model, segment_id"
    )
    assert len(rows) > 12
    for _, _, of_segment, of_all, suppressed, error in rows:
        assert (of_segment, of_all, suppressed) == (pytest.approx(1), pytest.approx(1), False)
        assert error is None or error < 1e-12


def test_small_groups_are_left_out(project: Project) -> None:
    """Nothing below the least number is published, and what is left out cannot be told from sums."""
    project.with_contract(min_group=40).night()
    rows = project.sql("select model, segment_id, customers, suppressed from segmentation.segment_disparity")
    told = [customers for *_, customers, _ in rows if customers is not None]
    assert told
    assert min(customers for customers in told if customers) >= 40
    left_out = [(model, segment) for model, segment, customers, _ in rows if customers is None]
    assert left_out
    assert all(left_out.count(place) >= 2 for place in left_out)
    assert all(suppressed == (customers is None) for *_, customers, suppressed in rows)


def test_small_segments_are_not_described(project: Project) -> None:
    """Averages and profiles of a small segment are left out; its name and number of customers stay."""
    sizes = {(model, segment): customers for _, model, segment, _, customers, *_ in _segments(project, 1)}
    least = min(customers for customers in sizes.values() if customers) + 1
    after = _segments(project, least)
    hidden = {(model, segment) for _, model, segment, _, _, _, *averages in after if averages == [None] * 3}
    assert min(sizes, key=lambda place: sizes[place] or least) in hidden
    assert len(hidden) < len(sizes)
    assert {(model, segment): customers for _, model, segment, _, customers, *_ in after} == sizes
    described = project.sql(
        "select distinct model, segment_id from segmentation.segment_profiles"
        " where mean is not null or maximum is not null"
    )
    assert hidden.isdisjoint(described)


def test_date_that_is_run_again(project: Project) -> None:
    """The groups of a date are replaced with it."""
    project.night()
    before = project.sql(PUBLISHED)
    project.sql("update customers set gender = 'other'")
    project.night()
    after = project.sql(PUBLISHED)
    assert before != after
    assert {group for _, _, group, _, _ in after} == {"other"}


def _segments(project: Project, least: int) -> list[tuple[Any, ...]]:
    project.with_contract(min_group=least).night()
    return project.segments()
