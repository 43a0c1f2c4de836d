"""Nights that are checked before they are published: what is held, who decides, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clustering import Release, forget, publish_run
from clustering.config import Checks
from clustering.errors import HeldError, RunError
from clustering.monitoring.held_runs import list_runs
from clustering.scoring import preceding_runs
from clustering.scoring.endings import abandon_by_hand, abandon_run
from clustering.scoring.retention import drop_expired
from tests.projects import Project, retrain

BROKEN = {
    "half missing": "delete from customers where customer_id % 2 = 0",
    "nearly all missing": "delete from customers where customer_id % 50 <> 0",
    "one range of keys gone": "delete from customers where customer_id < 700",
    "doubled under other keys": "insert into customers select customer_id + 1000000, age, gender, annual_income,"
    " spending_score from customers",
    "income in cents": "update customers set annual_income = annual_income * 100",
    "income in thousands": "update customers set annual_income = annual_income / 1000",
    "columns swapped": "update customers set annual_income = spending_score, spending_score = left(age, 3)::integer"
    " where age ~ '^[0-9]{1,3}$'",
    "one column constant": "update customers set spending_score = 50",
    "cents cut off": "update customers set annual_income = trunc(annual_income / 1000) * 1000",
    "two in a hundred sums of others": "update customers set annual_income = annual_income * 1000"
    " where customer_id % 50 = 0",
    "a sentinel": "update customers set age = 119 where customer_id % 4 = 0",
    "one gender missing": "delete from customers where gender = 'Male'",
    "keys written otherwise": "update customers set customer_id = customer_id + 1000000",
    "other people's values": "update customers as held set annual_income = other.annual_income, spending_score ="
    " other.spending_score from customers as other where other.customer_id = 3001 - held.customer_id",
}

BELOW_DECLARED_LIMITS = ("cents cut off", "two in a hundred sums of others")


@pytest.fixture(scope="module")
def first_night(copy_for_module: Callable[[Project], Project], trained_once: Project) -> Project:
    """Return a project that holds nights, with a first night, to be copied."""
    found = copy_for_module(trained_once).with_contract(checks=Checks())
    found.night("2026-11-20")
    return found


@pytest.fixture
def careful(copy_project: Callable[[Project], Project], first_night: Project) -> Project:
    """Return a project that holds nights, with a first night, and customers who change a little."""
    return copy_project(first_night)


def held(project: Project, as_of: str = "2026-11-21") -> tuple[int, str]:
    """Run a night that is held, and return its run and the reason."""
    planned = project.plan(as_of)
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    with pytest.raises(HeldError) as found:
        project.check(planned["run_id"])
    return planned["run_id"], str(found.value)


def release(project: Project, run_id: int) -> dict[str, Any]:
    """Publish a run in spite of its findings."""
    return publish_run(
        project.warehouse, project.configuration, run_id=run_id, release=Release("Ada", "the shop was closed")
    )


def status(project: Project, run_id: int) -> tuple[str, str | None]:
    """Return a run's status and note."""
    return project.sql("select status, note from segmentation.scoring_runs where run_id = %s", run_id)[0]


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_source_is_held_and_readers_keep_the_former_night(careful: Project, broken: str) -> None:
    """The reason is one line, nothing that people read has changed, and the figures are kept with what to do."""
    before = careful.labels(), careful.segments()
    careful.sql(BROKEN[broken])
    run_id, reason = held(careful)
    assert reason.startswith(f"run {run_id} as of 2026-11-21 is held, and readers keep the former night: ")
    assert "\n" not in reason
    assert (careful.labels(), careful.segments()) == before
    assert status(careful, run_id) == ("held", reason)
    advice = careful.sql("select advice from segmentation.night_checks where run_id = %s and finding = 'hold'", run_id)
    assert advice
    assert all(row[0] for row in advice)
    [listed, _] = list_runs(careful.warehouse, at_most=2)
    [(rows,)] = careful.sql("select count(*) from customers")
    assert (listed["status"], listed["rows_read"]) == ("held", rows)


