"""Whoever follows `segment_changes` by its numbers knows at any time who is in which segment."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

import psycopg2
import pytest

from clustering import drop_expired, forget, retire_model
from clustering.scoring import changes as changes_of_today
from clustering.scoring import retention
from tests.clustering.scoring.histories import DAYS, make_champion, other_version, place, withdraw
from tests.projects import Project

FEED = """
    select change_id, kind, model, customer_id, as_of::text, from_segment_id, to_segment_id, cause
    from segmentation.segment_changes
    where change_id > %s
    order by change_id
"""
TOLD = """
    select customer_id, from_segment_name, to_segment_name, cause
    from segmentation.segment_changes
    where as_of = %s and kind = 'change'
    order by customer_id
"""
MEMBERS = "select model, customer_id, segment_id from segmentation.current_customer_segments"


class Follower:
    """A consumer that keeps the members of each model by what it is told, and reads them where it is told to."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.cursor = 0
        self.members: dict[tuple[str, int], int] = {}

    def read(self) -> list[tuple[object, ...]]:
        rows = self.project.sql(FEED, self.cursor)
        if {"start", "expired"} & {row[1] for row in rows}:
            self.members = {row[:2]: row[2] for row in self.project.sql(MEMBERS)}
            self.cursor = rows[-1][0]
            return rows
        for change_id, kind, model, customer, _, former, latter, _ in rows:
            assert change_id > self.cursor
            self.cursor = change_id
            if kind == "change":
                assert self.members.get((model, customer)) == former
                self.members[model, customer] = latter
            elif kind == "forgotten":
                self.members = {key: segment for key, segment in self.members.items() if key[1] != customer}
            else:
                self.members = {key: segment for key, segment in self.members.items() if key[0] != model}
        self.members = {key: segment for key, segment in self.members.items() if segment is not None}
        return rows

    def assert_right(self) -> list[tuple[object, ...]]:
        rows = self.read()
        assert self.members == {row[:2]: row[2] for row in self.project.sql(MEMBERS)}
        return rows


@pytest.fixture
def follower(project: Project) -> Follower:
    """Return a consumer of the small project who has read nothing."""
    return Follower(project)


def test_first_night_is_told_in_one_row(project, follower):
    """Ten million customers who join on a model's first night are there to be read; nobody needs as many rows."""
    project.night(DAYS[0])
    [(_, kind, model, customer, as_of, *_)] = follower.assert_right()
    assert (kind, model, customer, as_of) == ("start", "kmeans", None, DAYS[0])


def test_night_without_a_change_tells_nothing(project, follower):
    """Nobody has moved, and the feed is as long as it was."""
    project.night(DAYS[0])
    follower.assert_right()
    project.night(DAYS[1])
    assert follower.assert_right() == []


def test_causes_of_a_night(project, follower):
    """One moves, one leaves, one is rejected, one joins; two nights later those come back that were away."""
    project.night(DAYS[0])
    follower.assert_right()
    place(project, 1, 3)
    place(project, 2, None)
    place(project, 3, 3, age=999)
    place(project, 50, 0)
    project.night(DAYS[1], shards=3)
    follower.assert_right()
    names = dict(project.sql("select segment_id, segment_name from segmentation.current_segments"))
    (one, two, three, new) = project.sql(TOLD, DAYS[1])
    assert (one[0], one[3]) == (1, "behaviour")
    assert {one[1], one[2]} <= set(names.values())
    assert two[0::3] == (2, "left")
    assert two[2] is None
    assert three[0::3] == (3, "source")
    assert new == (50, None, new[2], "joined")
    place(project, 2, 2)
    place(project, 3, 3)
    project.night(DAYS[2])
    follower.assert_right()
    assert [row[0::3] for row in project.sql(TOLD, DAYS[2])] == [(2, "source"), (3, "source")]


def test_retraining_tells_real_moves_alone_and_whom_only_the_model_moved(project, follower):
    """Segments keep their identity; who moves by the other version alone is told as such."""
    first, second = other_version(project)
    make_champion(project, first)
    project.night(DAYS[0])
    follower.assert_right()
    make_champion(project, second)
    place(project, 1, 3)
    project.night(DAYS[1])
    rows = follower.assert_right()
    moved = project.sql(
        "select sum(by_model), sum(by_behaviour) from segmentation.segment_migrations where as_of = %s", DAYS[1]
    )
    causes = [row[-1] for row in rows]
    assert (causes.count("model"), causes.count("behaviour")) == tuple(map(int, moved[0]))
    assert 0 < len(rows) < 40


