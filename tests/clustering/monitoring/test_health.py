"""How far segments can be relied on, in words: nights that are fresh, old, held, incomplete, drifted, or missing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from clustering.config import Checks
from clustering.errors import HeldError
from clustering.monitoring.health import ModelHealth, read_health
from clustering.monitoring.health_aspects import TOLD_BEFORE, Night, fresh
from clustering.quality.findings import ADVICE
from clustering.scoring.endings import abandon_run
from tests.days import today, yesterday
from tests.projects import Project

SHOWN = "select distinct age_days, coalesce(reasons, '') like '%ahead%' from segmentation.segment_health"


def health(project: Project, model: str = "kmeans", as_of: date | None = None) -> ModelHealth:
    """Return the health of a model."""
    with project.warehouse.transaction(read_only=True) as transaction:
        return read_health(transaction, model, as_of)


def told(project: Project, name: str, as_of: date | None = None) -> tuple[str, str, str, date | None]:
    """Return state, verdict, reason and since of an aspect."""
    [one] = [one for one in health(project, as_of=as_of).aspects if one.name == name]
    return one.state, one.verdict, one.reason, one.since


def test_each_finding_that_a_check_can_make_belongs_to_an_aspect() -> None:
    """A changed contract is neither old, nor incomplete, nor drifted: trust alone tells of it."""
    assert set(ADVICE) - set(TOLD_BEFORE) == {"contract"}


def test_model_without_any_night_says_so(project: Project) -> None:
    """Nothing is claimed of it."""
    found = health(project)
    assert (found.as_of, found.segments) == (None, [])
    assert [(one.name, one.state) for one in found.aspects] == [
        ("fresh", "bad"),
        ("complete", "unknown"),
        ("drifted", "unknown"),
        ("trusted", "unknown"),
    ]
    assert found.to_document()["aspects"][0]["reason"] == "No night of this model was published yet."


def test_quiet_night_is_good_in_every_way(project: Project) -> None:
    """Every answer has a reason and a date since which it has been so."""
    project.night(yesterday().isoformat(), models=["kmeans"], from_present_rows=True)
    project.sql("update customers set spending_score = 50 where customer_id = 7")
    project.night(today().isoformat(), models=["kmeans"])
    project.sql("update segmentation.segments set stability = 0.9, stability_band = 'highly stable'")
    project.sql("update segmentation.scoring_runs set source_time = 'present'")
    found = health(project)
    assert {one.state for one in found.aspects} == {"good"}
    assert [one.since for one in found.aspects] == [today(), yesterday(), yesterday(), yesterday()]
    assert {one.trust for one in found.segments} == {"yes"}


def test_old_night_is_not_fresh(project: Project) -> None:
    """What is older than two days is said to be, since the third."""
    project.night((today() - timedelta(days=5)).isoformat(), models=["kmeans"], from_present_rows=True)
    since = today() - timedelta(days=2)
    assert told(project, "fresh") == ("bad", "Old", "5 days old: no night has been run since.", since)


def test_date_that_has_begun_somewhere_is_not_ahead_of_its_time(project: Project) -> None:
    """East of UTC, a night is published on the evening before, in UTC: on every continent it is a fresh one."""
    [(begun,)] = project.sql("select (now() at time zone 'UTC' + interval '14 hours')::date")
    project.night(today().isoformat(), models=["kmeans"])
    for table in ("published_runs", "segments", "scoring_runs"):
        project.sql(f"update segmentation.{table} set as_of = %s", begun)  # noqa: S608
    assert told(project, "fresh")[:2] == ("good", "Fresh")
    assert project.sql(SHOWN) == [(0, False)]
    for table in ("published_runs", "segments", "scoring_runs"):
        project.sql(f"update segmentation.{table} set as_of = as_of + 1")  # noqa: S608
    days = (begun - today()).days + 1
    words = f"{days} {'day' if days == 1 else 'days'} ahead"
    assert told(project, "fresh")[1:3] == ("Ahead of its time", f"Dated {words}, and hides the nights until then.")
    assert project.sql(SHOWN) == [(-days, True)]


def test_one_day_is_not_called_days() -> None:
    """A date of tomorrow that has begun nowhere is one day ahead."""
    night = Night(
        as_of=yesterday() + timedelta(days=2),
        run_id=1,
        published_at=datetime.now(UTC),
        version=1,
        structure="structured",
        rows_read=1,
        rows_rejected=0,
        source_time="present",
        drift_checks=0,
        drift_alarms=0,
        drift_words=None,
        findings=[],
        today=yesterday() + timedelta(days=1),
    )
    assert fresh(night, latest=night.as_of, later=None).reason == "Dated 1 day ahead, and hides the nights until then."


def test_held_night_is_told_of_beside_the_one_that_readers_see(project: Project) -> None:
    """Until somebody decides, what is shown is not the newest that there could be."""
    careful = project.with_contract(checks=Checks())
    careful.night(yesterday().isoformat(), from_present_rows=True)
    careful.sql("delete from customers where customer_id % 2 = 0")
    planned = careful.plan(today().isoformat())
    for shard in planned["shards"]:
        careful.score(planned["run_id"], shard)
    assert "is being made" in told(careful, "fresh")[2]
    with pytest.raises(HeldError):
        careful.check(planned["run_id"])
    state, verdict, reason, since = told(careful, "fresh")
    assert (state, verdict, since) == ("care", "Held", today())
    assert f"is held and waits for a decision (run {planned['run_id']})" in reason


def test_held_night_is_told_of_after_a_former_date_was_run_again(project: Project) -> None:
    """The date counts, and not which of the runs was started last."""
    careful = project.with_contract(checks=Checks())
    careful.night(yesterday().isoformat(), from_present_rows=True)
    careful.sql("delete from customers where customer_id % 2 = 0")
    planned = careful.plan(today().isoformat())
    for shard in planned["shards"]:
        careful.score(planned["run_id"], shard)
    with pytest.raises(HeldError):
        careful.check(planned["run_id"])
    careful.with_contract(checks=Checks(hold="never")).night(yesterday().isoformat(), from_present_rows=True)
    state, verdict, reason, _ = told(careful, "fresh")
    assert (state, verdict) == ("care", "Held")
    assert f"(run {planned['run_id']})" in reason


def test_error_that_ended_a_run_is_for_operators(project: Project) -> None:
    """Its first line may name a file or a host; what somebody decided on a held run is for everybody."""
    project.night(yesterday().isoformat(), models=["kmeans"], from_present_rows=True)
    run = project.plan(today().isoformat(), models=["kmeans"])["run_id"]
    note = "clustering score ended without publishing: /srv/store/kmeans/meta.json: cannot be read"
    abandon_run(project.warehouse, run_id=run, note=note)
    reason = f"The night of {today().day} {today():%b %Y} ended without being published (run {run})"
    assert told(project, "fresh")[2] == f"{reason}."
    assert "srv" not in str(health(project).to_document())
    project.sql(
        "update segmentation.scoring_runs set held_at = now(), note = 'abandoned by Ada: x' where run_id = %s", run
    )
    assert told(project, "fresh")[2] == f"{reason}: abandoned by Ada: x."


def test_model_that_had_to_be_left_out_is_not_the_newest(project: Project) -> None:
    """The reason, which names a file of the store, is for operators."""
    project.night(yesterday().isoformat(), from_present_rows=True)
    run = project.night(today().isoformat(), models=["dbscan"])["run_id"]
    project.sql(
        "insert into segmentation.run_failures (run_id, model, model_version_id, reason) select %s, model,"
        " model_version_id, '/secret/folder is gone' from segmentation.model_versions where model = 'kmeans'",
        run,
    )
    state, verdict, reason, _ = told(project, "fresh")
    assert (state, verdict) == ("care", "Not the newest")
    assert "leave this model out" in reason
    assert "secret" not in str(health(project).to_document())


def test_retired_model_says_since_when_and_why(project: Project) -> None:
    """Its last night is still there to be looked at."""
    project.night(today().isoformat(), models=["kmeans"])
    project.sql(
        "insert into segmentation.model_retirements (model, retired_on, reason, retired_by)"
        " values ('kmeans', %s, 'nobody uses it', 'Ada')",
        today(),
    )
    assert told(project, "fresh")[1] == "Retired"
    assert "nobody uses it" in told(project, "fresh")[2]


def test_former_date_is_called_one(project: Project) -> None:
    """A date that was looked for and not published is that of the latest one before."""
    project.night(yesterday().isoformat(), models=["kmeans"], from_present_rows=True)
    project.night(today().isoformat(), models=["kmeans"])
    assert told(project, "fresh", as_of=yesterday())[:2] == ("unknown", "A former date")
    assert health(project, as_of=today() + timedelta(days=9)).as_of == today()
    assert health(project, as_of=yesterday() - timedelta(days=9)).as_of is None


def test_drift_and_rejected_rows_are_told_with_their_beginning(project: Project) -> None:
    """Since when is the first date without a gap on which it was so."""
    days = [yesterday() - timedelta(days=1), yesterday(), today()]
    for day in days:
        project.night(day.isoformat(), models=["kmeans"], from_present_rows=day != today())
    project.sql("update segmentation.scoring_runs set source_time = 'present'")
    project.sql(
        "update segmentation.drift_checks set alarm = true where subject = 'annual_income' and as_of > %s", days[0]
    )
    project.sql("update segmentation.scoring_runs set rows_read = 10 + rows_labelled, rows_rejected = 10")
    assert told(project, "complete")[0] == "good"
    project.sql(
        "update segmentation.scoring_runs set rows_rejected = 500, rows_labelled = 1500, rows_read = 2000"
        " where as_of = %s",
        today(),
    )
    state, verdict, reason, since = told(project, "complete")
    assert (state, verdict, reason, since) == ("care", "Incomplete", "25% of the rows were rejected.", today())
    state, verdict, reason, since = told(project, "drifted")
    assert (state, verdict, since) == ("care", "Drifted", yesterday())
    assert reason.startswith("1 of 10 checks: ")


def test_segment_that_is_not_stable_differs_from_the_others(project: Project) -> None:
    """Its own reason is told beside those of the night."""
    project.night(today().isoformat(), models=["kmeans"])
    project.sql("update segmentation.segments set stability_band = 'do not trust' where segment_id = 2")
    found = health(project)
    assert {one.segment_id: one.trust for one in found.segments if one.trust == "no"} == {2: "no"}
    assert found.by_segment[2].own_reasons == "other samples do not show this segment"
    assert found.by_segment[1].own_reasons is None
    state, verdict, reason, _ = told(project, "trusted")
    assert (state, verdict) == ("bad", "Not all trusted")
    assert "1 cannot be relied on" in reason
    assert found.by_segment[2].segment_name in reason


def test_agrees_with_the_view_for_bi(project: Project) -> None:
    """The same segments, trust and reasons; findings of one segment are its own."""
    project.night(today().isoformat())
    project.sql(
        "insert into segmentation.night_checks"
        " (run_id, model, check_name, subject, value, finding, description, advice)"
        " select run_id, model, check_name, subject, 1, 'warn', check_name || ' of ' || subject, 'look'"
        " from segmentation.current_models"
        " cross join (values ('segment', '1'), ('groups', 'gender')) as new (check_name, subject)"
        " where model = 'kmeans'"
    )
    for model in ("kmeans", "dbscan", "gmm"):
        found = health(project, model).segments
        rows = project.sql(
            "select segment_id, trust, reasons from segmentation.segment_health where model = %s"
            " order by segment_id = 0, segment_id",
            model,
        )
        assert rows == [
            (one.segment_id, one.trust, "; ".join(filter(None, (one.own_reasons, one.night_reasons))) or None)
            for one in found
        ]
    own = {one.segment_id: one.own_reasons for one in health(project).segments}
    assert own[1] == "segment of 1"
    assert own[2] is None
