"""What the history and the movement have to be, computed from the published labels in the plainest way."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import pairwise
from typing import Any

from clustering import withdraw_date
from clustering.versions.registry import Version
from tests.appointing import appoint
from tests.projects import Project

PLACES = ((86_500, 82), (55_000, 49), (26_000, 21), (88_000, 17), (26_000, 79))
DAYS = [f"2026-01-{day:02}" for day in range(1, 31)]

Labels = dict[str, dict[str, int]]  # by date, the segment of each customer

LABELS = """
    select published.model, published.as_of::text, published.model_version_id, label.customer_id::text, label.segment_id
    from segmentation.published_runs as published
    join segmentation.customer_labels as label
        on label.run_id = published.run_id and label.model_version_id = published.model_version_id
"""
HISTORY = """
    select model, customer_id::text, valid_from::text, valid_to::text, segment_id, model_version_id
    from segmentation.segment_history
    order by 1, 2, 3
"""
MOVEMENT = """
    select model, as_of::text, previous_as_of::text, from_segment_id, to_segment_id, customers
    from segmentation.segment_migrations
"""
# Nobody's periods touch or overlap unless they are of different segments, and each begins on a published date and ends
# on one, or when the model was retired.
FAULTS = """
    select period.model, period.customer_id::text, period.valid_from::text
    from (
        select
            history.*,
            lead(valid_from) over (partition by model, customer_id order by valid_from) as next_from,
            lead(segment_id) over (partition by model, customer_id order by valid_from) as next_segment
        from segmentation.segment_history as history
    ) as period
    where
        (period.valid_to is null and period.next_from is not null)
        or period.valid_to > period.next_from
        or (period.valid_to = period.next_from and period.segment_id = period.next_segment)
        or not exists (
            select from segmentation.published_runs as published
            where published.model = period.model and published.as_of = period.valid_from
        )
        or (period.valid_to is not null and not exists (
            select from segmentation.published_runs as published
            where published.model = period.model and published.as_of = period.valid_to
            union all
            select from segmentation.model_retirements as retired
            where retired.model = period.model and retired.retired_on = period.valid_to
        ))
"""
# The labels that are still kept, against what the history says of their date; nothing where both agree.
AS_OF = """
    with published as (
        select published.* from segmentation.published_runs as published
        join segmentation.scoring_runs as run on run.run_id = published.run_id
        where run.labels_dropped_at is null
    ),
    label as (
        select published.as_of, published.model, label.customer_id, label.segment_id
        from published
        join segmentation.customer_labels as label
            on label.run_id = published.run_id and label.model_version_id = published.model_version_id
    ),
    period as (
        select published.as_of, published.model, history.customer_id, history.segment_id
        from published
        cross join lateral segmentation.segment_as_of(published.as_of) as history
        where history.model = published.model
    )
    (table label except all table period) union all (table period except all table label)
"""
# Sizes of segments that the movement to or from a date does not add up to.
SUMS = """
    with present as (
        select as_of, model, to_segment_id as segment_id, sum(customers) as customers
        from segmentation.segment_migrations where to_segment_id is not null group by 1, 2, 3
    ),
    former as (
        select as_of, previous_as_of, model, from_segment_id as segment_id, sum(customers) as customers
        from segmentation.segment_migrations where from_segment_id is not null group by 1, 2, 3, 4
    ),
    compared as (select distinct as_of, previous_as_of, model from segmentation.segment_migrations)
    select compared.as_of::text, segment.model, segment.segment_id
    from compared
    join segmentation.segments as segment on segment.as_of = compared.as_of and segment.model = compared.model
    left join present
        on present.as_of = segment.as_of and present.model = segment.model and present.segment_id = segment.segment_id
    where segment.customers <> coalesce(present.customers, 0)
    union all
    select compared.as_of::text, segment.model, segment.segment_id
    from compared
    join segmentation.segments as segment on segment.as_of = compared.previous_as_of and segment.model = compared.model
    left join former
        on former.as_of = compared.as_of and former.model = segment.model and former.segment_id = segment.segment_id
    where segment.customers <> coalesce(former.customers, 0)