def test_repaired_past_date_tells_nothing_and_rewrites_nothing(project, follower):
    """What was told of a date stays; of today nothing has changed."""
    project.night(DAYS[0])
    place(project, 1, 3)
    project.night(DAYS[4])
    follower.assert_right()
    before = project.sql("select * from segmentation.segment_changes")
    place(project, 2, 4)
    place(project, 3, None)
    project.night(DAYS[2])
    project.night(DAYS[0])
    assert project.sql("select * from segmentation.segment_changes") == before
    assert follower.assert_right() == []


def test_latest_date_that_is_run_again_is_corrected_by_further_rows(project, follower):
    """What was told stays, and what was wrong of it is told as a correction."""
    project.night(DAYS[0])
    place(project, 1, 3)
    place(project, 2, None)
    project.night(DAYS[1])
    follower.assert_right()
    place(project, 1, 1)
    place(project, 2, 2)
    place(project, 4, 0)
    project.night(DAYS[1])
    assert [(row[3], row[-1]) for row in sorted(follower.assert_right(), key=lambda row: row[3])] == [
        (1, "correction"),
        (2, "correction"),
        (4, "correction"),
    ]


def test_withdrawal_of_the_latest_date_is_compensated_and_of_a_past_one_is_not_told(project, follower):
    """After the latest date the one before is current again, and everybody who moved is told to be back."""
    for number in (0, 1, 2):
        place(project, 1, number)
        place(project, 2, None if number == 2 else 2)
        project.night(DAYS[number])
    follower.assert_right()
    withdraw(project, DAYS[1])
    assert follower.assert_right() == []
    withdraw(project, DAYS[2])
    rows = follower.assert_right()
    assert {(row[1], row[4], row[-1]) for row in rows} == {("change", DAYS[0], "correction")}
    withdraw(project, DAYS[0])
    assert [row[1] for row in follower.assert_right()] == ["end"]
    assert project.staged() == []


def test_model_that_is_retired_ends_and_one_that_comes_back_starts(project, follower):
    """Its members are told by one row each, however many they are."""
    project.night(DAYS[0])
    follower.assert_right()
    retire_model(project.warehouse, model="kmeans", retired_by="test")
    assert [row[1] for row in follower.assert_right()] == ["end"]
    place(project, 1, 3)
    project.night(DAYS[0])
    assert [row[1] for row in follower.assert_right()] == ["start"]


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_follower_knows_all_members_after_any_sequence_of_nights_and_withdrawals(project, follower, seed):
    """Whatever is published, withdrawn or retired, in whatever order."""
    luck = random.Random(seed)  # noqa: S311
    versions = other_version(project)
    published: set[str] = set()
    for _ in range(14):
        if published and luck.random() < 0.35:
            published.remove(day := luck.choice(sorted(published)))
            withdraw(project, day)
        else:
            for customer in luck.sample(range(1, 46), 6):
                place(project, customer, luck.choice([None, 0, 1, 2, 3, 4]), age=luck.choice([40, 40, 40, 999]))
            make_champion(project, luck.choice(versions))
            published.add(day := luck.choice(DAYS[:7]))
            project.night(day, shards=luck.choice([1, 3]))
        if luck.random() < 0.7:
            follower.assert_right()
    follower.assert_right()


def test_transaction_that_has_written_and_stands_idle_hides_nothing(project, follower):
    """Numbers are given in the order of commits; nobody has to wait for whoever else is writing."""
    project.night(DAYS[0])
    follower.assert_right()
    with closing(psycopg2.connect(project.warehouse.uri)) as idle, idle.cursor() as cursor:
        cursor.execute("delete from segmentation.segment_names; update segmentation.contract set default_model = null")
        cursor.execute("select nextval(pg_get_serial_sequence('segmentation.segment_changes', 'change_id'))")
        place(project, 1, 3)
        project.night(DAYS[1])
        assert [row[3] for row in follower.assert_right()] == [1]


