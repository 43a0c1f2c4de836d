"""The days before today that are made up for generated customers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import week
from clustering.demo.generator import generate_customers
from clustering.errors import HeldError
from tests.appointing import CUSTOMERS
from tests.projects import Project

TODAY = "select customer_id, age, gender, annual_income::text, spending_score from public.customers order by 1, 2, 3, 4"
MOVED = """
select
    as_of, sum(by_behaviour) filter (where from_segment_id <> to_segment_id),
    sum(customers) filter (where from_segment_id is null), sum(customers) filter (where to_segment_id is null)
from segmentation.segment_migrations where model = 'kmeans' group by 1 order by 1
"""


def make_past(project: Project) -> None:
    """Make up the days before the customers of a project that were generated."""
    today = generate_customers(CUSTOMERS, seed=1)
    week.make_past(project.warehouse, project.configuration, project.registry, today)


def test_seven_days_before_today_have_movement_and_say_that_they_are_made_up(project: Project) -> None:
    """Each day is published for every model, people move, join and leave, and the table is today's again."""
    before = project.sql(TODAY)
    make_past(project)
    dates = [datetime.now(UTC).date() - timedelta(days=days) for days in range(7, 0, -1)]
    published = project.sql("select as_of, count(distinct model) from segmentation.segments group by 1 order by 1")
    assert published == [(day, 3) for day in dates]
    assert project.sql("select distinct requested_by from segmentation.scoring_runs") == [(week.REQUESTED_BY,)]
    moved = project.sql(MOVED)
    assert [row[0] for row in moved] == dates[1:]
    assert all(min(row[1:]) > 0 for row in moved)
    assert project.sql(TODAY) == before


def test_a_day_that_fails_leaves_the_customers_of_today_in_the_table(project: Project) -> None:
    before = project.sql(TODAY)
    strict = project.configuration.contract.checks.model_copy(update={"hold": "findings", "max_gone_share": 1e-4})
    with pytest.raises(HeldError):
        make_past(project.with_contract(checks=strict))
    assert project.sql(TODAY) == before
