"""The views of BI tools, after nights, a retraining and a roll-back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from clustering.config import Configuration
from clustering.errors import ConfigurationError
from clustering.training.promotion import roll_back
from clustering.warehouse import migrate
from tests.appointing import appoint
from tests.paths import CONFIGURATION
from tests.projects import Project


@pytest.fixture(scope="module")
def weeks(copy_for_module: Callable[[Project], Project], appointed_once: Project) -> Project:
    """Return a project with nights before and after a new champion, and after going back; not to be changed."""
    project = copy_for_module(appointed_once)
    project.night("2026-11-19")
    project.night("2026-11-20")
    appoint(project, "kmeans", n_clusters=4)
    project.sql("delete from customers where customer_id % 10 = 0")
    project.night("2026-11-21")
    roll_back(project.registry, model="kmeans", decided_by="Ada Lovelace")
    project.night("2026-11-22", models=["kmeans"])
    return project


@pytest.fixture
def own_weeks(copy_project: Callable[[Project], Project], weeks: Project) -> Project:
    """Return a copy of the project with nights, for a test that changes it."""
    return copy_project(weeks)


@pytest.fixture(scope="module")
def night_once(copy_for_module: Callable[[Project], Project], appointed_once: Project) -> Project:
    """Return a project with one night of kmeans; not to be changed."""
    project = copy_for_module(appointed_once)
    project.night(models=["kmeans"])
    return project


def test_one_row_a_customer(weeks: Project) -> None:
    """customer_segments has every labelled customer once, by the default model."""
    assert weeks.sql(
        "select model, as_of::text, count(*) > 1000, count(*) = count(distinct customer_id)"
        " from segmentation.customer_segments group by 1, 2"
    ) == [("kmeans", "2026-11-22", True, True)]
    assert (
        weeks.sql(
            "select customer_id, segment_id, segment_name, confidence from segmentation.customer_segments"
            " except select customer_id, segment_id, segment_name, confidence"
            " from segmentation.current_customer_segments where model = 'kmeans'"
        )
        == []
    )


@pytest.mark.parametrize(("chosen", "shown"), [("gmm", "gmm"), (None, "dbscan"), ("never_published", None)])
def test_default_model(own_weeks: Project, chosen: str | None, shown: str | None) -> None:
    """The contract's default model reaches the view with the next migration; without one, the first by name shows."""
    migrate(own_weeks.warehouse, own_weeks.with_contract(default_model=chosen).configuration.contract)
    models = own_weeks.sql("select distinct model from segmentation.customer_segments")
    assert models == ([(shown,)] if shown else [])


def test_default_model_has_to_be_configured(configuration: Configuration, tmp_path: Any) -> None:
    """A default model without a file is refused when the configuration is read."""
    import shutil

    from clustering.config import load_configuration

    directory = shutil.copytree(CONFIGURATION, tmp_path / "models")
    (directory / "kmeans.yaml").unlink()
    with pytest.raises(ConfigurationError, match=r"customers\.yaml: default_model: 'kmeans' is not configured"):
        load_configuration(directory)


@pytest.mark.parametrize("view", ["customer_segments", "current_customer_segments"])
def test_other_runs_are_not_touched(weeks: Project, view: str) -> None:
    """The plan reads the partitions of the current runs alone."""
    question = f"explain (analyze, format json, costs off) select * from segmentation.{view}"  # noqa: S608
    ((([plan],)),) = [weeks.sql(question)[0]]
    read = {name for name in _relations(plan["Plan"]) if name.startswith("labels_")}
    current = {row[0] for row in weeks.sql("select run_id from segmentation.current_models")}
    assert {int(name.split("_")[1]) for name in read} == ({4} if view == "customer_segments" else current)


def test_trend(weeks: Project) -> None:
    """Changes are those since the date before, a segment that was not there counts as empty, and versions are told."""
    rows = weeks.sql(
        "select as_of::text, segment_id, customers, previous_as_of::text, previous_customers, customers_change,"
        " is_other_version from segmentation.segment_trend where model = 'kmeans' order by as_of, segment_id"
    )
    sizes = {(day, segment): customers for day, segment, customers, *_ in rows}
    days = sorted({row[0] for row in rows})
    before = dict(zip(days[1:], days, strict=False))
    for day, segment, customers, previous, former, change, is_other in rows:
        assert previous == before.get(day)
        assert is_other == (day in ("2026-11-21", "2026-11-22"))
        if previous is None:
            assert former is None
            assert change is None
        else:
            assert former == sizes.get((previous, segment), 0)
            assert change == customers - former


