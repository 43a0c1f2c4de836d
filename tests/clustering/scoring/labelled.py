"""Customers in a table, labelled by a version of each algorithm as a night does, without training one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from psycopg2.extras import Json, execute_values

from clustering import Registry
from clustering.algorithms import algorithm, algorithm_names
from clustering.config import Configuration, DbscanSpec, GaussianMixtureSpec, KMeansSpec
from clustering.features import fit_scaling
from clustering.scoring.explained_customers import CustomerLabel, explain_customer
from clustering.segments.explanations import Explanations, explain
from clustering.versions.artifacts import Artifact, ClusterSegment, write_artifact

CUSTOMERS = 400
COLUMNS = ("annual_income", "spending_score")
MODELS = algorithm_names()
SPECS: dict[str, Any] = {
    "kmeans": (KMeansSpec(algorithm="kmeans", features=COLUMNS), {"n_clusters": 5}),
    "gmm": (
        GaussianMixtureSpec(algorithm="gmm", features=COLUMNS, n_init=2),
        {"n_components": 5, "covariance_type": "full"},
    ),
    "dbscan": (DbscanSpec(algorithm="dbscan", features=COLUMNS), {"eps": 0.28, "min_samples": 5}),
}
SOURCE = """
create table public.customers ("CustomerID" bigint primary key, "Age" integer, "Gender" text,
    "Annual Income (k$)" numeric, "Spending Score" text);
"""
VERSION = """
insert into segmentation.model_versions (model, version, status, structure, algorithm, features, settings, metrics,
    clusters, artifact, artifact_sha256, sample_rows, sample_sha256, library_versions)
values (%(model)s, 1, 'champion', 'structured', %(model)s, %(features)s, '{}', '{}', %(clusters)s, %(artifact)s,
    %(digest)s, 1, repeat('0', 64), '{}')
returning model_version_id
"""
RUN = """
insert into segmentation.scoring_runs (as_of, dry_run, requested_by, source, contract_sha256)
values ('2026-11-22', false, 'test', 'public.customers', repeat('0', 64));
create table segmentation_partitions.labels_all partition of segmentation.customer_labels default;
"""
SEGMENT = """
insert into segmentation.segments (as_of, model, segment_id, segment_name, description, recommended_action, customers,
    share, run_id, model_version_id, structure)
