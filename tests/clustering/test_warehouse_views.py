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
insert into segmentation.scoring_runs (as_of, dry_run, requested_by, source, contract_sha256)
select '2026-01-01', false, 'test', 'customers', repeat('0', 64) from generate_series(1, 6);
"""
MODEL = """
create table segmentation_partitions.labels_{model} partition of segmentation.customer_labels for values in ('{model}')
    partition by list (label_set);
"""
LABEL_SET = """
insert into segmentation.run_models (run_id, model, model_version_id, label_set) overriding system value
values ({run}, '{model}', {version}, {run}{version});
create table segmentation_partitions.labels_{run}_{version} partition of segmentation_partitions.labels_{model}
    for values in ({run}{version}) partition by list (shard);
create table segmentation_partitions.labels_{run}_{version}_0
    partition of segmentation_partitions.labels_{run}_{version} for values in (0);
create table segmentation_partitions.labels_{run}_{version}_1
    partition of segmentation_partitions.labels_{run}_{version} for values in (1);
insert into segmentation.label_names values ({run}{version}, 1, 'All', '');
"""
RUN = """
{label_sets}
insert into segmentation.customer_labels
    (run_id, model, as_of, label_set, model_version_id, shard, customer_id, cluster_label, segment_id, confidence)
select {run}, made.model, %(as_of)s, made.label_set, made.model_version_id, customer %% 2, customer, 0, 1, 0.5
from segmentation.run_models as made, generate_series(1, 100) as customer
where made.run_id = {run};
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
        transaction.connection.exec_driver_sql(FILL + "".join(MODEL.format(model=model) for model in MODELS))
        for run, (as_of, models) in PUBLISHED.items():
            values = {"as_of": as_of, "models": list(models)}
            label_sets = "".join(
                LABEL_SET.format(run=run, model=model, version=1 + MODELS.index(model)) for model in models
            )
            transaction.connection.exec_driver_sql(RUN.format(run=run, label_sets=label_sets), values)
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
    ("question", "read"),
    [
        ("select * from segmentation.current_customer_segments", {"4_3", "5_1", "5_2"}),
        ("select model, segment_name, count(*) from segmentation.current_customer_segments group by 1, 2", None),
        ("select * from segmentation.current_customer_segments where model = 'kmeans' and customer_id = 7", {"5_1"}),
        ("select * from segmentation.customer_segments where customer_id = 7", {"5_1"}),
    ],
)
@pytest.mark.parametrize("analyzed", [False, True], ids=["no-statistics", "statistics"])
def test_other_label_sets_are_not_in_the_plan(
    published: Warehouse, question: str, read: set[str] | None, analyzed: bool
) -> None:
    """The plan has the partitions of the current label sets, of a model that is asked for alone, and no other."""
    if analyzed:
        with published.transaction() as transaction:
            transaction.connection.exec_driver_sql("analyze")
    plan = ask(published, f"explain (costs off, format json) {question}")[0][0]
    tables = [node.get("Relation Name", "") for node in nodes(plan[0]["Plan"])]
    found = {match[1] for table in tables if (match := re.fullmatch(r"labels_(\d_\d)_\d", table))}
    assert found == (read or {"4_3", "5_1", "5_2"}), json.dumps(plan, indent=1)


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]
