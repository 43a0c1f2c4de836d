"""The history of customers' segments and the movement between dates are functions of the published labels alone."""

from __future__ import annotations

import logging
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from psycopg2 import sql

from clustering import Registry, Warehouse, abandon_run, drop_expired, migrate
from clustering.errors import RunError
from clustering.versions.registry import Version
from tests.appointing import appoint
from tests.clustering.scoring.histories import (
    DAYS,
    assert_right,
    assert_sound,
    history,
    make_champion,
    other_version,
    periods,
    place,
)
from tests.docs.pages import rows
from tests.projects import Project

COLUMNS = "age int, gender text, annual_income double precision, spending_score double precision"


def test_first_night_begins_a_period_for_everybody(project):
    """There is a period for each customer, and no movement, for there is nothing to move from."""
    project.night(DAYS[0])
    assert {row[2:4] for row in history(project)} == {(DAYS[0], None)}
    assert len(history(project)) == 40
    assert project.sql("select * from segmentation.segment_migrations") == []
    assert_right(project)


def test_night_without_a_change_writes_nothing_to_the_history(project):
    """The rows of the history stay where they are, untouched."""
    stored = "select ctid::text, xmin::text, * from segmentation.segment_history order by customer_id"
    project.night(DAYS[0])
    before = project.sql(stored)
    project.night(DAYS[1])
    assert project.sql(stored) == before
    assert_right(project)


def test_changes_leaving_returning_and_rejection_end_and_begin_periods(project):
    """One moves, one is gone for a night, one is rejected for a night, one is new."""
    project.night(DAYS[0])
    place(project, 1, 3)
    place(project, 2, None)
    place(project, 3, 3, age=999)
    place(project, 50, 0)
    project.night(DAYS[2])
    place(project, 2, 2)
    place(project, 3, 3)
    project.night(DAYS[4])
    assert periods(project, 1) == [(DAYS[0], DAYS[2]), (DAYS[2], None)]
    assert periods(project, 2) == periods(project, 3) == [(DAYS[0], DAYS[2]), (DAYS[4], None)]
    assert periods(project, 50) == [(DAYS[2], None)]
    assert_right(project)


def test_day_between_belongs_to_the_published_date_before(project):
    """As of a day without a run, the answer is that of the date before; before the first date there is none."""
    project.night(DAYS[0])
    place(project, 1, 3)
    project.night(DAYS[4])
    asked = "select as_of::text, segment_id, valid_from::text from segmentation.segment_as_of(%s) where customer_id = 1"
    [on_first], [between], [on_last] = (project.sql(asked, day) for day in (DAYS[0], DAYS[3], DAYS[4]))
    assert between == on_first == (DAYS[0], between[1], DAYS[0])
    assert on_last == (DAYS[4], on_last[1], DAYS[4])
    assert on_last[1] != on_first[1]
    assert project.sql(asked, "2025-12-31") == []


def test_as_of_query_for_one_customer_uses_the_index(project):
    """The function is expanded into the query around it, so that nothing but the customer is read."""
    project.night(DAYS[0])
    project.sql(
        "insert into segmentation.segment_history select g, 'kmeans', 1, '2026-01-01', null, 1"
        " from generate_series(100, 30000) as g; analyze segmentation.segment_history"
    )
    plan = project.sql("explain select * from segmentation.segment_as_of('2026-01-01') where customer_id = 7")
    assert any("Index Cond: ((customer_id = 7)" in line for (line,) in plan)


def test_repeating_a_date_replaces_its_changes(project):
    """The second run of a date counts; the first one leaves no trace, neither of labels nor of the version."""
    project.night(DAYS[0])
    place(project, 1, 3)
    place(project, 2, None)
    project.night(DAYS[1])
    place(project, 1, 1)
    place(project, 2, 2)
    place(project, 4, 0)
    project.night(DAYS[1])
    assert periods(project, 1) == periods(project, 2) == [(DAYS[0], None)]
    assert periods(project, 4) == [(DAYS[0], DAYS[1]), (DAYS[1], None)]
    other_version(project)
    project.night(DAYS[1])
    project.night(DAYS[0])
    assert_right(project)


