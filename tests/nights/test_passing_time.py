"""Whom the passing of time alone moved, told apart from what customers did and what a version did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from clustering import withdraw_date
from clustering.config import CustomerSource
from clustering.privacy.forgetting import forget
from clustering.scoring import passing_time
from tests.appointing import appoint
from tests.clustering.scoring.histories import SUMS
from tests.projects import Project
from tests.shops import LAST, orders_of

EARLIER, LATER = LAST - timedelta(days=30), LAST
CAUSES = (
    "select sum(customers) filter (where from_segment_id <> to_segment_id)::int, sum(by_behaviour)::int,"
    " sum(by_model)::int, sum(by_time)::int from segmentation.segment_migrations where as_of = %s"
)
TOLD = (
    "select cause, count(*)::int from segmentation.segment_changes"
    " where as_of = %s and kind = 'change' and cause not in ('joined', 'left', 'source') group by cause order by cause"
)

EACH = CAUSES.replace("select ", "select model, ", 1) + " group by model"
LONG_AGO = datetime(2026, 2, 1, tzinfo=UTC)
FIRST, SECOND, THIRD = "2026-01-02", "2026-01-12", "2026-01-22"
AGEING = """
select distinct on (customer_id)
    customer_id, age, gender, annual_income,
    greatest(1, spending_score - (:as_of - date '2026-01-01')) as spending_score
from happened
where day <= :known
order by customer_id, day desc
"""


@pytest.fixture(scope="module")
def silent_once(copy_for_module: Callable[[Project], Project], shop_once: Project) -> Project:
    """Return a shop after a night, whose nights are never held, in which nobody orders any more, to be copied."""
    shop = copy_for_module(shop_once)
    unheld = shop.configuration.contract.checks.model_copy(update={"hold": "never"})
    shop = shop.with_contract(checks=unheld)
    shop.sql("delete from public.order_lines where ordered_at >= %s", EARLIER + timedelta(days=1))
    shop.night(str(EARLIER), shards=2)
    return shop


@pytest.fixture
def silent(copy_project: Callable[[Project], Project], silent_once: Project) -> Project:
    """Return a shop after a night, whose nights are never held, in which nobody orders any more."""
    return copy_project(silent_once)


def causes(project: Project, day: date = LATER) -> tuple[Any, ...]:
    """Return how many moved to a date, and by what: behaviour, the model, time."""
    assert project.sql(SUMS) == []
    [found] = project.sql(CAUSES, day)
    return found


def order(project: Project, day: date, customers: str = "true") -> None:
    """Have customers buy a lot on a day."""
    project.sql(
        "insert into public.order_lines (order_id, customer_id, ordered_at, product, amount)"  # noqa: S608
        " select 'new' || customer_id || line, customer_id, %s, 'new', 500 from public.order_lines"
        f" cross join generate_series(1, 20) as line where {customers} group by customer_id, line",
        day,
    )


@pytest.fixture(scope="module")
def ageing_once(copy_for_module: Callable[[Project], Project], trained_once: Project) -> Project:
    """Return the project of `ageing`, to be copied."""
    project = copy_for_module(trained_once)
    project.sql(
        "create table happened as select distinct on (customer_id) customer_id, age, gender, annual_income,"
        " spending_score, date '2026-01-01' as day from customers"
    )
    unheld = project.configuration.contract.checks.model_copy(update={"hold": "never"})
    project = project.with_contract(table=None, checks=unheld, source=CustomerSource(query=AGEING))
    project.night(FIRST)
    return project


@pytest.fixture
def ageing(copy_project: Callable[[Project], Project], ageing_once: Project) -> Project:
    """Return a project with three champions, whose query takes a point a day off everybody's score, after a night."""
    return copy_project(ageing_once)


def change(project: Project, day: str, customers: str) -> None:
    """Let something have happened to customers on a day: they earn as much as others do."""
    project.sql(
        "insert into happened select customer_id, age, gender, 120000 - annual_income, spending_score, %s"  # noqa: S608
        f" from customers where {customers}",
        day,
    )


def by_model(project: Project, day: str) -> dict[str, tuple[Any, ...]]:
    """Return by model how many moved to a date, and by what: behaviour, the model, time."""
    assert project.sql(SUMS) == []
    return {model: tuple(rest) for model, *rest in project.sql(EACH, day)}


