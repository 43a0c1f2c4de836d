"""Past dates: the champions of the date, and the customers as they were, or as they are if somebody asks for it."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clustering import explain_customer
from clustering.config import CustomerSource
from clustering.errors import ArtifactError, ConfigurationError, DataError, NoChampionError, RunError
from clustering.scoring.dates import end_of_past
from tests.appointing import appoint
from tests.projects import Project

HISTORY = """
create table customers_history as
select *, date '2026-03-01' as valid_from, case when customer_id % 3 = 0 then date '2026-03-10' end as valid_to
from customers;
insert into customers_history
select customer_id, age, gender, '1000', spending_score, date '2026-03-10', null
from customers where customer_id % 3 = 0;
update customers set annual_income = '200000'
"""
DATED = (
    "select * from customers_history -- one row a customer and period, 100% of them\n"
    "where valid_from <= :as_of and (valid_to > :as_of or valid_to is null) and gender not like '%:as_of%'"
)
VERSIONS = """
select run.as_of::text, model.model, version.version, run.source_time
from segmentation.published_runs as published
join segmentation.scoring_runs as run using (run_id)
join segmentation.run_models as model using (run_id, model)
join segmentation.model_versions as version on version.model_version_id = model.model_version_id
order by 1, 2
"""
INCOMES = """
select segment.as_of::text, (sum(segment.avg_annual_income * customers) / sum(customers))::integer
from segmentation.segments as segment where model = 'kmeans' group by 1 order by 1
"""


def past(day: str) -> dict[str, Any]:
    """Return the options of a run for a past date."""
    return {"ended_at": end_of_past(date.fromisoformat(day), UTC, now=datetime.now(UTC))}


def decided(project: Project, *moments: str) -> None:
    """Move the decisions on K-Means, in their order, to other moments, and the others to the first of these."""
    project.sql("update segmentation.promotions set decided_at = %s", moments[0])
    rows = project.sql("select promotion_id from segmentation.promotions where model = 'kmeans' order by 1")
    for (promotion,), moment in zip(rows, moments, strict=True):
        project.sql("update segmentation.promotions set decided_at = %s where promotion_id = %s", moment, promotion)


def with_dated_source(project: Project, query: str = DATED) -> Project:
    """Return the project with a query of past dates beside its table."""
    return project.with_contract(table=None, source=CustomerSource(table="public.customers", dated=query))


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-02-28T22:59:59+00:00", None),
        ("2026-02-28T23:00:00+00:00", "2026-03-01T00:00:00+01:00"),
        ("2026-03-01T00:00:00+00:00", "2026-03-01T00:00:00+01:00"),
    ],
)
def test_date_ends_where_it_is(now: str, end: str | None) -> None:
    """A date is past from the midnight of its time zone."""
    ended = end_of_past(date(2026, 2, 28), ZoneInfo("Europe/Berlin"), now=datetime.fromisoformat(now))
    assert (ended and ended.isoformat()) == end


@pytest.mark.parametrize(
    ("now", "here", "ahead"),
    [
        ("2026-02-27T23:59:59+00:00", None, True),
        ("2026-02-28T00:00:00+00:00", None, False),
        ("2026-02-27T14:59:59+00:00", "Asia/Tokyo", True),
        ("2026-02-27T15:00:00+00:00", "Asia/Tokyo", False),
        ("2026-02-27T23:59:59+00:00", "America/Lima", True),
        ("2026-02-28T00:00:00+00:00", "America/Lima", False),
    ],
)
def test_date_is_refused_until_it_begins(now: str, here: str | None, ahead: bool) -> None:
    """A date may be asked for once it has begun in the run's time zone, or where somebody asks for it."""
    zone = ZoneInfo(here) if here else None
    asked = partial(end_of_past, date(2026, 2, 28), UTC, now=datetime.fromisoformat(now), here=zone)
    if not ahead:
        assert asked() is None
        return
    with pytest.raises(ConfigurationError, match="as_of is 2026-02-28, which is still to come: it is 2026-02-27"):
        asked()