def test_trend_keeps_the_name(own_weeks: Project) -> None:
    """A renamed segment has its present name on every date, and its former one beside it."""
    own_weeks.sql(
        "insert into segmentation.segment_names (model, segment_id, segment_name) values ('kmeans', 1, 'Stars')"
    )
    own_weeks.night("2026-11-23", models=["kmeans"])
    rows = own_weeks.sql(
        "select distinct segment_name, segment_name_then from segmentation.segment_trend"
        " where model = 'kmeans' and segment_id = 1 order by 2"
    )
    assert [name for name, _ in rows] == ["Stars"] * len(rows)
    assert {then for _, then in rows} > {"Stars"}


def test_model_history(weeks: Project) -> None:
    """Each decision has its row; the periods of champions follow each other without gap or overlap."""
    rows = weeks.sql(
        "select version, decision, decided_by, champion_from, champion_until, status"
        " from segmentation.model_history where model = 'kmeans' order by decided_at"
    )
    assert [row[:3] for row in rows] == [
        (1, "promoted", "test"),
        (2, "promoted", "test"),
        (1, "rolled_back", "Ada Lovelace"),
    ]
    assert [row[4] for row in rows] == [rows[1][3], rows[2][3], None]
    assert [row[5] for row in rows] == ["champion", "retired", "champion"]


def test_health(weeks: Project) -> None:
    """Each current segment says whether it can be trusted, and what speaks against it."""
    rows = weeks.sql("select model, segment_id, trust, reasons from segmentation.segment_health")
    current = weeks.sql("select model, segment_id from segmentation.current_segments")
    assert sorted(row[:2] for row in rows) == sorted(current)
    assert all((trust == "yes") == (reasons is None) for *_, trust, reasons in rows)


@pytest.mark.parametrize(
    ("change", "trust", "reason"),
    [
        ("update segmentation.segments set stability_band = 'do not trust'", "no", "other samples do not show"),
        ("update segmentation.segments set stability_band = 'pattern'", "with care", "only roughly"),
        ("update segmentation.segments set structure = 'none'", "with care", "form no groups"),
        ("update segmentation.segments set share = 0.001", "with care", "less than 1 % of the customers"),
        (
            "update segmentation.scoring_runs set rows_rejected = 500, rows_labelled = 1500, rows_read = 2000",
            "with care",
            "25 % of the rows were rejected",
        ),
        ("update segmentation.scoring_runs set source_time = 'substituted'", "with care", "rows of a later day"),
        ("update segmentation.drift_checks set alarm = true", "with care", "drift: 10 of 10 checks"),
        (
            "insert into segmentation.night_checks (run_id, check_name, subject, value, finding, description, advice)"
            " select run_id, 'gone', 'customers', 0.5, 'hold', 'half are missing', 'look' from"
            " segmentation.current_models",
            "with care",
            "half are missing",
        ),
    ],
)
def test_what_speaks_against_a_segment(
    copy_project: Callable[[Project], Project], night_once: Project, change: str, trust: str, reason: str
) -> None:
    """Stability, structure, share, rejected rows, source and drift each show."""
    project = copy_project(night_once)
    project.sql(change)
    rows = project.sql("select trust, reasons from segmentation.segment_health where segment_id > 0")
    assert {row[0] for row in rows} == {trust}
    assert all(reason in reasons for _, reasons in rows)


