"""What is published, in a form that two runs can be compared by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.clustering.scoring.histories import assert_sound
from tests.projects import Project

YESTERDAY, TODAY = "2026-11-21", "2026-11-22"
LABELS = """
    select
        model, as_of::text, count(*), count(distinct customer_id),
        md5(string_agg(
            format('%s %s %s %s %s', customer_id, cluster_label, segment_id, segment_name, confidence), ','
            order by customer_id
        ))
    from segmentation.current_customer_segments
    group by model, as_of
    order by model
"""
SEGMENTS = """
    select to_jsonb(segment) - 'run_id'
    from segmentation.current_segments as segment
    order by model, segment_id
"""
REJECTED = """
    select customer_id, reason, column_name, value
    from segmentation.rejected_customers
    where run_id in (select run_id from segmentation.current_models)
    order by 1, 2, 3, 4
"""
COUNTS = """
    select distinct
        run.run_id, run.rows_read, run.rows_labelled, run.rows_rejected,
        (select count(*) from segmentation.rejected_customers as rejected where rejected.run_id = run.run_id)
    from segmentation.current_models as current
    join segmentation.scoring_runs as run on run.run_id = current.run_id
"""


@dataclass(frozen=True)
class Published:
    """Labels (counted and digested), segments and rejected rows of what is current, apart from the ids of runs."""

    labels: list[tuple[Any, ...]]
    segments: list[tuple[Any, ...]]
    rejected: list[tuple[Any, ...]]


def published(project: Project) -> Published:
    """Return what is current, after proving that it adds up and that the history agrees with the labels."""
    result = Published(project.sql(LABELS), project.sql(SEGMENTS), project.sql(REJECTED))
    for model, _, labels, customers, _ in result.labels:
        assert labels == customers, f"{model} has labelled somebody twice"
    for _, read, labelled, rejected, kept in project.sql(COUNTS):
        assert read == labelled + rejected
        assert kept == rejected
        assert {labels for _, _, labels, _, _ in result.labels} == {labelled}
    assert_sound(project)
    return result


def assert_as_undisturbed(project: Project, undisturbed: Published) -> None:
    """Hold what is current to the result of an undisturbed run, and the staging schema to be empty."""
    assert published(project) == undisturbed
    assert project.staged() == []