def test_first_night_has_nothing_to_be_compared_with(project: Project) -> None:
    """It is published, and says so."""
    planned = project.with_contract(checks=Checks()).plan()
    project.score(planned["run_id"])
    found = project.with_contract(checks=Checks()).check(planned["run_id"])
    assert (found["compared_with"], found["held"], found["findings"]) == (None, False, [])


def test_no_model_becomes_champion_by_itself_while_a_night_is_held(careful: Project) -> None:
    """What was trained on half a source waits for a person; when the night is decided on, nothing speaks against it."""
    careful.sql(BROKEN["half missing"])
    run_id, _ = held(careful)
    [waiting] = retrain(careful, "kmeans")
    assert waiting["decision"] == "held"
    assert f"run {run_id} as of 2026-11-21 is held" in waiting["reason"]
    release(careful, run_id)
    [decided] = retrain(careful, "kmeans")
    assert decided["decision"] in ("promoted", "refused")


@pytest.mark.parametrize("broken", [name for name in BROKEN if name not in BELOW_DECLARED_LIMITS])
def test_first_night_that_is_run_again_is_compared_with_what_it_replaces(careful: Project, broken: str) -> None:
    """Who runs the first date again on half a source keeps what holds."""
    before = careful.labels(), careful.segments()
    careful.sql(BROKEN[broken])
    run_id, reason = held(careful, "2026-11-20")
    assert f"run {run_id} as of 2026-11-20 is held" in reason
    assert "the run that it replaces" in reason
    assert "night before" not in reason
    assert (careful.labels(), careful.segments()) == before


def test_first_night_that_is_run_again_on_the_same_source_passes(careful: Project) -> None:
    """Nothing is found where nothing has changed, and no later night is judged by how little that was."""
    planned = careful.plan("2026-11-20")
    careful.score(planned["run_id"])
    found = careful.check(planned["run_id"])
    assert (found["compared_with"], found["findings"]) == ("2026-11-20", [])
    careful.publish(planned["run_id"])
    careful.sql("update customers set annual_income = annual_income + 1 where customer_id % 100 = 0")
    assert careful.night("2026-11-21")["status"] == "published"


def test_unchanged_source_is_a_warning(careful: Project) -> None:
    """Nothing has changed since the night before, as on a Sunday: it is published, and health says it."""
    planned = careful.plan("2026-11-21")
    careful.score(planned["run_id"])
    found = careful.check(planned["run_id"])
    assert [(one["finding"], one["check"]) for one in found["findings"]] == [("warn", "unchanged")]
    careful.publish(planned["run_id"])
    health = careful.sql("select distinct trust, reasons from segmentation.segment_health where model = 'kmeans'")
    assert {trust for trust, _ in health} == {"with care"}
    assert all("the source is exactly as it was the night before" in reasons for _, reasons in health)


def test_copy_of_an_earlier_night_is_held(careful: Project) -> None:
    """A backup was loaded: the source is as it was on an earlier date, and had changed since."""
    careful.sql("create table backup as table customers")
    careful.sql("update customers set spending_score = 101 - spending_score where customer_id % 20 = 0")
    careful.night("2026-11-21")
    careful.sql("truncate customers; insert into customers table backup")
    _, reason = held(careful, "2026-11-22")
    assert "the source is exactly as it was on 2026-11-20, and was not on 2026-11-21" in reason


def test_edit_that_is_taken_back_is_a_warning(careful: Project) -> None:
    """One value was changed and changed back: so few may differ, and no backup was loaded."""
    careful.sql("update customers set annual_income = annual_income + 100 where customer_id = 7")
    careful.night("2026-11-21")
    careful.sql("update customers set annual_income = annual_income - 100 where customer_id = 7")
    planned = careful.plan("2026-11-22")
    careful.score(planned["run_id"])
    found = careful.check(planned["run_id"])
    assert [(one["finding"], one["check"]) for one in found["findings"]] == [("warn", "repeated")]


