"""Models that leave the configuration leave what holds now; their history ends and stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest

from clustering import drop_expired, explain_customer, retire_model
from clustering.errors import ConfigurationError, RunError
from tests.clustering.scoring.histories import assert_right, assert_sound
from tests.faults.server import held, session, wait_for, waiting
from tests.nights.test_plans import PREPARED

CURRENT = "select distinct model from segmentation.{} order by 1"
VIEWS = ("current_models", "current_segments", "current_customer_segments", "segment_health")
OPEN = "select distinct model from segmentation.segment_history where valid_to is null order by 1"
LOCK = "select pg_advisory_xact_lock(hashtext('segmentation.segment_history'), hashtext(%s))"
EVENTS = "select event, model, segment_id, description from segmentation.segment_events order by event_id"


def of(project, *models, **contract):
    """Return the project with these models alone."""
    configured = project.configuration.models
    kept = {name: configured[name] for name in models}
    contract = {"default_model": None} | contract
    updated = project.configuration.contract.model_copy(update=contract)
    return replace(
        project, configuration=project.configuration.model_copy(update={"models": kept, "contract": updated})
    )


def shown(project):
    """Return the models of each view of what holds now, which all agree."""
    found = {tuple(model for (model,) in project.sql(CURRENT.format(view))) for view in VIEWS}
    assert len(found) == 1, found
    return list(found.pop())


def test_removed_model_leaves_what_holds_now_with_the_next_night(after_night, caplog):
    """The night says so, the periods end on its date, an event is written, and the other models have their rows."""
    project = after_night("2026-11-20")
    result = of(project, "gmm", "kmeans").night("2026-11-21")
    assert result["retired"] == {"dbscan": "2026-11-21"}
    assert "dbscan is no longer configured" in caplog.text
    assert shown(project) == ["gmm", "kmeans"]
    assert [model for (model,) in project.sql(OPEN)] == ["gmm", "kmeans"]
    (event,) = project.sql(EVENTS)[-1:]
    assert event[:3] == ("retired", "dbscan", None)
    assert event[3] == "dbscan is no longer configured: it has no labels from 2026-11-21 on."
    before, after = (
        project.sql("select count(*) from segmentation.segment_as_of(%s) where model = 'dbscan'", day)
        for day in ("2026-11-20", "2026-11-21")
    )
    assert before != after == [(0,)]
    assert_sound(project)


def test_thirty_removed_models_leave_the_living_ones_all_of_their_rows(after_night):
    """However many models there were, what holds now are those that are configured."""
    project = after_night("2026-11-20")
    project.sql(
        "insert into segmentation.run_models (run_id, model, model_version_id) select made.run_id,"
        " 'a_former_' || number, made.model_version_id from segmentation.run_models as made,"
        " generate_series(1, 30) as number where made.model = 'gmm';"
        " insert into segmentation.published_runs (model, as_of, run_id, model_version_id) select model, '2026-11-20',"
        " run_id, model_version_id from segmentation.run_models where model like 'a_former%%'"
    )
    living = of(project, "gmm", "kmeans")
    result = living.night("2026-11-21")
    assert len(result["retired"]) == 31
    assert shown(project) == ["gmm", "kmeans"]
    ((customer, model),) = project.sql("select customer_id, model from segmentation.customer_segments limit 1")
    assert model == "gmm"
    told = explain_customer(living.configuration, living.registry, customer_id=customer)
    assert [label.model for label in told.labels] == ["gmm", "kmeans"]
    assert all(label.explanation.pulls for label in told.labels)


def test_nights_that_notice_a_removed_model_side_by_side_retire_it_once(after_night):
    """Both are published, one of them retires it, and one event says so."""
    project = after_night("2026-11-20")
    runs = []
    for model, day in (("gmm", "2026-11-21"), ("kmeans", "2026-11-22")):
        runs.append(project.plan(day, models=[model])["run_id"])
        project.score(runs[-1])
    living, url = of(project, "gmm", "kmeans"), project.warehouse.uri
    with ThreadPoolExecutor(len(runs)) as pool, session(url) as watching:
        with held(url, LOCK, "dbscan"):
            publications = [pool.submit(living.publish, run_id) for run_id in runs]
            wait_for(lambda: len(waiting(watching)) == len(runs))
        results = [publication.result() for publication in publications]
    assert [result["status"] for result in results] == ["published", "published"]
    assert sorted(len(result["retired"]) for result in results) == [0, 1]
    assert [event[:2] for event in project.sql(EVENTS) if event[0] == "retired"] == [("retired", "dbscan")]
    assert shown(project) == ["gmm", "kmeans"]
    assert_sound(project)


def test_model_that_is_published_meanwhile_is_not_retired_for_an_older_night(after_night):
    """A night that waits for a publication of the model looks again at which date is its latest."""
    project = after_night("2026-11-20")
    older = project.plan("2026-11-21", models=["kmeans"])["run_id"]
    project.score(older)
    newer = project.plan("2026-11-22", models=["dbscan"])["run_id"]
    project.score(newer)
    with ThreadPoolExecutor(2) as pool, session(project.warehouse.uri) as watching:
        with held(project.warehouse.uri, LOCK, "dbscan"):
            publishing = pool.submit(project.publish, newer)
            wait_for(lambda: len(waiting(watching)) == 1)
            noticing = pool.submit(of(project, "gmm", "kmeans").publish, older)
            wait_for(lambda: len(waiting(watching)) == 2)
        publishing.result()
        assert noticing.result()["retired"] == {}
    assert shown(project) == ["dbscan", "gmm", "kmeans"]
    assert_sound(project)


def test_labels_of_a_removed_model_are_dropped(after_night):
    """Retention takes them as any others, and leaves nothing behind."""
    project = after_night("2026-11-20", "dbscan")
    few = of(project, "gmm", "kmeans", label_runs=1)
    few.night("2026-11-21")
    drop_expired(few.warehouse, few.configuration)
    assert project.sql("select distinct model from segmentation.customer_labels order by 1") == [("gmm",), ("kmeans",)]


@pytest.mark.parametrize("label_runs", [1, 30])
@pytest.mark.parametrize("day", ["2026-11-20", "2026-11-21", "2026-11-25"])
def test_model_that_comes_back_begins_new_periods(after_night, day, label_runs):
    """Its segments keep their numbers, whoever stayed has a gap only where there was one, and an event says it."""
    project = after_night("2026-11-20")
    without = of(project, "gmm", "kmeans", label_runs=label_runs)
    without.night("2026-11-21")
    drop_expired(without.warehouse, without.configuration)
    project.sql("delete from customers where customer_id in (select customer_id from customers limit 100)")
    result = project.night(day, shards=2)
    assert shown(project) == ["dbscan", "gmm", "kmeans"]
    assert project.sql(
        "select count(*) from segmentation.segment_history where model = 'dbscan' and valid_to is null"
    ) == [(result["rows_labelled"],)]
    began = project.sql("select distinct valid_from::text from segmentation.segment_history where model = 'dbscan'")
    assert sorted(began) == [("2026-11-20",), *([(day,)] if day == "2026-11-25" else [])]
    assert [event[:3] for event in project.sql(EVENTS)[-2:]] == [
        ("retired", "dbscan", None),
        ("returned", "dbscan", None),
    ]
    assert_sound(project)


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize(("last", "back"), [(0, 0), (-3, -2)])
def test_model_that_comes_back_before_its_end_never_ended(project, last, back):
    """Retired by mistake and published for its last date, or another before the end, it goes on as ever."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    last, back, following = ((tomorrow + timedelta(days=days)).isoformat() for days in (last, back, 1))
    project.night(last, models=["kmeans"])
    project.sql("update customers set annual_income = annual_income / 3 where customer_id % 7 = 0")
    for _ in range(2):
        retired_on = retire_model(project.warehouse, model="kmeans", retired_by="Ada")["retired_on"]
        assert back < retired_on
        project.night(back, models=["kmeans"])
        assert_right(project)
        there = "select count(*) from segmentation.segment_as_of(%s) where model = 'kmeans'"
        assert project.sql(there, retired_on) == project.sql("select count(*) from segmentation.customer_segments")
    project.sql("delete from customers where customer_id % 11 = 0")
    project.night(following, models=["kmeans"])
    assert_right(project)


