"""A published date that is withdrawn leaves the tables as if it had never been."""

from __future__ import annotations

import random
from contextlib import closing

import psycopg2
import pytest

from clustering import drop_expired, watch
from clustering.errors import ConfigurationError, RunError
from tests.appointing import appoint
from tests.clustering.scoring.histories import (
    DAYS,
    RESET,
    assert_right,
    assert_sound,
    history,
    make_champion,
    other_version,
    periods,
    place,
    read,
    withdraw,
)
from tests.projects import Project

STATUS = "select status from segmentation.scoring_runs where run_id = %s"
CURRENT = "select as_of::text from segmentation.current_models where model = 'kmeans'"


def change(project: Project, luck: random.Random) -> None:
    """Let some customers move, go, come or be rejected."""
    for customer in luck.sample(range(1, 46), 6):
        place(project, customer, luck.choice([None, 0, 1, 2, 3, 4]), age=luck.choice([40, 40, 40, 999]))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_any_sequence_of_nights_and_withdrawals(project, seed):
    """Whatever is published or withdrawn, in whatever order, by whichever version: the labels that are left decide."""
    luck = random.Random(seed)  # noqa: S311
    versions = other_version(project)
    published: set[str] = set()
    for _ in range(14):
        if published and luck.random() < 0.4:
            day = luck.choice(sorted(published))
            published.remove(day)
            told = withdraw(project, day)
            assert told["current"] == {"kmeans": max(published, default=None)}
        else:
            change(project, luck)
            make_champion(project, luck.choice(versions))
            published.add(day := luck.choice(DAYS[:7]))
            project.night(day, shards=luck.choice([1, 3]))
        assert {day for (day,) in project.sql("select distinct as_of::text from segmentation.segments")} == published
        assert_right(project)
    assert project.staged() == []


@pytest.mark.parametrize(
    "withdrawn",
    [
        pytest.param(0, id="first", marks=pytest.mark.slow),
        pytest.param(1, id="of a new version"),
        pytest.param(2, id="in between", marks=pytest.mark.slow),
        pytest.param(4, id="last"),
    ],
)
def test_withdrawn_date_leaves_exactly_what_there_is_without_it(project, withdrawn):
    """History, movement, segments, profiles, groups and the views, for each place of the date."""
    first, second = other_version(project)
    found = []
    for left_out in (None, withdrawn):
        luck = random.Random(11)  # noqa: S311
        project.sql(RESET)
        project.sql("truncate customers")
        for customer in range(1, 41):
            place(project, customer, customer % 5)
        for number in range(5):
            change(project, luck)
            make_champion(project, second if number == 1 else first)
            if number != left_out:
                project.night(DAYS[number])
        if left_out is None:
            withdraw(project, DAYS[withdrawn])
        found.append(read(project))
        if withdrawn != 2:  # the versions next to it differ there, and nobody has asked the one about the other's night
            found[-1]["split"] = sorted(map(str, project.sql("select * from segmentation.segment_migrations")))
    for question, rows in found[0].items():
        assert rows == found[1][question], question


def test_date_before_becomes_current_and_the_change_is_recorded(project):
    """Readers are back at the date before, the run is marked, and who and why are kept."""
    project.night(DAYS[0])
    before = read(project)
    project.sql("delete from customers where customer_id > 20")
    run_id = project.night(DAYS[1])["run_id"]
    watch(project.warehouse, project.configuration, run_id=run_id)
    project.sql(
        "insert into segmentation.retraining_requests (run_id, as_of, models) values (%s, %s, '{kmeans}')",
        run_id,
        DAYS[1],
    )
    told = withdraw(project, DAYS[1])
    assert told == {
        "as_of": DAYS[1],
        "withdrawn": {"kmeans": run_id},
        "current": {"kmeans": DAYS[0]},
        "retired": {},
        "returned": {},
        "still_retired": [],
        "trained_since": [],
        "sent_to": [],
    }
    assert read(project) == before
    assert project.sql(STATUS, run_id) == [("withdrawn",)]
    assert project.sql("select note from segmentation.scoring_runs where run_id = %s", run_id) == [
        ("kmeans withdrawn by Ada: half of the customers were missing",)
    ]
    for table in ("drift_checks", "retraining_requests"):
        assert project.sql(f"select * from segmentation.{table} where as_of = %s", DAYS[1]) == []  # noqa: S608
    assert project.sql("select action, model, actor, description, detail ->> 'current' from segmentation.audit_trail"
                       " where action = 'withdraw'") == [
        (
            "withdraw",
            "kmeans",
            "Ada",
            f"{DAYS[1]} of kmeans, run {run_id}, is withdrawn: half of the customers were missing",
            DAYS[0],
        )
    ]  # fmt: skip