def test_repeating_a_date_with_the_same_labels_writes_nothing(project):
    """The rows of the history stay where they are."""
    stored = "select ctid::text, xmin::text, * from segmentation.segment_history order by customer_id, valid_from"
    project.night(DAYS[0])
    place(project, 1, 3)
    project.night(DAYS[1])
    before = project.sql(stored)
    project.night(DAYS[1])
    assert project.sql(stored) == before
    assert_right(project)


def test_past_date_between_two_others(project):
    """A date between parts a period, joins on to the one before or the one after, or stands by itself."""
    project.night(DAYS[0])
    place(project, 1, 3)
    project.night(DAYS[9])
    place(project, 2, 4)
    place(project, 3, None)
    project.night(DAYS[4])
    assert periods(project, 1) == [(DAYS[0], DAYS[4]), (DAYS[4], None)]
    assert periods(project, 2) == [(DAYS[0], DAYS[4]), (DAYS[4], DAYS[9]), (DAYS[9], None)]
    assert periods(project, 3) == [(DAYS[0], DAYS[4]), (DAYS[9], None)]
    assert_right(project)


def test_past_date_before_all_others(project):
    """A new first date moves the beginnings of those who were in the same segment."""
    project.night(DAYS[5])
    place(project, 1, 3)
    project.night(DAYS[0])
    assert periods(project, 1) == [(DAYS[0], DAYS[5]), (DAYS[5], None)]
    assert periods(project, 5) == [(DAYS[0], None)]
    assert_right(project)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_any_sequence_of_runs(project, seed):
    """Whatever is published, in whatever order, again or anew, by whichever version: the labels decide."""
    luck = random.Random(seed)  # noqa: S311
    versions = other_version(project)
    for _ in range(12):
        for customer in luck.sample(range(1, 46), 6):
            where, age = luck.choice([None, 0, 1, 2, 3, 4]), luck.choice([40, 40, 40, 999])
            place(project, customer, where, age=age)
        make_champion(project, luck.choice(versions))
        project.night(luck.choice(DAYS[:7]), shards=luck.choice([1, 3]))
        assert_right(project)


def test_replaying_the_nights_in_another_order_gives_the_same_table(project):
    """Dates that are published in any order, with what was the source then, end in one and the same history."""
    luck = random.Random(7)  # noqa: S311
    sources = []
    for _ in range(8):
        for customer in luck.sample(range(1, 46), 6):
            place(project, customer, luck.choice([None, 0, 1, 2, 3, 4]))
        sources.append(project.sql("select customer_id, annual_income, spending_score from customers"))
    tables = []
    for order in ([*range(8)], luck.sample(range(8), 8), luck.sample(range(8), 8)):
        project.sql(
            "drop table if exists segmentation_partitions.period_kmeans; truncate segmentation.segment_migrations;"
            " delete from segmentation.published_runs"
        )
        for number in order:
            project.sql("truncate customers")
            for row in sources[number]:
                project.sql("insert into customers values (%s, 40, 'x', %s, %s)", *row)
            project.night(DAYS[number])
        tables.append((history(project), sorted(project.sql("select * from segmentation.segment_migrations"), key=str)))
        assert_right(project)
    assert tables[0] == tables[1] == tables[2]


def test_runs_that_were_scored_before_their_neighbours_were_published(project):
    """What a run was compared with when it was scored no longer precedes; it is compared again."""
    project.night(DAYS[0])
    late = [project.plan(DAYS[9], shards=2)["run_id"]]
    for shard in (0, 1):
        project.score(late[0], shard)
    place(project, 1, 3)
    place(project, 2, None)
    project.night(DAYS[4])
    project.publish(late[0])
    assert periods(project, 1) == [(DAYS[0], DAYS[4]), (DAYS[4], DAYS[9]), (DAYS[9], None)]
    assert_right(project)
    assert project.staged() == []


@pytest.mark.parametrize("first", [[], DAYS[:1]], ids=["without history", "with history"])
def test_dates_published_side_by_side(project, first):
    """Publications of different dates at the same time wait for each other, and none is lost."""
    for day in first:
        project.night(day)
    runs = []
    for number, day in enumerate(DAYS[1:7]):
        place(project, 1 + number, (number + 3) % 5)
        place(project, 20 + number, None)
        run_id = project.plan(day, shards=1)["run_id"]
        project.score(run_id)
        runs.append(run_id)
    with ThreadPoolExecutor(len(runs)) as pool:
        published = list(pool.map(project.publish, reversed(runs)))
    assert {one["status"] for one in published} == {"published"}
    assert_right(project)
    assert project.staged() == []