def test_date_before_a_pause_keeps_the_pause(after_night):
    """A date that is published again ends at the retirement, not at the date on which the model came back."""
    project = after_night("2026-11-20")
    of(project, "gmm", "kmeans").night("2026-11-21")
    project.night("2026-11-25")
    project.sql("update customers set annual_income = annual_income / 3 where customer_id % 7 = 0")
    project.night("2026-11-20")
    gap = "select count(*) from segmentation.segment_as_of('2026-11-23') where model = 'dbscan'"
    assert project.sql(gap) == [(0,)]
    assert_sound(project)


def test_model_that_is_removed_while_its_run_goes_on_leaves_the_run(after_night):
    """What the run had of it is dropped, and the others are published."""
    project = after_night("2026-11-20")
    planned = project.plan("2026-11-21")
    project.score(planned["run_id"])
    result = of(project, "gmm", "kmeans").publish(planned["run_id"])
    assert (result["models"], result["failed"]) == (["gmm", "kmeans"], {"dbscan": "no longer configured"})
    assert result["retired"] == {"dbscan": "2026-11-21"}
    assert shown(project) == ["gmm", "kmeans"]
    assert project.staged() == []
    assert_sound(project)


def test_run_whose_models_are_all_removed_is_not_published(after_night):
    """Nothing changes, and the reason is said."""
    project = after_night("2026-11-20")
    planned = project.plan("2026-11-21", models=["dbscan"])
    project.score(planned["run_id"])
    with pytest.raises(RunError, match="no model of it is left"):
        of(project, "gmm", "kmeans").publish(planned["run_id"])
    assert shown(project) == ["dbscan", "gmm", "kmeans"]