def test_plan_from_python_refuses_a_date_that_is_nowhere_yet(project: Project) -> None:
    """Whatever plans a run, a mistyped year is refused before anything is recorded."""
    for day in ("9999-12-31", str((datetime.now(UTC) + timedelta(days=2)).date())):
        with pytest.raises(ConfigurationError, match=f"as_of is {day}, which is still to come"):
            project.plan(day, models=["kmeans"])
    assert project.sql("select count(*) from segmentation.scoring_runs") == [(0,)]


def test_past_dates_are_scored_by_the_champions_of_their_ends(project: Project) -> None:
    """Promoted, replaced, rolled back: each date has the version that was champion when it ended."""
    appoint(project, "kmeans", n_clusters=4)
    project.registry.roll_back("kmeans", decided_by="test")
    decided(project, "2026-03-01 12:00Z", "2026-03-03 23:59:59Z", "2026-03-05 00:00Z")
    for day in ("2026-03-05", "2026-03-02", "2026-03-04", "2026-03-01", "2026-03-03"):
        project.night(day, models=["kmeans"], from_present_rows=True, **past(day))
    assert [row[:3] for row in project.sql(VERSIONS)] == [
        ("2026-03-01", "kmeans", 1),
        ("2026-03-02", "kmeans", 1),
        ("2026-03-03", "kmeans", 2),
        ("2026-03-04", "kmeans", 2),
        ("2026-03-05", "kmeans", 1),
    ]


def test_past_dates_move_nothing_that_is_current(project: Project) -> None:
    """What people see stays that of the latest date."""
    project.night("2026-03-20")
    before = project.labels(), project.segments()
    appoint(project, "kmeans", n_clusters=4)
    decided(project, "2026-03-01 12:00Z", "2026-03-25 12:00Z")
    project.night("2026-03-19", from_present_rows=True, **past("2026-03-19"))
    assert (project.labels(), project.segments()) == before
    assert [row for row in project.sql(VERSIONS) if row[1] == "kmeans"] == [
        ("2026-03-19", "kmeans", 1, "substituted"),
        ("2026-03-20", "kmeans", 1, "present"),
    ]