def test_runs_that_end_without_publishing_leave_nothing(project):
    """Neither a dry run nor an abandoned or superseded one changes the history or leaves what it has staged."""
    project.night(DAYS[0])
    before = history(project)
    place(project, 1, 3)
    project.night(DAYS[1], dry_run=True)
    abandoned = project.plan(DAYS[1], shards=1)["run_id"]
    project.score(abandoned)
    assert [name for name in project.staged() if name.startswith(f"changes_{abandoned}_")]
    abandon_run(project.warehouse, run_id=abandoned, note="test")
    assert (history(project), project.staged()) == (before, [])
    assert project.sql("select * from segmentation.segment_migrations") == []


def test_worked_example_of_the_page(project):
    """A date between two others leads from the periods before to the periods after, as docs/history.md has them."""
    page = "docs/history.md"
    dates = {"on the 1st": DAYS[0], "on the 5th": DAYS[4], "on the 3rd": DAYS[2]}  # in the order of their runs
    labels = rows(page, "customer", *sorted(dates))
    expected = rows(page, "customer", "periods before", "periods after", "what was done")
    assert [customer for customer, *_ in labels] == [customer for customer, *_ in expected] == list("12345")
    for published, said in ((["on the 1st", "on the 5th"], 1), (["on the 3rd"], 2)):
        for date_ in published:
            for customer, *segments in labels:
                segment = dict(zip(sorted(dates), segments, strict=True))[date_]
                place(project, int(customer), None if segment == "none" else int(segment) - 1)
            project.night(dates[date_])
        for row in expected:
            assert told(project, row[0]) == row[said], (row[0], published)
    assert_right(project)


def told(project: Project, customer: str) -> str:
    """Return the periods of a customer in words, such as `1 from the 1st to the 3rd, 3 from the 3rd`."""
    day = {DAYS[0]: "the 1st", DAYS[2]: "the 3rd", DAYS[4]: "the 5th"}
    return ", ".join(
        f"{segment} from {day[begin]}" + (f" to {day[end]}" if end else "")
        for _, one, begin, end, segment, _ in history(project)
        if one == customer
    )


def test_dry_run_is_compared_with_nothing(project):
    """It stages no changes, for nobody would take them."""
    project.night(DAYS[0])
    run_id = project.plan(DAYS[1], shards=1, dry_run=True)["run_id"]
    project.score(run_id)
    assert not [name for name in project.staged() if name.startswith("changes_")]


def test_past_date_is_refused_when_the_labels_next_to_it_are_gone(project):
    """The plan says which, before anything is scored, and so does the publication of what was planned earlier."""
    few = replace(project, configuration=keeping(project, 2))
    for day in (DAYS[0], DAYS[2], DAYS[4], DAYS[6]):
        few.night(day)
    planned = few.plan(DAYS[3], shards=1)["run_id"]
    few.score(planned)
    assert drop_expired(few.warehouse, few.configuration)["left"] == []
    before = history(few)
    for day, named in ((DAYS[1], f"{DAYS[0]} and {DAYS[2]}"), (DAYS[3], DAYS[2]), (DAYS[2], DAYS[0])):
        with pytest.raises(RunError, match=f"kmeans cannot be repaired at {day}: the labels of {named} next to it"):
            few.plan(day)
    with pytest.raises(RunError, match=f"cannot be repaired at {DAYS[3]}"):
        few.publish(planned)
    assert history(few) == before
    few.night(DAYS[5])
    assert_sound(few)


def test_past_date_is_refused_when_the_history_before_it_is_gone(project):
    """What is left of the history there would make movement that nobody made."""
    for day in DAYS[:4]:
        project.night(day)
    known = project.with_contract(history_days=1)

    with pytest.raises(RunError, match="it is kept for 1 days"):
        known.plan(DAYS[2])
    assert known.night(DAYS[3])["status"] == "published"


def test_past_date_is_refused_when_the_nights_of_other_models_have_taken_the_history_before_it(both):
    """Retention counts back from the latest date of all models, however long ago a model was run."""
    for day in DAYS[:4]:
        both.night(day, models=["gmm"])
    both.night(DAYS[20], models=["kmeans"])
    known = both.with_contract(history_days=5)
    with pytest.raises(RunError, match=f"the history of gmm cannot be repaired at {DAYS[1]}: it is kept for 5 days"):
        known.plan(DAYS[1], models=["gmm"])
    assert known.night(DAYS[3], models=["gmm"])["status"] == "published"