def test_withdrawn_run_is_neither_published_nor_watched_again_and_its_date_can_be_run_anew(project):
    """A task that is delivered twice brings nothing back; neither does the run that it had replaced."""
    project.night(DAYS[0])
    replaced, run_id = (project.night(DAYS[1])["run_id"] for _ in range(2))
    withdraw(project, DAYS[1])
    assert project.sql(CURRENT) == [(DAYS[0],)]
    assert [project.sql(STATUS, one) for one in (replaced, run_id)] == [[("replaced",)], [("withdrawn",)]]
    with pytest.raises(RunError, match=f"run {run_id} was withdrawn .*half of the customers"):
        project.publish(run_id)
    with pytest.raises(RunError, match=f"run {run_id} is withdrawn: only a published run can be watched"):
        watch(project.warehouse, project.configuration, run_id=run_id)
    place(project, 1, 3)
    project.night(DAYS[1])
    assert project.sql(CURRENT) == [(DAYS[1],)]
    assert_right(project)


def test_next_night_is_checked_against_the_date_before_a_withdrawn_one(project):
    """What was wrong is no base line, nor anything that is usual."""
    for day in DAYS[:2]:
        project.night(day)
    withdraw(project, DAYS[1])
    run_id = project.night(DAYS[2])["run_id"]
    compared = "select compared_as_of::text from segmentation.run_measures where run_id = %s"
    assert project.sql(compared, run_id) == [(DAYS[0],)]


def test_first_and_only_date_can_be_withdrawn(project):
    """Nothing is current then, and the next night begins anew."""
    project.night(DAYS[0])
    assert withdraw(project, DAYS[0])["current"] == {"kmeans": None}
    assert project.sql("select * from segmentation.segments") == []
    assert project.sql("select * from segmentation.customer_segments") == []
    assert history(project) == []
    project.night(DAYS[1])
    assert_right(project)


@pytest.mark.usefixtures("wrong_clock")
def test_date_in_the_future_can_be_withdrawn(project):
    """It hides every real night behind it, until it is gone."""
    project.night(DAYS[0])
    project.night("2062-11-27")
    place(project, 1, 3)
    project.night(DAYS[1])
    assert project.sql(CURRENT) == [("2062-11-27",)]
    withdraw(project, "2062-11-27")
    assert project.sql(CURRENT) == [(DAYS[1],)]
    assert_right(project)


@pytest.mark.parametrize(
    ("day", "options", "said"),
    [
        (DAYS[2], {}, f"{DAYS[2]} is not published, .* the published dates next to it are {DAYS[1]} and {DAYS[4]}"),
        ("2025-01-01", {}, f"the published dates next to it are {DAYS[0]}$"),
        (DAYS[1], {"models": ["kmean"]}, f"'kmean' is not published as of {DAYS[1]}; did you mean kmeans"),
        (DAYS[1], {"reason": "  "}, "recorded with who asks for it and why"),
        (DAYS[1], {"withdrawn_by": ""}, "recorded with who asks for it and why"),
    ],
)
def test_withdrawal_of_what_is_not_there_is_one_line(project, day, options, said):
    """What is published is named, and nothing is changed; a second withdrawal is such a case."""
    for published in (DAYS[0], DAYS[1], DAYS[4]):
        project.night(published)
    before = read(project)
    with pytest.raises(ConfigurationError, match=said) as told:
        withdraw(project, day, **options)
    assert "\n" not in str(told.value)
    assert read(project) == before


