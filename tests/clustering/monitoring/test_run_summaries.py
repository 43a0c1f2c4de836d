"""What became of a run, in one line."""

from __future__ import annotations

import pytest

from clustering.errors import RunError
from clustering.monitoring.run_summaries import summarise_run
from tests.projects import Project

MOVED = """
select sum(customers) from segmentation.segment_migrations
where from_segment_id <> to_segment_id and model = 'kmeans' and as_of = '2026-11-23'
"""


def test_line_of_a_night_says_who_was_labelled_rejected_and_moved(project: Project) -> None:
    """The first night has nothing to be compared with; of the next one, each model's movers are those of the tables."""
    first = project.night("2026-11-22")
    told = summarise_run(project.warehouse, run_id=first["run_id"])
    assert (told["as_of"], told["status"], told["models"]) == ("2026-11-22", "published", first["models"])
    assert f"{first['rows_labelled']:,} of {first['rows_read']:,} customers labelled" in told["line"]
    assert told["line"].endswith("no published date before it to compare with")
    project.sql("update customers set spending_score = 101 - spending_score where spending_score between 1 and 100")
    project.sql("delete from customers where customer_id in (select customer_id from customers order by 1 limit 7)")
    second = project.night("2026-11-23")
    line = summarise_run(project.warehouse, run_id=second["run_id"])["line"]
    [(moved,)] = project.sql(MOVED)
    assert moved > 0
    assert f"kmeans {moved:,} moved, " in line
    assert "left since 2026-11-22" in line


def test_line_of_a_run_that_published_nothing_says_why(project: Project) -> None:
    """A dry run counts; one that was abandoned has its note; an unknown run is an error."""
    dry = project.night("2026-11-22", dry_run=True)
    assert summarise_run(project.warehouse, run_id=dry["run_id"])["line"].startswith("dry run, nothing published: ")
    planned = project.plan("2026-11-22")
    project.sql("update segmentation.scoring_runs set status = 'held', note = 'half missing' where status = 'running'")
    told = summarise_run(project.warehouse, run_id=planned["run_id"])
    assert (told["line"], told["models"]) == ("held, nothing published: half missing", [])
    with pytest.raises(RunError, match="no run 99"):
        summarise_run(project.warehouse, run_id=99)