@pytest.mark.usefixtures("wrong_clock")
def test_date_in_the_future_does_not_end_the_history(project):
    """Periods are removed by today's date at the latest."""
    project.night(DAYS[0])
    place(project, 1, 2)
    project.night(DAYS[1])
    project.night("2999-01-01")
    days = (date.today() - date.fromisoformat(DAYS[1])).days + 10
    drop_expired(project.warehouse, project.with_contract(history_days=days).configuration)
    assert periods(project, 1)[0] == (DAYS[0], DAYS[1])


def test_latest_date_can_be_repeated_however_few_labels_are_kept(project):
    """The history itself knows the date before, so that the latest date is never refused."""
    few = replace(project, configuration=keeping(project, 1))
    for day in DAYS[:3]:
        few.night(day)
        drop_expired(few.warehouse, few.configuration)
    place(project, 1, 3)
    few.night(DAYS[2])
    assert periods(project, 1) == [(DAYS[0], DAYS[2]), (DAYS[2], None)]
    assert_sound(few)


def keeping(project: Project, runs: int):
    """Return the configuration with so many runs whose labels are kept."""
    contract = project.configuration.contract.model_copy(update={"label_runs": runs})
    return project.configuration.model_copy(update={"contract": contract})


def test_repeating_the_first_date_of_a_history_has_no_movement(project):
    """The date before is published, but nobody is known of it."""
    project.night(DAYS[0])
    project.night(DAYS[1])
    project.sql("delete from segmentation.segment_migrations")
    project.sql("update segmentation.segment_history set valid_from = %s", DAYS[1])  # as if it had begun then
    drop_expired(project.warehouse, project.with_contract(label_runs=1).configuration)
    project.night(DAYS[1])
    assert project.sql("select * from segmentation.segment_migrations") == []


def test_movement_is_behaviour_under_one_version_and_the_source_s_where_there_is_one_label(project):
    """Whoever moves does so by what the customer did; who is missing, rejected or new is so by the source."""
    project.night(DAYS[0])
    place(project, 1, 3)
    place(project, 2, None)
    place(project, 7, 2, age=999)
    place(project, 50, 0)
    project.night(DAYS[1])
    rows = project.sql(
        "select from_segment_id is null, to_segment_id is null, customers, by_behaviour, by_model, by_source, by_time"
        " from segmentation.segment_migrations where from_segment_id is distinct from to_segment_id order by 1, 2"
    )
    assert rows == [
        (False, False, 1, 1, 0, 0, None),
        (False, True, 2, 0, 0, 2, None),
        (True, False, 1, 0, 0, 1, None),
    ]
    assert_right(project)


def test_half_of_the_source_missing_is_told_from_customers_who_left(project):
    """Nobody who is missing, or back, has moved by behaviour, also under a new version, and the trend tells it too."""
    project.night(DAYS[0])
    project.sql("create table gone as select * from customers where customer_id > 20")
    project.sql("delete from customers where customer_id > 20")
    project.night(DAYS[1])
    project.sql("insert into customers select * from gone")
    other_version(project)
    project.night(DAYS[2])
    moved = (
        "select sum(by_behaviour)::int, sum(by_source)::int, sum(customers)::int from segmentation.segment_migrations"
        " where as_of = %s and {} is null"
    )
    assert project.sql(moved.format("to_segment_id"), DAYS[1]) == [(0, 20, 20)]
    assert project.sql(moved.format("from_segment_id"), DAYS[2]) == [(0, 20, 20)]
    trend = (
        "select as_of::text, sum(change_by_source)::int from segmentation.segment_trend group by as_of order by as_of"
    )
    assert project.sql(trend) == [(DAYS[0], None), (DAYS[1], -20), (DAYS[2], 20)]
    assert_right(project)