def test_second_withdrawal_is_refused(project):
    """There is nothing left to withdraw."""
    project.night(DAYS[0])
    project.night(DAYS[1])
    withdraw(project, DAYS[1])
    with pytest.raises(
        ConfigurationError, match=rf"{DAYS[1]} is not published any more \(kmeans withdrawn by Ada: half"
    ):
        withdraw(project, DAYS[1])
    withdraw(project, DAYS[0])
    with pytest.raises(ConfigurationError, match="so nothing was withdrawn; no date is"):
        withdraw(project, DAYS[0])


def test_date_is_not_withdrawn_when_the_labels_of_the_date_before_are_gone(project):
    """There would be nothing for readers to go back to; a date that is not current needs no labels."""
    few = project.with_contract(label_runs=1)
    for day in DAYS[:3]:
        few.night(day)
        place(project, 1, 3 if day == DAYS[0] else 1)
    assert drop_expired(few.warehouse, few.configuration)["left"] == []
    before = read(few)
    with pytest.raises(RunError, match=f"the labels of {DAYS[1]}, the date before, are no longer kept"):
        withdraw(few, DAYS[2])
    assert read(few) == before
    withdraw(few, DAYS[1])
    assert_sound(few)


def test_date_is_not_withdrawn_when_the_history_does_not_reach_back_to_it(project):
    """Periods that ended on the date are gone, and nobody knows any more what was before it."""
    for day in DAYS[:5]:
        place(project, 1, int(day[-1]) % 5)
        project.night(day)
    known = project.with_contract(history_days=2)
    drop_expired(known.warehouse, known.configuration)
    with pytest.raises(RunError, match=f"kept for 2 days .* which is since {DAYS[3]}"):
        withdraw(known, DAYS[2])
    withdraw(known, DAYS[3])
    assert periods(known, 1)[-1][1] is None


def test_labels_of_a_withdrawn_date_stay_for_those_who_still_read_them(project):
    """A snapshot from before the withdrawal shows the date; retention waits for it, and takes the labels afterwards."""
    project.night(DAYS[0])
    run_id = project.night(DAYS[1])["run_id"]
    labelled = "select as_of::text, count(*) from segmentation.customer_segments group by 1"
    with closing(psycopg2.connect(project.warehouse.uri)) as connection, connection.cursor() as reader:
        connection.set_session(isolation_level="REPEATABLE READ")
        reader.execute("select 1 from pg_class limit 1")
        withdraw(project, DAYS[1])
        assert drop_expired(project.warehouse, project.configuration)["left"] == [run_id]
        reader.execute(labelled)
        assert reader.fetchall() == [(DAYS[1], 40)]
        connection.rollback()  # a server needs a moment to see that a connection is closed
    assert drop_expired(project.warehouse, project.configuration)["dropped"] == [run_id]
    assert project.sql(labelled) == [(DAYS[0], 40)]
    assert project.sql("select distinct run_id from segmentation.customer_labels") == [(run_id - 1,)]
    assert project.sql("select count(*) from segmentation.label_names where label_set = %s", run_id) == [(0,)]


def test_labels_that_retention_is_about_to_drop_do_not_become_current(project):
    """Once retention has decided on a run, a withdrawal does not go back to it, even if its tables are still there."""
    former = project.night(DAYS[0])["run_id"]
    project.night(DAYS[1])
    project.sql("update segmentation.scoring_runs set labels_expired_at = now() where run_id = %s", former)
    with pytest.raises(RunError, match="are no longer kept"):
        withdraw(project, DAYS[1])
    few = project.with_contract(label_runs=30)
    assert drop_expired(few.warehouse, few.configuration)["dropped"] == [former]


def test_champions_that_were_trained_since_are_named(project):
    """They may have learnt from what was wrong; they stay, and the answer says so."""
    project.night(DAYS[0])
    project.night(DAYS[1])
    appoint(project, "kmeans", n_clusters=4)
    told = withdraw(project, DAYS[1])["trained_since"]
    assert [(one["model"], one["version"]) for one in told] == [("kmeans", 2)]