"""

# What people read, without the numbers of runs.
READ = (
    "select model, customer_id, segment_id, valid_from::text, valid_to::text, model_version_id"
    " from segmentation.segment_history",
    "select as_of, previous_as_of, model, from_segment_id, to_segment_id, customers, by_source"
    " from segmentation.segment_migrations",
    "select (to_jsonb(held) - 'run_id')::text from segmentation.segments as held",
    "select (to_jsonb(held) - 'run_id')::text from segmentation.segment_profiles as held",
    "select (to_jsonb(held) - 'run_id')::text from segmentation.overall_averages as held",
    "select (to_jsonb(held) - 'run_id')::text from segmentation.segment_groups as held",
    "select (to_jsonb(held) - 'run_id')::text from segmentation.current_segments as held",
    "select (to_jsonb(held) - 'run_id')::text from segmentation.current_customer_segments as held",
    "select (to_jsonb(held) - 'run_id')::text from segmentation.segment_trend as held",
    "select model, as_of::text, model_version_id from segmentation.published_runs",
    "select model, retired_on::text, returned_on::text from segmentation.model_retirements"
    " where returned_on is null or returned_on > retired_on",
    "select default_model from segmentation.contract",
)
RESET = (
    "drop table if exists segmentation_partitions.period_kmeans, segmentation_partitions.period_gmm;"
    " truncate segmentation.segment_migrations, segmentation.segments, segmentation.segment_profiles,"
    " segmentation.overall_averages, segmentation.segment_groups, segmentation.model_retirements,"
    " segmentation.drift_checks;"
    " delete from segmentation.published_runs"
)


def history(project: Project) -> list[tuple[Any, ...]]:
    """Return the whole history."""
    return project.sql(HISTORY)


def assert_right(project: Project) -> None:
    """Hold history, movement and as-of queries to what the published labels say, all of which must be kept."""
    labels, versions = _published(project)
    assert history(project) == sorted(row for model in labels for row in periods_of(model, labels[model], versions))
    assert Counter(project.sql(MOVEMENT)) == Counter(row for model in labels for row in moves_of(model, labels[model]))
    assert_sound(project)


def assert_sound(project: Project) -> None:
    """Find no gap, no overlap, no date on which as-of and labels differ, and no movement that does not add up."""
    assert project.sql(FAULTS) == []
    assert project.sql(AS_OF) == []
    assert project.sql(SUMS) == []


def _published(project: Project) -> tuple[dict[str, Labels], dict[tuple[str, str], int]]:
    versions = {
        (model, as_of): version
        for model, as_of, version in project.sql(
            "select model, as_of::text, model_version_id from segmentation.published_runs"
        )
    }
    labels: dict[str, Labels] = {}
    for model, as_of in versions:
        labels.setdefault(model, {})[as_of] = {}
    for model, as_of, _, customer, segment in project.sql(LABELS):
        labels[model][as_of][customer] = segment
    return labels, versions


def periods_of(model: str, labels: Labels, versions: dict[tuple[str, str], int]) -> list[tuple[Any, ...]]:
    """Return the periods that labels of successive dates make."""
    dates = sorted(labels)
    rows = []
    for customer in {customer for day in labels.values() for customer in day}:
        begun = None
        for day, before in zip([*dates, None], [None, *dates], strict=True):
            now = labels[day].get(customer) if day else None
            then = labels[before].get(customer) if before else None
            if begun and then is not None and (now != then or day is None):
                rows.append((model, customer, begun, day, then, versions[model, begun]))
            if now is not None and now != then:
                begun = day
    return rows


def moves_of(model: str, labels: Labels) -> list[tuple[Any, ...]]:
    """Return the movement from each of successive dates to the next one."""
    dates = sorted(labels)
    rows = []
    for before, day in pairwise(dates):
        then, now = labels[before], labels[day]
        moves = Counter((then.get(customer), now.get(customer)) for customer in then.keys() | now.keys())
        rows += [(model, day, before, *between, count) for between, count in moves.items()]
    return rows


def place(project: Project, customer: object, where: int | None, *, age: int = 40) -> None:
    """Put a customer to a place; None removes the customer from the source."""
    project.sql("delete from customers where customer_id = %s", customer)
    if where is not None:
        values = (customer, age, "x", *PLACES[where])
        columns = "customer_id, age, gender, annual_income, spending_score"
        project.sql(f"insert into customers ({columns}) values (%s, %s, %s, %s, %s)", *values)  # noqa: S608


def periods(project: Project, customer: int) -> list[tuple[str, str | None]]:
    """Return when the periods of a customer begin and end."""
    return [(begin, end) for _, one, begin, end, _, _ in history(project) if one == str(customer)]


def other_version(project: Project) -> tuple[Version, Version]:
    """Appoint a version of other places, and return both; the second one is the champion."""
    first = project.registry.champions(["kmeans"])["kmeans"]
    return first, appoint(project, "kmeans", n_clusters=3)


def make_champion(project: Project, version: Version) -> None:
    """Make a version the champion again, unless it is."""
    present = project.registry.champions(["kmeans"])["kmeans"]
    if present.model_version_id != version.model_version_id:
        project.registry.roll_back("kmeans", to_version=version.version, decided_by="test")


def withdraw(project: Project, day: str, **options):
    """Withdraw a date."""
    settings = {"withdrawn_by": "Ada", "reason": "half of the customers were missing"} | options
    return withdraw_date(project.warehouse, project.configuration, as_of=date.fromisoformat(day), **settings)


def read(project: Project):
    """Return all that people read, in a fixed order."""
    return {question: sorted(map(str, project.sql(question))) for question in READ}