def test_movement_by_a_change_of_version_is_told_from_behaviour(project):
    """Of those who move on the night of a new version, the former one would have left all but one where they were."""
    project.night(DAYS[0])
    former, latter = (segments_by_version(project, version) for version in other_version(project))
    place(project, 1, 3)
    project.night(DAYS[1], shards=3)
    moved = {customer for customer in range(1, 41) if former[customer] != latter[customer]}
    assert moved
    rows = project.sql("select sum(customers), sum(by_behaviour), sum(by_model) from segmentation.segment_migrations"
                       " where from_segment_id <> to_segment_id")  # fmt: skip
    own = int(former[1] != segments_now(project)[1])
    assert rows == [(len(moved - {1}) + own, own, len(moved - {1}))]
    assert_right(project)


def test_movement_after_a_rollback_is_that_of_the_model(project):
    """Nobody has changed: there and back, everybody who moves is moved by the version."""
    first, _ = other_version(project)
    make_champion(project, first)
    project.night(DAYS[0])
    make_champion(project, project.registry.numbered("kmeans", first.version + 1))
    project.night(DAYS[1])
    make_champion(project, first)
    project.night(DAYS[2])
    rows = project.sql(
        "select as_of::text, sum(customers), sum(by_behaviour), sum(by_model) from segmentation.segment_migrations"
        " where from_segment_id <> to_segment_id group by as_of order by as_of"
    )
    assert [(day, behaviour) for day, _, behaviour, _ in rows] == [(DAYS[1], 0), (DAYS[2], 0)]
    assert rows[0][1] == rows[0][3] == rows[1][1] > 0
    assert_right(project)


def test_repeating_the_night_of_a_new_version_keeps_the_movement(project):
    """Who moved by the change of version is known again, and the night after it is left as it is."""
    project.night(DAYS[0])
    other_version(project)
    project.night(DAYS[1])
    first, second = project.registry.numbered("kmeans", 1), project.registry.numbered("kmeans", 2)
    make_champion(project, first)
    project.night(DAYS[2])
    movement = "select * from segmentation.segment_migrations order by 1, 2, 3, 4, 5"
    before = project.sql(movement)
    make_champion(project, second)
    project.night(DAYS[1])
    assert project.sql(movement) == before
    assert project.sql("select count(*) from segmentation.segment_migrations where by_model is null") == [(0,)]


def test_movement_is_not_split_when_the_former_version_cannot_be_asked(project, caplog):
    """The counts stand; the two parts of those who moved are unknown, and a warning says why."""
    project.night(DAYS[0])
    other_version(project)
    former = project.registry.numbered("kmeans", 1)
    artifact = project.registry.store / former.artifact
    kept = artifact.rename(artifact.with_name("elsewhere"))
    with caplog.at_level(logging.WARNING):
        project.night(DAYS[1])
    kept.rename(artifact)
    assert "kmeans version 1, which labelled the preceding date, cannot be asked" in caplog.text
    split = "select distinct by_behaviour, by_model from segmentation.segment_migrations where"
    assert project.sql(f"{split} from_segment_id <> to_segment_id") == [(None, None)]
    assert project.sql(f"{split} from_segment_id = to_segment_id") == [(0, 0)]
    assert_right(project)


def test_repeating_a_date_by_another_version_unsettles_the_split_of_the_date_after(project):
    """Even where nobody's segment is another one: nobody has asked the new version about the date after."""
    project.night(DAYS[0])
    project.night(DAYS[1])
    place(project, 1, 2)
    project.night(DAYS[2])
    moved = "select by_behaviour from segmentation.segment_migrations where from_segment_id <> to_segment_id"
    assert project.sql(moved) == [(1,)]
    appoint(project, "kmeans")
    place(project, 1, 1)
    project.night(DAYS[1])
    assert project.sql(moved) == [(None,)]


def test_movement_to_the_date_after_is_not_split_when_its_version_is_another(project, caplog):
    """The date between was not there to be asked about; running the later date again tells."""
    other_version(project)
    first, second = project.registry.numbered("kmeans", 1), project.registry.numbered("kmeans", 2)
    project.night(DAYS[4])
    make_champion(project, first)
    with caplog.at_level(logging.WARNING):
        project.night(DAYS[2])
    unknown = "select count(*) from segmentation.segment_migrations where by_model is null"
    assert f"segment_migrations cannot say whom the change of version moved until {DAYS[4]} is run again" in caplog.text
    assert project.sql(unknown)[0][0] > 0
    make_champion(project, second)
    project.night(DAYS[4])
    assert project.sql(unknown) == [(0,)]
    assert_right(project)