def test_date_that_is_still_to_come_is_not_trusted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has published one, as when a clock was wrong, finds it said, whatever the time zone of the session."""
    monkeypatch.setattr("clustering.scoring.plan.require_begun", lambda *_, **__: None)
    day = datetime.now(UTC).date()
    project.night(day.isoformat(), models=["kmeans"])
    ages = "set time zone 'Pacific/Pago_Pago'; select distinct age_days, trust from segmentation.segment_health"
    assert {age for age, _ in project.sql(ages)} == {0}
    # No run is planned for such a date.
    project.sql("update segmentation.published_runs set as_of = as_of + 5")
    project.sql("update segmentation.segments set as_of = as_of + 5")
    rows = project.sql("select distinct age_days, trust, reasons from segmentation.segment_health where segment_id > 0")
    assert {row[:2] for row in rows} == {(-5, "with care")}
    assert all("dated 5 days ahead" in reasons for *_, reasons in rows)


def test_alarms_of_a_run_that_was_replaced(project: Project) -> None:
    """What the former run of a date has alarmed of says nothing about the one that holds, watched or not."""
    project.night(models=["kmeans"])
    project.sql("update segmentation.drift_checks set alarm = true")
    told = "select distinct drift_checks, drift_alarms from segmentation.segment_health"
    assert project.sql(told) == [(10, 10)]
    project.night(models=["kmeans"])
    assert project.sql(told) == [(10, 0)]


def test_audit(own_weeks: Project) -> None:
    """Whoever renames a segment, by whichever program, is noted with the words before and after."""
    from clustering.versions.own_names import name_segment, reset_segment_name

    name_segment(own_weeks.warehouse, model="kmeans", segment_id=1, name="Stars", set_by="Ada")
    own_weeks.sql("update segmentation.segment_names set segment_name = 'Suns', set_by = 'Bea'")
    reset_segment_name(own_weeks.warehouse, model="kmeans", segment_id=1, reset_by="Cora")
    rows = own_weeks.sql(
        "select action, actor, detail #>> '{before,segment_name}', detail #>> '{after,segment_name}'"
        " from segmentation.audit_trail where model = 'kmeans' order by occurred_at"
    )
    assert rows[-3:] == [
        ("name_segment", "Ada", None, "Stars"),
        ("name_segment", "Bea", "Stars", "Suns"),
        ("reset_segment_name", "Cora", "Suns", None),
    ]
    assert [row[:2] for row in rows[:3]] == [
        ("promoted", "test"),
        ("promoted", "test"),
        ("rolled_back", "Ada Lovelace"),
    ]


def test_history_is_kept_as_long_as_asked(own_weeks: Project) -> None:
    """By default for ever; with a limit, periods that ended earlier go, and the present ones stay."""
    from clustering.scoring.retention import drop_expired

    periods = "select count(*), count(*) filter (where valid_to is null) from segmentation.segment_history"
    drop_expired(own_weeks.warehouse, own_weeks.configuration)
    ((every, present),) = own_weeks.sql(periods)
    assert every > present
    drop_expired(own_weeks.warehouse, own_weeks.with_contract(history_days=1).configuration)
    ended = "select min(valid_to)::text from segmentation.segment_history"
    assert own_weeks.sql(ended) == [("2026-11-22",)]
    ((_, kept),) = own_weeks.sql(periods)
    assert kept == present


def _relations(plan: dict[str, Any]) -> set[str]:
    """Return the relations that a plan has read."""
    own = {plan["Relation Name"]} if "Relation Name" in plan and plan.get("Actual Loops") else set()
    return own.union(*(_relations(part) for part in plan.get("Plans", [])))


def test_flows_have_names_and_no_circle(weeks: Project) -> None:
    """A Sankey diagram of segment_flows shows who moved, by the names of both dates, from left to right alone."""
    rows = weeks.sql(
        "select as_of, model, source, target, customers, from_segment_id, to_segment_id, has_moved"
        " from segmentation.segment_flows"
    )
    counted = weeks.sql(
        "select as_of, model, customers, from_segment_id, to_segment_id from segmentation.segment_migrations"
    )
    assert sorted((*row[:2], *row[4:7]) for row in rows if None not in row) == sorted(
        row for row in counted if None not in row
    )
    assert len(rows) == len(counted)
    assert {row[2] for row in rows}.isdisjoint(row[3] for row in rows)
    names = dict(weeks.sql("select segment_id, segment_name from segmentation.current_segments where model = 'gmm'"))
    for _, model, source, target, _, former, latter, has_moved in rows:
        assert has_moved == (former != latter)
        assert (source == "Not labelled before") == (former is None)
        assert (target == "Not labelled any more") == (latter is None)
        if model == "gmm" and latter is not None:
            assert target == f"{names[latter]} (now)"


def test_periods_have_names(weeks: Project) -> None:
    """customer_history has the rows of segment_history, each with its segment's name; one customer's are probed."""
    rows = "select customer_id, model, segment_id, valid_from, valid_to, model_version_id from segmentation."
    assert weeks.sql(f"({rows}customer_history except all {rows}segment_history)") == []
    assert weeks.sql(f"({rows}segment_history except all {rows}customer_history)") == []
    assert weeks.sql("select count(*) from segmentation.customer_history where segment_name is null") == [(0,)]
    question = "explain (format json) select * from segmentation.customer_history where customer_id = 42"
    ((([plan],)),) = weeks.sql(question)
    assert "Seq Scan" not in {kind for kind, name in _scans(plan["Plan"]) if name.startswith("period_")}


def _scans(plan: dict[str, Any]) -> list[tuple[str, str]]:
    found = [(plan["Node Type"], plan.get("Relation Name", ""))]
    return found + [one for below in plan.get("Plans", ()) for one in _scans(below)]