def test_models_without_a_champion_then_are_left_out(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """A model that was promoted later is skipped with a warning; when all were, the first promotion is named."""
    project.sql("update segmentation.promotions set decided_at = '2026-03-02 22:00Z'")
    project.sql("update segmentation.promotions set decided_at = '2026-03-04 12:00Z' where model = 'gmm'")
    with caplog.at_level(logging.WARNING):
        planned = project.plan("2026-03-03", from_present_rows=True, **past("2026-03-03"))
    assert planned["skipped"] == ["gmm"]
    assert "skipped, they had no champion by 2026-03-04 00:00:00+00:00: gmm" in caplog.text
    with pytest.raises(NoChampionError, match=r"on 2026-03-01 .* promoted for dbscan on 2026-03-02, kmeans on 2026-03"):
        project.plan("2026-03-01", from_present_rows=True, **past("2026-03-01"))


def test_champion_whose_artifact_was_pruned_is_named(project: Project) -> None:
    """A date whose champion can no longer score is refused; the other models can still be run."""
    decided(project, "2026-03-01 12:00Z")
    project.sql("update segmentation.model_versions set artifact_pruned_at = now() where model = 'kmeans'")
    with pytest.raises(ArtifactError, match=r"champions of 2026-03-02 .* the artifact of kmeans version 1 was pruned"):
        project.plan("2026-03-02", from_present_rows=True, **past("2026-03-02"))
    planned = project.plan("2026-03-02", models=["gmm"], from_present_rows=True, **past("2026-03-02"))
    assert planned["models"] == {"gmm": 1}


def test_past_date_without_a_source_is_refused(project: Project) -> None:
    """Without a dated source nobody takes today's rows for those of the past unasked, and nothing is recorded."""
    with pytest.raises(
        ConfigurationError, match=r"2026-03-02 is past, and the source in customers\.yaml has no past dates"
    ):
        project.plan("2026-03-02", **past("2026-03-02"))
    assert project.sql("select count(*) from segmentation.scoring_runs") == [(0,)]


def test_dated_source_is_read_as_of_the_date(project: Project) -> None:
    """Each date has the customers of the date, in shards as in one, the present date those of the table."""
    decided(project, "2026-03-01 12:00Z")
    project.sql(HISTORY)
    dated = with_dated_source(project)
    dated.night("2026-03-09", models=["kmeans"], shards=3, **past("2026-03-09"))
    dated.night("2026-03-10", models=["kmeans"], shards=1, **past("2026-03-10"))
    dated.night("2026-03-11", models=["kmeans"], shards=2)
    dated.night("2026-03-08", models=["kmeans"], from_present_rows=True, **past("2026-03-08"))
    incomes = dict(project.sql(INCOMES))
    assert incomes["2026-03-08"] == incomes["2026-03-11"] == 200_000
    assert incomes["2026-03-10"] < incomes["2026-03-09"] < 100_000
    runs = "select as_of::text, source_time, source, rows_read > 1000 from segmentation.scoring_runs order by as_of"
    assert project.sql(runs) == [
        ("2026-03-08", "substituted", "public.customers", True),
        ("2026-03-09", "dated", DATED, True),
        ("2026-03-10", "dated", DATED, True),
        ("2026-03-11", "present", "public.customers", True),
    ]
    assert project.staged() == []


def test_customers_twice_in_a_dated_source_are_rejected(project: Project) -> None:
    """Where periods overlap, a customer stands twice, and both rows are rejected."""
    decided(project, "2026-03-01 12:00Z")
    project.sql(HISTORY)
    project.sql("update customers_history set valid_to = null where customer_id = 6")
    dated = with_dated_source(project)
    dated.night("2026-03-10", **past("2026-03-10"))
    rejected = "select reason, count(*) from segmentation.rejected_customers where customer_id = '6' group by 1"
    assert project.sql(rejected) == [("duplicate_key", 2)]


def test_reasons_of_a_dated_run_are_those_of_the_present_values(project: Project) -> None:
    """A past date that is the latest is explained from the table, as any other."""
    decided(project, "2026-03-01 12:00Z")
    project.sql(HISTORY)
    with_dated_source(project).night("2026-03-10", **past("2026-03-10"))
    (label,) = explain_customer(project.configuration, project.registry, customer_id=5, models=["kmeans"]).labels
    assert {part.feature: part.value for part in label.explanation.pulls}["annual_income"] == 200_000
    sentence = label.explanation.sentence
    assert "annual income" in sentence.casefold() or "have changed since 2026-03-10" in sentence


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * from nowhere where day = :as_of", 'relation "nowhere" does not exist'),
        ("select * from customers where age = :as_of +", "syntax error"),
        ("select *, 1 as age from customers where date '2026-01-01' < :as_of", "returns age twice"),
        ("select customer_id, age from customers where date '2026-01-01' < :as_of", "no column for"),
        (
            "select * from customers where :as_of < date '2026-01-01'",
            "source.dated in customers.yaml as of 2026-03-02 has no rows",
        ),
        (
            "select customer_id::text, age, gender, annual_income, spending_score from customers where :as_of < now()",
            "the key customer_id of .* has the type text",
        ),
        (
            "select customer_id, 1 / (:as_of - :as_of) as age, gender, annual_income, spending_score from customers",
            "division by zero",
        ),
    ],
)
def test_dated_source_that_is_wrong_says_so(project: Project, query: str, said: str) -> None:
    """Whatever is wrong with the query is told by the plan, in the words of the database."""
    decided(project, "2026-03-01 12:00Z")
    with pytest.raises(DataError, match=said):
        with_dated_source(project, query).plan("2026-03-02", **past("2026-03-02"))


def test_dated_source_that_has_gone_fails_the_shard(project: Project) -> None:
    """A run that was planned with a dated source never reads the table in its place."""
    decided(project, "2026-03-01 12:00Z")
    project.sql(HISTORY)
    planned = with_dated_source(project).plan("2026-03-10", **past("2026-03-10"))
    with pytest.raises(RunError, match="planned under another"):
        project.score(planned["run_id"])