def segments_now(project: Project) -> dict[int, int]:
    """Return everybody's segment as of the latest date."""
    return dict(project.sql("select customer_id, segment_id from segmentation.current_customer_segments"))


def segments_by_version(project: Project, version: Version) -> dict[int, int]:
    """Return the segments that a version gives to the present rows, by a dry look at the labels it would publish."""
    present = project.registry.champions(["kmeans"])["kmeans"]
    make_champion(project, version)
    run_id = project.plan(DAYS[-1], shards=1)["run_id"]
    project.score(run_id)
    [table] = [name for name in project.staged() if name.startswith(f"labels_{run_id}_")]
    found = dict(project.sql(f'select customer_id, segment_id from segmentation_staging."{table}"'))  # noqa: S608
    abandon_run(project.warehouse, run_id=run_id, note="test")
    make_champion(project, present)
    return found


@pytest.fixture
def make_keyed(create_database, project: Project, tmp_path):
    """Return a function that makes a project whose key has another type, with the champion of the first one."""

    def make(key_type: str, column: str) -> Project:
        columns = dict(project.configuration.contract.columns)
        columns["customer_id"] = columns["customer_id"].model_copy(update={"type": key_type})
        contract = project.configuration.contract.model_copy(update={"columns": columns})
        warehouse = Warehouse(create_database())
        migrate(warehouse, contract)
        keyed = replace(project, warehouse=warehouse, registry=Registry(warehouse, tmp_path))
        appoint(keyed, "kmeans")
        keyed.sql(f"create table customers (customer_id {column}, {COLUMNS})")
        return replace(keyed, configuration=keyed.configuration.model_copy(update={"contract": contract}))

    return make


@pytest.mark.parametrize(
    ("key_type", "column", "key"),
    [
        ("text", "varchar(20)", "{}ü{}".format),
        ("uuid", "uuid", lambda lead, number: f"{number % 16:x}{lead:x}000000-0000-0000-0000-{number:012}"),
    ],
)
def test_keys_of_other_types(make_keyed, key_type, column, key):
    """Periods follow text and UUID keys, compared shard by shard."""
    project = make_keyed(key_type, column)
    keys = [key(number * 7 % 10, number) for number in range(60)]
    for number, one in enumerate(keys):
        place(project, one, number % 5)
    project.night(DAYS[0], shards=2)
    for number, one in enumerate(keys[::6]):
        place(project, one, (number + 2) % 5 if number % 4 else None)
    project.night(DAYS[1], shards=5)
    place(project, keys[0], 1)
    project.night(DAYS[2], shards=3)
    assert_right(project)
    assert project.staged() == []
    compared = "select count(*) from segmentation.run_shards where compared ->> '1' is not null"
    assert project.sql(compared) == [(8,)]


@pytest.mark.parametrize(
    ("lower", "upper", "holds"),
    [(None, None, True), ("b", "d", True), ("b", None, True), ("b", "c", False), ("c", None, False), ("d", "b", False)],
)
def test_ranges_hold_where_the_labels_lie_within_them(warehouse, lower, upper, holds):
    """A source with a collation of its own may give a shard keys that are not between its bounds to us."""
    with warehouse.transaction() as transaction:
        transaction.connection.exec_driver_sql(
            "create temporary table label as select unnest('{b,c}'::text[]) as customer_id"
        )
        names = {"table": sql.Identifier("label"), "key_type": sql.SQL("text")}
        assert transaction.scalar("history/ranges_hold", names, lower=lower, upper=upper) is holds


def test_run_of_which_a_shard_was_not_compared(project):
    """The run is compared as a whole when it is published, and what the other shards have staged is dropped."""
    project.night(DAYS[0])
    place(project, 1, 3)
    place(project, 2, None)
    run_id = project.plan(DAYS[1], shards=3)["run_id"]
    for shard in range(3):
        project.score(run_id, shard)
    [table] = [name for name in project.staged() if name.startswith(f"changes_{run_id}_1_")]
    project.sql(
        f'drop table segmentation_staging."{table}";'  # noqa: S608
        f" update segmentation.run_shards set compared = null where run_id = {run_id} and shard = 1"
    )
    project.publish(run_id)
    assert periods(project, 1) == [(DAYS[0], DAYS[1]), (DAYS[1], None)]
    assert_right(project)
    assert project.staged() == []