def test_released_night_is_published_and_recorded(careful: Project) -> None:
    """Who decided and why is kept, the segments are those of the held run, and no health is a plain yes."""
    careful.sql(BROKEN["half missing"])
    run_id, _ = held(careful)
    with pytest.raises(HeldError, match="is held, and readers keep"):
        publish_run(careful.warehouse, careful.configuration, run_id=run_id)
    published = release(careful, run_id)
    assert published["status"] == "published"
    assert status(careful, run_id) == ("published", "published despite findings by Ada: the shop was closed")
    (told,) = careful.sql("select action, actor, description from segmentation.audit_log")
    assert told == (
        "release_run",
        "Ada",
        f"Run {run_id}, which was held, was published all the same: the shop was closed.",
    )
    assert {as_of.isoformat() for as_of, *_ in careful.labels()} == {"2026-11-21"}
    assert careful.sql("select distinct trust from segmentation.segment_health where trust = 'yes'") == []
    assert release(careful, run_id)["status"] == "published"  # again: nothing changes
    assert len(careful.sql("select 1 from segmentation.audit_log")) == 1


def test_night_that_is_not_held_cannot_be_released(careful: Project) -> None:
    """There is nothing to decide."""
    planned = careful.plan("2026-11-21")
    careful.score(planned["run_id"])
    careful.check(planned["run_id"])
    with pytest.raises(RunError, match="running and not held"):
        release(careful, planned["run_id"])


def test_night_is_not_published_unchecked(careful: Project) -> None:
    """What was not checked is not published, by whichever way it comes."""
    planned = careful.plan("2026-11-21")
    careful.score(planned["run_id"])
    with pytest.raises(RunError, match="has not been checked"):
        publish_run(careful.warehouse, careful.configuration, run_id=planned["run_id"])


def test_held_night_is_abandoned_by_hand_alone(careful: Project) -> None:
    """The task that cleans up leaves it; a person ends it, with the reason, and nothing staged is left."""
    careful.sql(BROKEN["income in cents"])
    run_id, reason = held(careful)
    assert not abandon_run(careful.warehouse, run_id=run_id, note="cleaned up")
    assert status(careful, run_id) == ("held", reason)
    assert careful.staged()
    abandon_by_hand(careful.warehouse, run_id=run_id, abandoned_by="Ada", reason="cents")
    assert status(careful, run_id) == ("abandoned", "abandoned by Ada: cents")
    assert careful.staged() == []
    assert careful.sql("select action, actor from segmentation.audit_log") == [("abandon_run", "Ada")]
    with pytest.raises(RunError, match="was abandoned"):
        release(careful, run_id)


def test_next_night_supersedes_a_held_one(careful: Project) -> None:
    """Two held at once wait side by side; the night that is published ends them."""
    careful.sql("create table kept as select * from customers")
    careful.sql(BROKEN["half missing"])
    first, _ = held(careful, "2026-11-21")
    second, _ = held(careful, "2026-11-22")
    assert [status(careful, run)[0] for run in (first, second)] == ["held", "held"]
    careful.sql("insert into customers select * from kept where customer_id % 2 = 0")
    third = careful.night("2026-11-23")["run_id"]
    for run in (first, second):
        assert status(careful, run) == ("abandoned", f"held, and superseded by run {third} of 2026-11-23")
    assert careful.staged() == []


def test_same_date_again_takes_the_place_of_a_held_run(careful: Project) -> None:
    """The source is corrected and the night run again: the held run ends."""
    careful.sql("create table kept as select * from customers")
    careful.sql(BROKEN["half missing"])
    run_id, _ = held(careful)
    careful.sql("insert into customers select * from kept where customer_id % 2 = 0")
    careful.night("2026-11-21")
    assert status(careful, run_id) == ("abandoned", "superseded by a later run of 2026-11-21")


def test_nobody_decides_in_time(careful: Project) -> None:
    """After the hours of the configuration a held run ends, by retention or by the next plan."""
    careful.sql(BROKEN["half missing"])
    run_id, _ = held(careful)
    drop_expired(careful.warehouse, careful.configuration)
    assert status(careful, run_id)[0] == "held"
    careful.sql(
        "update segmentation.scoring_runs set held_at = held_at - interval '73 hours' where run_id = %s", run_id
    )
    drop_expired(careful.warehouse, careful.configuration)
    assert status(careful, run_id) == ("abandoned", "held, and nobody decided within 72 hours")