def test_past_date_and_dry_run_retire_nothing(after_night):
    """Only a night that is not older than the model's latest says something of today."""
    project = after_night("2026-11-20")
    without = of(project, "gmm", "kmeans")
    assert without.night("2026-11-19")["retired"] == {}
    assert without.night("2026-11-21", dry_run=True)["retired"] == {}
    assert shown(project) == ["dbscan", "gmm", "kmeans"]


def test_night_that_fails_retires_nothing_and_the_next_one_does(after_night):
    """The pointer moves with the publication or not at all."""
    project = after_night("2026-11-20")
    without = of(project, "gmm", "kmeans", max_rejected_share=0.0)
    with pytest.raises(Exception, match="rows were rejected"):
        without.night("2026-11-21")
    assert shown(project) == ["dbscan", "gmm", "kmeans"]
    assert of(project, "gmm", "kmeans").night("2026-11-22")["retired"] == {"dbscan": "2026-11-22"}


@pytest.fixture
def ahead(monkeypatch):
    """Let nights be planned for dates that are still to come, since people retire models from today on."""
    monkeypatch.setattr("clustering.scoring.plan.require_begun", lambda *_, **__: None)


@pytest.mark.usefixtures("ahead")
def test_person_retires_a_model(project):
    """It leaves at once, from today or the day after its latest date on, and a second time is refused."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    project.night("2026-11-20", models=["kmeans"])
    project.night(tomorrow.isoformat(), models=["gmm"])
    told = retire_model(project.warehouse, model="gmm", retired_by="Ada", configured=["gmm"])
    assert told == {
        "model": "gmm",
        "retired_on": (tomorrow + timedelta(days=1)).isoformat(),
        "comes_back": True,
    }
    assert shown(project) == ["kmeans"]
    with pytest.raises(ConfigurationError, match="'gmm' has no labels that could be retired; there are kmeans"):
        retire_model(project.warehouse, model="gmm", retired_by="Ada")


def test_customer_segments_never_shows_a_model_that_is_gone(after_night):
    """A default model that is retired gives way to the first by name; one without labels waits for its first night."""
    project = after_night("2026-11-20")
    default = "select distinct model from segmentation.customer_segments"
    retire_model(project.warehouse, model="kmeans", retired_by="Ada")
    assert project.sql(default) == [("dbscan",)]
    of(project, "dbscan", "gmm", default_model="gmm").night("2026-11-21", models=["dbscan"])
    assert project.sql(default) == [("gmm",)]
    of(project, "dbscan", "gmm", "kmeans", default_model="kmeans").night("2026-11-22", models=["dbscan"])
    assert project.sql(default) == [("gmm",)]
    of(project, "dbscan", "gmm", "kmeans", default_model="kmeans").night("2026-11-22", models=["kmeans"])
    assert project.sql(default) == [("kmeans",)]
    for model in ("dbscan", "gmm", "kmeans"):
        retire_model(project.warehouse, model=model, retired_by="Ada")
    assert project.sql(default) == []
    assert shown(project) == []
    drop_expired(project.warehouse, project.configuration)


def test_prepared_statements_follow_a_retirement(after_night):
    """Statements that were planned before a model was retired do not show it, and show it again when it is back."""
    project = after_night("2026-11-20")
    with closing(psycopg2.connect(project.warehouse.uri)) as connection, connection.cursor() as reader:
        connection.autocommit = True
        reader.execute(PREPARED)
        for expected in ("kmeans", "dbscan", "kmeans"):
            for _ in range(2):
                reader.execute("execute by_default")
                assert [row[0] for row in reader.fetchall()] == [expected]
                reader.execute("execute by_model ('kmeans')")
                assert bool(reader.fetchall()) == (expected == "kmeans")
            if expected == "kmeans" and project.sql("select count(*) from segmentation.model_retirements") == [(0,)]:
                retire_model(project.warehouse, model="kmeans", retired_by="Ada")
            elif expected == "dbscan":
                project.night("2026-11-21")


def test_reader_from_before_a_retirement_keeps_the_labels(after_night):
    """Retention leaves the labels of a retired model to whoever may still follow the former pointer."""
    project = after_night("2026-11-20", "dbscan")
    few = of(project, "gmm", "kmeans", label_runs=1)
    few.night("2026-11-21")
    project.night("2026-11-21", models=["dbscan"])
    project.night("2026-11-22", models=["gmm", "kmeans"])
    labelled = "select count(*) > 0 from segmentation.current_customer_segments where model = 'dbscan'"
    with closing(psycopg2.connect(project.warehouse.uri)) as connection, connection.cursor() as reader:
        connection.set_session(isolation_level="REPEATABLE READ")
        reader.execute("select 1 from pg_class limit 1")
        retire_model(project.warehouse, model="dbscan", retired_by="Ada")
        assert drop_expired(few.warehouse, few.configuration)["readers"] == 1
        reader.execute(labelled)
        assert reader.fetchall() == [(True,)]
        connection.rollback()  # a server needs a moment to see that a connection is closed
    assert drop_expired(few.warehouse, few.configuration)["left"] == []