@pytest.mark.parametrize("materialise", [False, True])
def test_silent_customers_are_moved_by_time_alone(silent: Project, materialise: bool) -> None:
    """Nobody orders for thirty days: whoever moves does so by time, in the movement and in the feed of changes."""
    silent = silent.with_contract(orders=orders_of(silent).model_copy(update={"materialise": materialise}))
    silent.night(str(EARLIER), shards=2)
    silent.night(str(LATER), shards=3)
    moved, by_behaviour, by_model, by_time = causes(silent)
    assert (by_behaviour, by_model, by_time) == (0, 0, moved)
    assert moved > 10
    assert silent.sql(TOLD, LATER) == [("time", moved)]
    own = "select value from segmentation.night_checks join segmentation.scoring_runs using (run_id)"
    assert {value for (value,) in silent.sql(f"{own} where check_name = 'moved' and as_of = %s", LATER)} == {0}
    assert [name for name in silent.staged() if not name.removeprefix("source_").isdigit()] == []


def test_who_orders_is_moved_by_behaviour_and_the_others_by_time(silent: Project) -> None:
    """The two add up to all who moved; orders after the date change none of it."""
    order(silent, LATER - timedelta(days=5), "customer_id ~ '[02468]$'")
    silent.night(str(LATER))
    found = causes(silent)
    moved, by_behaviour, by_model, by_time = found
    assert min(by_behaviour, by_time) > 0
    assert (by_behaviour + by_time, by_model) == (moved, 0)
    assert silent.sql(TOLD, LATER) == [("behaviour", by_behaviour), ("time", by_time)]
    order(silent, LATER + timedelta(days=1))
    silent.night(str(LATER))
    assert causes(silent) == found