def test_release_while_a_later_night_is_planned(careful: Project) -> None:
    """The later night is published over both, and the history is that of three nights."""
    careful.sql(BROKEN["one range of keys gone"])
    run_id, _ = held(careful, "2026-11-21")
    planned = careful.with_contract(checks=Checks(hold="never")).plan("2026-11-22")
    careful.score(planned["run_id"])
    release(careful, run_id)
    careful.with_contract(checks=Checks(hold="never")).publish(planned["run_id"])
    left = careful.sql(
        "select count(*), max(valid_to) from segmentation.segment_history where model = 'kmeans' and customer_id < 700"
    )
    assert left[0][0] > 500
    assert left[0][1].isoformat() == "2026-11-21"


def test_check_again_by_wider_limits_lets_a_night_pass(careful: Project) -> None:
    """A limit is raised in customers.yaml, the task is cleared: the night goes on."""
    careful.sql(BROKEN["one range of keys gone"])
    run_id, _ = held(careful)
    wider = careful.with_contract(checks=Checks(max_gone_share=0.5, max_row_change=0.5))
    assert not wider.check(run_id)["held"]
    assert wider.publish(run_id)["status"] == "published"


@pytest.mark.parametrize("options", [{"dry_run": True}, {"from_present_rows": True, "ended_at": "now"}])
def test_dry_runs_and_substituted_dates_are_checked_and_not_held(careful: Project, options: dict[str, Any]) -> None:
    """Nothing is published, or a person asked for just these rows: the findings are kept."""
    from datetime import UTC, datetime

    if "ended_at" in options:
        options = {**options, "ended_at": datetime.now(UTC)}
    careful.sql(BROKEN["half missing"])
    planned = careful.plan("2026-11-21", **options)
    careful.score(planned["run_id"])
    found = careful.check(planned["run_id"])
    assert not found["held"]
    assert any(one["finding"] == "hold" for one in found["findings"])


def test_forgotten_customer_ends_the_held_run_that_has_them(careful: Project) -> None:
    """Nothing of the customer is left; the others wait for the night to be run again."""
    careful.sql(BROKEN["half missing"])
    run_id, _ = held(careful)
    careful.sql("delete from customers where customer_id = 1001")
    report = forget(careful.warehouse, careful.configuration, careful.registry, customer_id=1001, requested_by="Ada")
    assert report["removed"]
    assert status(careful, run_id) == ("abandoned", "held, and a customer in it was forgotten; run the night again")
    assert careful.staged() == []


def test_past_date_that_is_held_outlives_the_next_regular_night(careful: Project) -> None:
    """It was behind the pointer when it was planned: what is published for later dates takes nothing's place."""
    careful.night("2026-11-23")
    careful.sql("create table kept as select * from customers")
    careful.sql(BROKEN["half missing"])
    run_id, _ = held(careful, "2026-11-21")
    careful.sql("insert into customers select * from kept where customer_id % 2 = 0")
    careful.night("2026-11-24")
    assert status(careful, run_id)[0] == "held"


def test_held_night_that_passes_a_second_check_is_not_taken_for_dead(careful: Project) -> None:
    """It was scored long ago, and checked just now."""
    careful.sql(BROKEN["one range of keys gone"])
    run_id, _ = held(careful)
    careful.sql("update segmentation.scoring_runs set started_at = started_at - interval '20 hours'")
    careful.sql("update segmentation.run_shards set finished_at = finished_at - interval '20 hours'")
    wider = careful.with_contract(checks=Checks(max_gone_share=0.5, max_row_change=0.5))
    wider.check(run_id)
    wider.plan("2026-11-22", dry_run=True)
    assert wider.publish(run_id)["status"] == "published"


def test_model_that_was_away_is_not_judged_by_one_day(careful: Project) -> None:
    """It comes back after a night of the others, and the customers who left in that night are no finding."""
    careful.sql("delete from customers where customer_id % 4 = 0")
    careful.with_contract(checks=Checks(hold="never")).night("2026-11-21", models=["gmm", "kmeans"])
    planned = careful.plan("2026-11-22")
    for shard in planned["shards"]:
        careful.score(planned["run_id"], shard)
    assert not careful.check(planned["run_id"])["held"]