def test_two_models_that_are_published_at_once_miss_no_row(both, monkeypatch):
    """Whoever is the first to take numbers is the first to be seen; the other waits with taking any."""
    both.night(DAYS[0])
    follower = Follower(both)
    follower.assert_right()
    for customer in range(1, 20):
        place(both, customer, (customer + 1) % 5)
    runs = {model: both.plan(DAYS[1], models=[model])["run_id"] for model in ("kmeans", "gmm")}
    for run_id in runs.values():
        both.score(run_id)
        both.check(run_id)
    appended, go_on = threading.Event(), threading.Event()
    append = changes_of_today._append

    def slow(transaction, table, former, latter, **options):
        rows = append(transaction, table, former, latter, **options)
        if latter.model == "kmeans":
            appended.set()
            go_on.wait(30)
        return rows

    monkeypatch.setattr(changes_of_today, "_append", slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(both.publish, runs["kmeans"])
        assert appended.wait(30)
        second = pool.submit(both.publish, runs["gmm"])
        for _ in range(3):
            assert follower.read() == []
            threading.Event().wait(0.1)
        assert not second.done()
        go_on.set()
        first.result()
        second.result()
    models = [row[2] for row in follower.assert_right()]
    assert models == sorted(models, key=lambda model: model != "kmeans")
    assert set(models) == {"kmeans", "gmm"}


def test_publishing_that_is_killed_tells_nothing_and_once_when_repeated(project, follower, monkeypatch):
    """The rows are of the transaction that publishes: none without it, and none twice."""
    project.night(DAYS[0])
    follower.assert_right()
    place(project, 1, 3)
    planned = project.plan(DAYS[1])
    project.score(planned["run_id"])
    append = changes_of_today._append

    def killed(transaction, *args, **options):
        append(transaction, *args, **options)
        transaction.connection.exec_driver_sql("select pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patch:
        patch.setattr(changes_of_today, "_append", killed)
        with pytest.raises(Exception, match=r"terminat|closed|ended"):
            project.publish(planned["run_id"])
    assert follower.assert_right() == []
    project.publish(planned["run_id"])
    project.publish(planned["run_id"])
    assert [row[3] for row in follower.assert_right()] == [1]


def test_what_was_told_long_ago_expires_and_whoever_missed_it_is_told(project, follower):
    """A consumer in time sees nothing of it; one that comes late meets a row that says so, and reads all members."""
    late = Follower(project)
    project.night(DAYS[0])
    place(project, 1, 3)
    project.night(DAYS[1])
    follower.assert_right()
    project.sql("update segmentation.segment_changes set noted_at = now() - interval '91 days'")
    place(project, 2, 3)
    project.night(DAYS[2])
    drop_expired(project.warehouse, project.configuration)
    drop_expired(project.warehouse, project.configuration)
    assert [row[1] for row in follower.assert_right()] == ["change"]
    assert [row[1] for row in late.assert_right()] == ["expired", "change"]


def test_history_that_has_lost_a_period_hides_no_change(project, follower):
    """What is told is what the labels of both nights say, however much the history had to be repaired."""
    project.night(DAYS[0])
    follower.assert_right()
    project.sql("delete from segmentation.segment_history where customer_id = 1")
    place(project, 1, 3)
    place(project, 2, None)
    place(project, 3, 4)
    project.night(DAYS[1])
    assert [(row[3], row[-1]) for row in sorted(follower.assert_right(), key=lambda row: row[3])] == [
        (1, "behaviour"),
        (2, "left"),
        (3, "behaviour"),
    ]
    assert project.staged() == []


def test_rows_expire_beside_somebody_who_is_forgotten_and_whoever_missed_them_is_told(project, follower):
    """The row that would have said so is removed at that moment; another one says it."""
    project.night(DAYS[0])
    place(project, 1, 3)
    place(project, 2, 4)
    project.night(DAYS[1])
    project.sql("update segmentation.segment_changes set noted_at = now() - interval '91 days'")
    waiting = (
        "select count(*) > 0 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    with closing(psycopg2.connect(project.warehouse.uri)) as forgetting, ThreadPoolExecutor(1) as pool:
        forgetting.cursor().execute(
            "delete from segmentation.segment_changes"
            " where change_id = (select max(change_id) from segmentation.segment_changes)"
        )
        done = pool.submit(drop_expired, project.warehouse, project.configuration)
        while not done.done() and project.sql(waiting) != [(True,)]:
            threading.Event().wait(0.1)
        forgetting.commit()
        done.result()
    assert [row[1] for row in follower.assert_right()] == ["expired"]


def test_one_row_says_of_all_that_were_removed(project, follower):
    """However many were forgotten and however often something expired, members are read anew once."""
    late = Follower(project)
    project.night(DAYS[0])
    for customer in (901, 902, 903):
        project.sql("insert into segmentation.segment_changes (kind, customer_id) values ('forgotten', %s)", customer)
    project.sql("update segmentation.segment_changes set noted_at = now() - interval '31 days' where customer_id = 901")
    drop_expired(project.warehouse, project.configuration)
    project.sql("update segmentation.segment_changes set noted_at = now() - interval '31 days' where customer_id = 902")
    project.sql("update segmentation.segment_changes set noted_at = now() - interval '91 days' where kind = 'start'")
    drop_expired(project.warehouse, project.configuration)
    assert [row[1] for row in late.assert_right()] == ["expired", "forgotten"]


def test_long_feed_expires_in_parts(project, follower, monkeypatch):
    """No transaction removes more than so many rows, and the row that says so is there before the first."""
    monkeypatch.setattr(retention, "BATCH", 2)
    project.night(DAYS[0])
    for customer in (1, 2, 3, 4, 5):
        place(project, customer, customer % 5)
    project.night(DAYS[1])
    project.sql("update segmentation.segment_changes set noted_at = now() - interval '91 days'")
    drop_expired(project.warehouse, project.configuration)
    assert [row[1] for row in follower.assert_right()] == ["expired"]


def test_night_that_moves_most_customers_is_told_in_one_row(project, follower, monkeypatch):
    """Their members are there to be read; fewer than half of them are told one by one."""
    monkeypatch.setattr(changes_of_today, "FEW", 1)
    project.night(DAYS[0])
    follower.assert_right()
    for customer in range(1, 31):
        place(project, customer, None)
    project.night(DAYS[1])
    assert [row[1] for row in follower.assert_right()] == ["start"]
    place(project, 31, 3)
    place(project, 32, 4)
    project.night(DAYS[2])
    assert {row[1] for row in follower.assert_right()} == {"change"}


def test_dry_run_tells_nothing(project, follower):
    """It changes nothing of today."""
    project.night(DAYS[0])
    follower.assert_right()
    place(project, 1, 3)
    project.night(DAYS[1], dry_run=True)
    assert follower.assert_right() == []


def test_causes_of_a_period_are_those_of_its_date_whatever_was_withdrawn_since(project):
    """What takes a withdrawn move back is no cause of the period that goes on."""
    project.night(DAYS[0])
    place(project, 1, 3)
    project.night(DAYS[1])
    for number in (2, 3):
        place(project, 1, 4)
        place(project, 2, 4)
        project.night(DAYS[number])
        withdraw(project, DAYS[number])
    with project.warehouse.transaction(read_only=True) as transaction:
        moved, stayed = (
            transaction.rows("explaining/periods", customer_id=key, models=["kmeans"]) for key in ("1", "2")
        )
    assert [(row.came_by, row.went_by) for row in moved] == [(None, "behaviour"), ("behaviour", None)]
    assert [(row.came_by, row.went_by) for row in stayed] == [(None, None)]


def test_nobody_who_is_forgotten_beside_a_retirement_is_told_first(project, follower, monkeypatch):
    """Numbers are seen in their order; of who has left before, the two wait for each other nowhere else."""
    project.night(DAYS[0])
    place(project, 1, None)
    project.night(DAYS[1])
    follower.assert_right()
    appended, go_on = threading.Event(), threading.Event()
    tell_model = changes_of_today._tell_model

    def slow(*args):
        tell_model(*args)
        appended.set()
        go_on.wait(30)

    monkeypatch.setattr(changes_of_today, "_tell_model", slow)
    with ThreadPoolExecutor(2) as pool:
        retired = pool.submit(retire_model, project.warehouse, model="kmeans", retired_by="test")
        assert appended.wait(30)
        of_project = (project.warehouse, project.configuration, project.registry)
        forgotten = pool.submit(partial(forget, *of_project, customer_id=1, requested_by="test"))
        for _ in range(10):
            assert follower.read() == []
            threading.Event().wait(0.2)
        go_on.set()
        retired.result()
        forgotten.result()
    assert [row[1] for row in follower.assert_right()] == ["end", "forgotten"]