def test_many_movers_are_read_by_the_range_of_the_shard(silent: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told apart as few are, who are read by their keys."""
    order(silent, LATER - timedelta(days=5), "customer_id ~ '[02468]$'")
    silent.night(str(LATER), shards=3)
    few = causes(silent)
    monkeypatch.setattr(passing_time, "FEW", 0)
    silent.night(str(LATER), shards=3)
    assert causes(silent) == few


@pytest.mark.parametrize("materialise", [False, True])
def test_query_that_names_what_is_known_tells_time_apart_for_every_algorithm(
    ageing: Project, materialise: bool
) -> None:
    """K-Means, a mixture and DBSCAN with its noise: who is silent moves by time, who is not by behaviour."""
    source = CustomerSource(query=AGEING, materialise=materialise)
    ageing = ageing.with_contract(source=source)
    ageing.night(FIRST)
    change(ageing, THIRD, "customer_id %% 7 = 0")
    ageing.night(SECOND, shards=2)
    found = by_model(ageing, SECOND)
    assert set(found) == {"dbscan", "gmm", "kmeans"}
    for moved, by_behaviour, by_version, by_time in found.values():
        assert (by_behaviour, by_version, by_time) == (0, 0, moved)
        assert moved > 10
    ageing.night(THIRD, shards=2)
    for moved, by_behaviour, by_version, by_time in by_model(ageing, THIRD).values():
        assert min(by_behaviour, by_time) > 0
        assert by_behaviour + by_version + by_time == moved


def test_former_version_is_asked_what_time_did_when_the_version_changes(ageing: Project) -> None:
    """Whom it would have left is moved by the model, whom time would have moved by time; nobody else did anything."""
    appoint(ageing, "kmeans", n_clusters=3)
    ageing.night(SECOND)
    moved, by_behaviour, by_version, by_time = by_model(ageing, SECOND)["kmeans"]
    assert by_behaviour == 0
    assert min(by_version, by_time) > 0
    assert by_version + by_time == moved
    told = "select cause, count(*)::int from segmentation.segment_changes where as_of = %s and model = 'kmeans'"
    assert dict(ageing.sql(told + " and kind = 'change' group by 1", SECOND)) == {"model": by_version, "time": by_time}


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(AGEING.replace(":known", ":as_of"), id="names one date"),
        pytest.param("by_time: false", id="switched off"),
        pytest.param(
            AGEING.replace("annual_income", "annual_income / (10 - (:as_of - :known)) as annual_income"), id="fails"
        ),
    ],
)
def test_time_that_cannot_be_told_apart_is_null_and_fails_no_night(
    ageing: Project, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What moved customers is then theirs, as it always was."""
    source = CustomerSource(query=AGEING, by_time=False) if query.startswith("by") else CustomerSource(query=query)
    ageing = ageing.with_contract(source=source)
    ageing.night(FIRST)
    ageing.night(SECOND)
    moved, by_behaviour, _, by_time = by_model(ageing, SECOND)["kmeans"]
    assert by_time is None
    assert by_behaviour == moved > 0
    unknown = [one.message for one in caplog.records if "by the passing of time stays unknown" in one.message]
    assert len(unknown) == ("10 -" in query)
    assert [one for one in unknown if "as known on 2026-01-02 cannot be read: ERROR: division by zero" not in one] == []


def test_nights_that_read_their_customers_otherwise_tell_no_time_apart(ageing: Project) -> None:
    """A contract that has changed moves customers too, once."""
    ageing = ageing.with_contract(max_rejected_share=0.3)
    for day, is_told in ((SECOND, False), (THIRD, True)):
        ageing.night(day)
        assert (by_model(ageing, day)["kmeans"][-1] is not None) == is_told


def test_date_that_is_repaired_or_withdrawn_leaves_time_unknown_until_the_next_is_run_again(ageing: Project) -> None:
    """The date in between is told apart, and the movement from it counted from the history, which does not know."""
    ageing.night(THIRD)
    assert by_model(ageing, THIRD)["kmeans"][-1] is not None
    ageing.sql("update segmentation.promotions set decided_at = '2025-12-01'")
    ageing.night(SECOND, ended_at=LONG_AGO)
    assert by_model(ageing, SECOND)["kmeans"][1] == 0
    assert by_model(ageing, SECOND)["kmeans"][-1] > 0
    assert by_model(ageing, THIRD)["kmeans"][-1] is None
    ageing.night(THIRD)
    assert by_model(ageing, THIRD)["kmeans"][-1] is not None
    withdraw_date(
        ageing.warehouse, ageing.configuration, as_of=date.fromisoformat(SECOND), withdrawn_by="Ada", reason="late rows"
    )
    assert by_model(ageing, THIRD)["kmeans"][-1] is None
    ageing.night(THIRD)
    assert by_model(ageing, THIRD)["kmeans"][1:] == (0, 0, by_model(ageing, THIRD)["kmeans"][0])


def test_forgotten_customer_is_told_apart_no_more_and_the_night_again_changes_nothing(ageing: Project) -> None:
    """What was counted stays counted, and adds up; no copy of former customers is left anywhere."""
    ageing.night(SECOND)
    [(customer,)] = ageing.sql("select customer_id from segmentation.segment_changes where cause = 'time' limit 1")
    before = by_model(ageing, SECOND)
    ageing.sql("delete from happened where customer_id = %s", customer)
    forget(ageing.warehouse, ageing.configuration, ageing.registry, customer_id=customer, requested_by="Ada")
    ageing.night(SECOND)
    for model, (moved, by_behaviour, by_version, by_time) in by_model(ageing, SECOND).items():
        assert (by_behaviour, by_version, by_time) == (0, 0, moved)
        assert before[model][0] - 1 <= moved <= before[model][0]


def test_changes_that_a_former_release_has_staged_are_told(ageing: Project) -> None:
    """A night that was held over an upgrade tells no time apart, and is published."""
    planned = ageing.plan(SECOND, models=["kmeans"])
    ageing.score(planned["run_id"])
    [(table,)] = ageing.sql(
        "select format('%I.%I', schemaname, tablename) from pg_tables where tablename like 'changes%' and schemaname ="
        " 'segmentation_staging'"
    )
    ageing.sql(f"alter table {table} drop by_time, drop asked_segment")
    ageing.sql(
        "update segmentation.run_shards set compared = compared #- array[key, 'by_time']"
        " from (select jsonb_object_keys(compared) as key from segmentation.run_shards where run_id = %s) as one"
        " where run_id = %s",
        planned["run_id"],
        planned["run_id"],
    )
    ageing.publish(planned["run_id"])
    moved, by_behaviour, _, by_time = by_model(ageing, SECOND)["kmeans"]
    assert (by_behaviour, by_time) == (moved, None)
    assert [cause for cause, _ in ageing.sql(TOLD, SECOND)] == ["behaviour"]