def test_figures_are_kept_for_some_four_hundred_days(careful: Project) -> None:
    """Those of a run whose date lies longer before the latest one go, with what its source looked like."""
    latest = careful.night("2026-11-21")["run_id"]
    kept = (
        "select distinct run_id from segmentation.night_checks union"
        " select run_id from segmentation.run_measures order by run_id"
    )
    drop_expired(careful.warehouse, careful.configuration)
    assert careful.sql(kept) == [(latest - 1,), (latest,)]
    careful.sql("update segmentation.scoring_runs set as_of = as_of - 401 where run_id <> %s", latest)
    drop_expired(careful.warehouse, careful.configuration)
    assert careful.sql(kept) == [(latest,)]


def test_changed_contract_is_a_new_base_line(careful: Project) -> None:
    """A column in other units by the contract's own words: nothing is compared, and that is said once."""
    contract = careful.configuration.contract
    columns = dict(contract.columns)
    columns["age"] = columns["age"].model_copy(update={"range": (1, 110)})
    other = careful.with_contract(columns=columns)
    planned = other.plan("2026-11-21")
    other.score(planned["run_id"])
    found = other.check(planned["run_id"])
    assert [one["check"] for one in found["findings"]] == ["contract"]
    other.publish(planned["run_id"])
    planned = other.plan("2026-11-22")
    other.score(planned["run_id"])
    assert [one["check"] for one in other.check(planned["run_id"])["findings"]] == ["unchanged"]


CHANGED = (
    "select check_name, subject, value from segmentation.night_checks"
    " where run_id = %s and model = 'kmeans' and check_name in ('changed', 'displaced', 'part')"
)


@pytest.mark.parametrize("shards", [1, 3])
def test_who_has_changed_is_counted_customer_by_customer_and_by_part(careful: Project, shards: int) -> None:
    """In the order of the keys, whatever the shards: those whose values stand elsewhere, and nobody else."""
    [(least, middle)] = careful.sql(
        "select min(customer_id), (percentile_disc(0.5) within group (order by customer_id)) from customers"
    )
    careful.sql(
        "update customers set spending_score = 100 - spending_score where spending_score between 2 and 98"
        " and spending_score <> 50 and customer_id between %s and %s and customer_id %% 10 = 0",
        least,
        middle,
    )
    planned = careful.plan("2026-11-21", shards=shards)
    for shard in planned["shards"]:
        careful.score(planned["run_id"], shard)
    careful.check(planned["run_id"])
    found = {(check, subject): value for check, subject, value in careful.sql(CHANGED, planned["run_id"])}
    assert 0.03 < found["changed", "customers"] < 0.06
    assert 0 < found["displaced", "customers"] <= found["changed", "customers"]
    shares = [found["part", str(number)] for number in range(1, 17)]
    assert all(share > 0.03 for share in shares[:7])
    assert not any(shares[9:])


def test_new_version_is_not_compared_by_its_confidences(careful: Project) -> None:
    """They are of another version, and say nothing of the customers; the models that stayed are compared."""
    retrain(careful, "kmeans")
    run_id = careful.night("2026-11-21")["run_id"]
    told = careful.sql("select distinct model from segmentation.night_checks where run_id = %s", run_id)
    assert ("gmm",) in told
    versions = careful.sql("select count(*) from segmentation.promotions where model = 'kmeans'")
    assert (careful.sql(CHANGED, run_id) == []) == (versions[0][0] > 1)


def test_sampled_customers_are_drawn_one_by_one(careful: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of labels has customers of one segment: where all of those have changed, their share is still theirs."""
    monkeypatch.setattr(preceding_runs, "SAMPLED", 800)
    careful.sql(
        "update customers set spending_score = spending_score + 1 where spending_score < 100 and customer_id in"
        " (select customer_id from segmentation.customer_segments where model = 'kmeans' and segment_id = 1)"
    )
    [(share,)] = careful.sql(
        "select avg((segment_id = 1)::integer)::double precision from segmentation.customer_segments"
        " where model = 'kmeans'"
    )
    planned = careful.plan("2026-11-21")
    careful.score(planned["run_id"])
    careful.with_contract(checks=Checks(hold="never")).check(planned["run_id"])
    found = {(check, subject): value for check, subject, value in careful.sql(CHANGED, planned["run_id"])}
    assert 0 < share < 1
    assert found["changed", "customers"] == pytest.approx(share, abs=0.1)
