"""The views that people read."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from clustering.warehouse import Warehouse

MODELS = ("kmeans", "gmm", "dbscan")
# Runs 1 to 4 labelled with all three models, run 5 with two of them, and run 6, the latest, with kmeans of an old date.
PUBLISHED = {
    1: ("2026-01-01", MODELS),
    2: ("2026-01-02", MODELS),
    3: ("2026-01-03", MODELS),
    4: ("2026-01-04", MODELS),
    5: ("2026-01-05", ("kmeans", "gmm")),
    6: ("2025-12-31", ("kmeans",)),
}
FILL = """
insert into segmentation.model_versions (model, version, structure, algorithm, features, settings, metrics, clusters,
    artifact, artifact_sha256, sample_rows, sample_sha256, library_versions)
select model, 1, 'structured', model, array['x'], '{}', '{}', '{}', model, repeat('a', 64), 1, repeat('b', 64), '{}'
from unnest(array['kmeans', 'gmm', 'dbscan']) with ordinality as listed (model, place) order by place;
insert into segmentation.scoring_runs (as_of, dry_run, requested_by, source)
select '2026-01-01', false, 'test', 'customers' from generate_series(1, 6);
"""
VERSION = """
create table segmentation_staging.labels_{run}_{version} partition of segmentation_staging.labels_{run}
    for values in ({version}) partition by list (shard);
create table segmentation_staging.labels_{run}_{version}_0 partition of segmentation_staging.labels_{run}_{version}
    for values in (0);
create table segmentation_staging.labels_{run}_{version}_1 partition of segmentation_staging.labels_{run}_{version}
    for values in (1);
"""
RUN = """
create table segmentation_staging.labels_{run} partition of segmentation.customer_labels for values in ({run})
    partition by list (model_version_id);
{leaves}
insert into segmentation.customer_labels
    (run_id, model_version_id, shard, customer_id, cluster_label, segment_id, confidence)
select {run}, version.model_version_id, customer %% 2, customer, 0, 1, 0.5
from segmentation.model_versions as version, generate_series(1, 100) as customer
where version.model = any(%(models)s);
insert into segmentation.published_runs (model, as_of, run_id, model_version_id)
select model, %(as_of)s, {run}, model_version_id from segmentation.model_versions where model = any(%(models)s);
insert into segmentation.segments (as_of, model, segment_id, segment_name, description, recommended_action, customers,
    share, run_id, model_version_id, structure)
select %(as_of)s, model, 1, 'All', '', '', 100, 1, {run}, model_version_id, structure
from segmentation.model_versions where model = any(%(models)s);
"""


@pytest.fixture
def published(warehouse: Warehouse) -> Warehouse:
    """Return a warehouse with six published runs, of which two are current."""
    with warehouse.transaction() as transaction:
        transaction.connection.exec_driver_sql(FILL)
        for run, (as_of, models) in PUBLISHED.items():
            values = {"as_of": as_of, "models": list(models)}
            leaves = "".join(VERSION.format(run=run, version=1 + MODELS.index(model)) for model in models)
            transaction.connection.exec_driver_sql(RUN.format(run=run, leaves=leaves), values)
    return warehouse


def ask(warehouse: Warehouse, question: str) -> list[Any]:
    with warehouse.transaction(read_only=True) as transaction:
        return list(transaction.connection.exec_driver_sql(question).all())


def test_current_runs(published: Warehouse) -> None:
    """Each model is shown as of its own latest date, by the run that holds for it."""
    expected = [("dbscan", "2026-01-04", 4), ("gmm", "2026-01-05", 5), ("kmeans", "2026-01-05", 5)]
    columns = "select model, as_of::text, run_id from segmentation"
    assert ask(published, f"{columns}.current_models order by model") == expected
    assert ask(published, f"{columns}.current_segments order by model") == expected
    question = (
        "select model, as_of::text, run_id, count(*) from segmentation.current_customer_segments group by 1, 2, 3"
    )
    assert sorted(ask(published, question)) == [(*row, 100) for row in expected]


@pytest.mark.parametrize(
    "question",
    [
        "select * from segmentation.current_customer_segments",
        "select model, segment_name, count(*) from segmentation.current_customer_segments group by 1, 2",
        "select * from segmentation.current_customer_segments where model = 'kmeans' and customer_id = 7",
    ],
)
@pytest.mark.parametrize("analyzed", [False, True], ids=["no-statistics", "statistics"])
def test_other_runs_are_never_executed(published: Warehouse, question: str, analyzed: bool) -> None:
    """The plan touches the partitions of the current runs, and of no other."""
    if analyzed:
        with published.transaction() as transaction:
            transaction.connection.exec_driver_sql("analyze")
    plan = ask(published, f"explain (analyze, costs off, timing off, format json) {question}")[0][0]
    loops: dict[int, int] = {}
    for node in nodes(plan[0]["Plan"]):
        if found := re.fullmatch(r"labels_(\d)_\d_\d", node.get("Relation Name", "")):
            run = int(found[1])
            loops[run] = loops.get(run, 0) + node["Actual Loops"]
    assert {run for run, executed in loops.items() if executed} <= {4, 5}, json.dumps(plan, indent=1)
    assert loops.get(5), "the current run was not read at all"


def test_plan_says_never_executed(published: Warehouse) -> None:
    """In PostgreSQL's own words: partitions of runs that are not current are never executed."""
    plan = [row[0] for row in ask(published, "explain analyze select * from segmentation.current_customer_segments")]
    scans = [(match[1], line) for line in plan if (match := re.search(r"Scan.* on labels_(\d)_\d_\d", line))]
    assert {run for run, line in scans if "never executed" not in line} == {"4", "5"}
    assert {run for run, line in scans if "never executed" in line} == {"1", "2", "3", "6"}


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]