values ('2026-11-22', %(model)s, %(segment_id)s, %(segment_name)s, '', '', 1, 0, 1, %(version)s, 'structured')
"""
LABEL_SET = """
insert into segmentation.run_models (run_id, model, model_version_id) values (1, %(model)s, %(version)s)
returning label_set
"""
NAMES = """
insert into segmentation.label_names
select made.label_set, segment.segment_id, segment.segment_name, ''
from segmentation.run_models as made join segmentation.segments as segment using (run_id, model)
where made.label_set = %(label_set)s
"""
POINTER = """
insert into segmentation.published_runs (model, as_of, run_id, model_version_id)
values (%(model)s, '2026-11-22', 1, %(version)s)
"""


@dataclass(frozen=True)
class Published:
    """A warehouse with one published run, the versions that labelled it, and the reasons of all of its customers."""

    configuration: Configuration
    registry: Registry
    artifacts: dict[str, Artifact]
    reasons: dict[str, Explanations]

    def ask(self, statement: str, **values: Any) -> list[Any]:
        with self.registry.warehouse.transaction() as transaction:
            result = transaction.connection.exec_driver_sql(statement, values)
            return list(result.all()) if result.returns_rows else []

    def explain(self, model: str, customer: Any) -> CustomerLabel:
        found = explain_customer(self.configuration, self.registry, customer_id=customer, models=[model])
        (label,) = found.labels
        return label

    def sentence(self, model: str, customer: Any) -> str:
        label = self.explain(model, customer)
        assert label.explanation.pulls == ()
        return label.explanation.sentence


def people(seed: int = 0) -> np.ndarray:
    """Return incomes (k$, whole) and scores of five groups and of a few customers far from them, (n, 2)."""
    rng = np.random.default_rng(seed)
    centres = np.array([(86, 82), (55, 50), (26, 21), (88, 17), (26, 79)])
    rows = centres[rng.integers(0, 5, CUSTOMERS)] + rng.normal(size=(CUSTOMERS, 2)) * [6, 5]
    rows[:20] = rng.uniform([5, 1], [140, 100], size=(20, 2))
    rows[:, 0] = rows[:, 0].clip(5).round()
    return np.column_stack([rows[:, 0], rows[:, 1].clip(1, 100).round(1)])


def clusters_of(labels: np.ndarray) -> tuple[ClusterSegment, ...]:
    return tuple(
        ClusterSegment(label, label + 1, f"Group {label + 1}" if label >= 0 else "Outliers", "", "", 1)
        for label in np.unique(labels).tolist()
    )


def trained(configuration: Configuration, model: str, rows: pa.RecordBatch) -> tuple[Artifact, Any]:
    scaling = fit_scaling(rows, COLUMNS, configuration.contract)
    spec, settings = SPECS[model]
    fitted = algorithm(model).fit(scaling.apply(rows), settings, spec)
    artifact = Artifact(model, model, scaling, settings, clusters_of(fitted.labels), fitted.parameters)
    return artifact, fitted


def write(connection: Any, store: Path, artifact: Artifact, fitted: Any, keys: Sequence[Any]) -> None:
    """Write a version as registering does, and its labels and segments as publishing does."""
    name, digest = write_artifact(store, artifact, version=1, estimator=fitted.estimator)
    clusters = Json([asdict(each) for each in artifact.clusters])
    values = {"model": artifact.model, "features": list(COLUMNS), "clusters": clusters}
    version: int = connection.exec_driver_sql(VERSION, values | {"artifact": name, "digest": digest}).scalar_one()
    for each in artifact.clusters:
        connection.exec_driver_sql(SEGMENT, {**asdict(each), "model": artifact.model, "version": version})
    made = {"model": artifact.model, "version": version}
    label_set = connection.exec_driver_sql(LABEL_SET, made).scalar_one()
    connection.exec_driver_sql(NAMES, {"label_set": label_set})
    columns = (
        "customer_id, cluster_label, segment_id, confidence, run_id, model_version_id, shard, model, label_set, as_of"
    )
    same = (0.5, 1, version, 0, artifact.model, label_set, "2026-11-22")
    rows = [(key, label, label + 1, *same) for key, label in zip(keys, fitted.labels.tolist(), strict=True)]
    cursor = connection.connection.cursor()
    execute_values(cursor, f"insert into segmentation.customer_labels ({columns}) values %s", rows)  # noqa: S608
    connection.exec_driver_sql(POINTER, made)


def publish(
    registry: Registry, configuration: Configuration, keys: Sequence[Any], *, key_type: str = "bigint"
) -> Published:
    """Label 400 customers by three models; the source has other headers, another unit and numbers as text."""
    values = people()
    rows = pa.record_batch({"annual_income": 1000 * values[:, 0], "spending_score": values[:, 1]})
    artifacts: dict[str, Artifact] = {}
    explained: dict[str, Explanations] = {}
    with registry.warehouse.transaction() as transaction:
        connection = transaction.connection
        connection.exec_driver_sql(SOURCE.replace("bigint", key_type))
        source = [
            (key, 30, None, income, f" {score}") for key, (income, score) in zip(keys, values.tolist(), strict=True)
        ]
        execute_values(connection.connection.cursor(), "insert into public.customers values %s", source)
        connection.exec_driver_sql(RUN)
        for model in MODELS:
            artifact, fitted = trained(configuration, model, rows)
            write(connection, registry.store, artifact, fitted, keys)
            artifacts[model] = artifact
            explained[model] = explain(artifact, artifact.scaling.apply(rows))
            assert explained[model].segments.tolist() == (fitted.labels + 1).tolist()
    return Published(configuration, registry, artifacts, explained)


def with_columns(configuration: Configuration, **columns: dict[str, Any]) -> Configuration:
    changed = {
        name: column.model_copy(update=columns.get(name, {})) for name, column in configuration.contract.columns.items()
    }
    contract = configuration.contract.model_copy(update={"columns": changed})
    return configuration.model_copy(update={"contract": contract})
