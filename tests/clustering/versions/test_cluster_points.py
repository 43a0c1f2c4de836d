"""`segmentation.explain_customer`: the reasons for BI, the same as those of the API."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import psycopg2
import pyarrow as pa
import pytest
from psycopg2.errors import InsufficientPrivilege
from psycopg2.extras import Json, execute_values

from clustering.algorithms import algorithm, algorithm_names
from clustering.config import Configuration, DbscanSpec, GaussianMixtureSpec, KMeansSpec
from clustering.features import fit_scaling
from clustering.segments.explanations import Explanations, explain
from clustering.versions import cluster_points
from clustering.versions.artifacts import Artifact, ClusterSegment
from clustering.versions.cluster_points import drop_explanations, keep_explanations
from clustering.warehouse import Warehouse, migrate
from clustering.warehouse.source import describe_source

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
grant select on public.customers to segmentation_writer;
"""
VERSION = """
insert into segmentation.model_versions (model, version, status, structure, algorithm, features, settings, metrics,
    clusters, artifact, artifact_sha256, sample_rows, sample_sha256, library_versions)
values (%(model)s, 1, 'champion', 'structured', %(model)s, %(features)s, '{}', '{}', %(clusters)s, '', repeat('0', 64),
    1, repeat('0', 64), '{}')
returning model_version_id
"""
RUN = """
insert into segmentation.scoring_runs (as_of, dry_run, requested_by, source, source_layout, contract_sha256)
values ('2026-11-22', false, 'test', 'public.customers', %(layout)s, repeat('0', 64));
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
EXPLAIN = "select * from segmentation.explain_customer(%(model)s, %(customer)s)"


@dataclass(frozen=True)
class Published:
    """A warehouse with one published run, the versions that labelled it, and the same reasons from Python."""

    warehouse: Warehouse
    artifacts: dict[str, Artifact]
    reasons: dict[str, Explanations]

    def ask(self, statement: str, **values: Any) -> list[Any]:
        with self.warehouse.transaction() as transaction:
            result = transaction.connection.exec_driver_sql(statement, values)
            return list(result.all()) if result.returns_rows else []

    def explain(self, model: str, customer: int) -> list[Any]:
        return self.ask(EXPLAIN, model=model, customer=customer)


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


def trained(configuration: Configuration, model: str, rows: pa.RecordBatch) -> tuple[Artifact, np.ndarray]:
    scaling = fit_scaling(rows, COLUMNS, configuration.contract)
    spec, settings = SPECS[model]
    fitted = algorithm(model).fit(scaling.apply(rows), settings, spec)
    artifact = Artifact(model, model, scaling, settings, clusters_of(fitted.labels), fitted.parameters)
    return artifact, fitted.labels


def write(connection: Any, artifact: Artifact, keys: Sequence[Any], labels: np.ndarray) -> int:
    """Write a version as registering does, and its labels and segments as publishing does."""
    clusters = Json([asdict(each) for each in artifact.clusters])
    values = {"model": artifact.model, "features": list(COLUMNS), "clusters": clusters}
    version: int = connection.exec_driver_sql(VERSION, values).scalar_one()
    for each in artifact.clusters:
        connection.exec_driver_sql(SEGMENT, {**asdict(each), "model": artifact.model, "version": version})
    cursor = connection.connection.cursor()
    made = {"model": artifact.model, "version": version}
    label_set = connection.exec_driver_sql(LABEL_SET, made).scalar_one()
    connection.exec_driver_sql(NAMES, {"label_set": label_set})
    columns = (
        "customer_id, cluster_label, segment_id, confidence, run_id, model_version_id, shard, model, label_set, as_of"
    )
    same = (0.5, 1, version, 0, artifact.model, label_set, "2026-11-22")
    rows = [(key, label, label + 1, *same) for key, label in zip(keys, labels.tolist(), strict=True)]
    execute_values(cursor, f"insert into segmentation.customer_labels ({columns}) values %s", rows)  # noqa: S608
    connection.exec_driver_sql(POINTER, {"model": artifact.model, "version": version})
    return version


def publish(warehouse: Warehouse, configuration: Configuration, keys: Sequence[Any], key_type: str) -> Published:
    values = people()
    rows = pa.record_batch({"annual_income": 1000 * values[:, 0], "spending_score": values[:, 1]})
    artifacts: dict[str, Artifact] = {}
    explained: dict[str, Explanations] = {}
    with warehouse.transaction() as transaction:
        connection = transaction.connection
        connection.exec_driver_sql(SOURCE.replace("bigint", key_type))
        source = [
            (key, 30, None, income, f" {score}") for key, (income, score) in zip(keys, values.tolist(), strict=True)
        ]
        execute_values(connection.connection.cursor(), "insert into public.customers values %s", source)
        layout = describe_source(transaction, configuration.contract).layout()
        connection.exec_driver_sql(RUN, {"layout": Json(layout)})
        for model in MODELS:
            artifact, labels = trained(configuration, model, rows)
            keep_explanations(transaction, write(connection, artifact, keys, labels), artifact)
            artifacts[model] = artifact
            explained[model] = explain(artifact, artifact.scaling.apply(rows))
            assert explained[model].segments.tolist() == (labels + 1).tolist()
    return Published(warehouse, artifacts, explained)


def with_columns(configuration: Configuration, **columns: dict[str, Any]) -> Configuration:
    changed = {
        name: column.model_copy(update=columns.get(name, {})) for name, column in configuration.contract.columns.items()
    }
    contract = configuration.contract.model_copy(update={"columns": changed})
    return configuration.model_copy(update={"contract": contract})


@pytest.fixture
def transform() -> str:
    """Return the transform of the income; tests may set another one."""
    return "none"


@pytest.fixture
def published(warehouse: Warehouse, configuration: Configuration, transform: str) -> Published:
    """Return a published run of a source with other headers, another unit and numbers as text."""
    changed = with_columns(configuration, annual_income={"transform": transform})
    return publish(warehouse, changed, range(1, CUSTOMERS + 1), "bigint")


@pytest.mark.parametrize("transform", ["none", "log"])
@pytest.mark.parametrize("model", MODELS)
def test_agrees_with_python(published: Published, model: str) -> None:
    """Every customer has the same segment, runner-up, pulls and sentence as from Python, the strongest first."""
    artifact, expected = published.artifacts[model], published.reasons[model]
    names = {each.segment_id: each.segment_name for each in artifact.clusters}
    values = people()
    for place in range(0, CUSTOMERS, 5):
        rows = published.explain(model, place + 1)
        pulls = {row.feature: row.pull for row in rows if row.feature}
        constant = sum(row.pull for row in rows if row.feature is None)
        np.testing.assert_allclose([pulls[name] for name in COLUMNS], expected.pulls[place], rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(constant, expected.constant[place], rtol=1e-8, atol=1e-8)
        assert {row.segment_name for row in rows} == {names[expected.segments[place]]}
        assert {row.runner_up_name for row in rows} == {names[expected.runners_up[place]]}
        assert {row.sentence for row in rows} == {expected.sentences[place]}
        assert rows[0].feature == COLUMNS[expected.strongest[place]]
        assert sum(abs(row.share_of_pull) for row in rows) == pytest.approx(1)
        amounts = {row.feature: row.value for row in rows}
        assert [amounts[name] for name in COLUMNS] == [1000 * values[place, 0], values[place, 1]]
    if model == "dbscan":
        assert 3 <= np.count_nonzero(expected.segments[::5] == 0) < 20


def test_nobody(published: Published) -> None:
    """An unknown customer or model has no rows; a model's name in capitals is the same model."""
    assert published.explain("kmeans", 0) == []
    assert published.explain("unknown", 1) == []
    assert len(published.explain("KMeans", 1)) == 2


@pytest.mark.parametrize("bad", ["'abc'", "null", "'1e400'", "'NaN'", "'-Infinity'", "'1e999999999'", "''"])
def test_source_is_no_longer_valid(published: Published, bad: str) -> None:
    """A value that has become invalid is no error, and nothing is made up from it."""
    published.ask(f"""update public.customers set "Spending Score" = {bad} where "CustomerID" = 1""")  # noqa: S608
    (row,) = published.explain("gmm", 1)
    assert row.sentence == "The source no longer holds one row with valid values for this customer."
    assert (row.feature, row.pull) == (None, None)
    published.ask('delete from public.customers where "CustomerID" = 1')
    assert published.explain("gmm", 1)[0].sentence == row.sentence


def test_source_has_changed(published: Published) -> None:
    """Values that have changed so much that they speak against last night's segment are called by name."""
    before = published.explain("kmeans", 100)[0]
    other = next(
        place
        for place in range(100, 200)
        if published.reasons["kmeans"].segments[place] != published.reasons["kmeans"].segments[99]
    )
    published.ask(
        'update public.customers as mine set "Annual Income (k$)" = other."Annual Income (k$)", '
        '"Spending Score" = other."Spending Score" from public.customers as other '
        'where mine."CustomerID" = 100 and other."CustomerID" = %(other)s',
        other=other + 1,
    )
    row = published.explain("kmeans", 100)[0]
    assert row.segment_name == before.segment_name
    name = f"Group {published.reasons['kmeans'].segments[other]}"
    assert (
        row.sentence
        == f"The values have changed since 2026-11-22: today they are nearer to {name} than to {before.segment_name}."
    )


def test_missing_value_is_filled(warehouse: Warehouse, configuration: Configuration) -> None:
    """A missing value counts as the number that the contract fills in."""
    published = publish(
        warehouse, with_columns(configuration, spending_score={"missing": 50.0}), range(1, CUSTOMERS + 1), "bigint"
    )
    published.ask("""update public.customers set "Spending Score" = nullif('', '') where "CustomerID" = 1""")
    published.ask("""update public.customers set "Spending Score" = ' ' where "CustomerID" = 2""")
    for customer in (1, 2):
        assert {row.feature: row.value for row in published.explain("kmeans", customer)}["spending_score"] == 50.0


@pytest.mark.parametrize("key_type", ["text", "uuid"])
def test_other_keys(empty_warehouse: Warehouse, configuration: Configuration, key_type: str) -> None:
    """Keys may be text, with whatever is in it, or UUIDs."""
    changed = with_columns(configuration, customer_id={"type": key_type})
    migrate(empty_warehouse, changed.contract)
    number = "c'%s\"--{}" if key_type == "text" else "00000000-0000-0000-0000-{:012d}"
    keys = [number.format(place) if key_type == "uuid" else f"{place}{number}" for place in range(CUSTOMERS)]
    published = publish(empty_warehouse, changed, keys, key_type)
    row = published.ask(EXPLAIN, model="kmeans", customer=keys[7])[0]
    assert row.sentence == published.reasons["kmeans"].sentences[7]


def test_before_there_were_reasons(published: Published) -> None:
    """Versions and runs of an earlier release say what to do."""
    published.ask("update segmentation.scoring_runs set source_layout = null")
    (row,) = published.explain("gmm", 1)
    assert row.sentence == "The version or the run is older than reasons are: retrain the model and run another night."


def test_too_many_core_customers(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version with too many core customers keeps none of them, and says so."""
    monkeypatch.setattr(cluster_points, "MOST_POINTS", 10)
    with published.warehouse.transaction() as transaction:
        version = transaction.connection.exec_driver_sql(
            "select model_version_id from segmentation.model_versions where model = 'dbscan'"
        ).scalar_one()
        drop_explanations(transaction, version)
        transaction.connection.exec_driver_sql(
            "delete from segmentation.version_features where model_version_id = %s", (version,)
        )
        keep_explanations(transaction, version, published.artifacts["dbscan"])
    (row,) = published.explain("dbscan", 1)
    assert row.sentence == "The version has too many core customers to keep their values here."
    assert published.ask("select count(*) from segmentation.version_clusters where points is not null") == [(10,)]


def test_only_by_name(published: Published) -> None:
    """A reader without a grant is refused; with it the function answers, although the source stays closed."""
    role = f"reader_{np.random.default_rng().integers(2**62)}"
    published.ask(f"create role {role} login; grant usage on schema segmentation to {role}")
    try:
        with closing(psycopg2.connect(published.warehouse.uri)) as connection, connection.cursor() as cursor:
            cursor.execute(f"set role {role}")
            connection.commit()
            with pytest.raises(InsufficientPrivilege):
                cursor.execute(EXPLAIN, {"model": "gmm", "customer": 1})
            connection.rollback()
            published.ask(f"grant execute on function segmentation.explain_customer to {role}")
            cursor.execute(EXPLAIN, {"model": "gmm", "customer": 1})
            assert len(cursor.fetchall()) == 3
            with pytest.raises(InsufficientPrivilege):
                cursor.execute("select * from public.customers")
    finally:
        published.ask(f"drop owned by {role}; drop role {role}")


def test_names_of_the_publication(published: Published) -> None:
    """Names are those that were published, also where a person has changed them."""
    published.ask(
        "update segmentation.label_names set segment_name = 'Ours: 100 %%s {}' || segment_id where label_set in"
        " (select label_set from segmentation.run_models where model = 'gmm')"
    )
    row = published.explain("gmm", 50)[0]
    first, second = published.reasons["gmm"].segments[49], published.reasons["gmm"].runners_up[49]
    assert (row.segment_name, row.runner_up_name) == (f"Ours: 100 %s {{}}{first}", f"Ours: 100 %s {{}}{second}")
    assert row.segment_name in row.sentence


def test_only_one_segment(published: Published) -> None:
    """Without another segment there is nothing to hold against."""
    artifact = published.artifacts["kmeans"]
    one = replace(artifact, clusters=tuple(replace(each, segment_id=1) for each in artifact.clusters))
    published.ask(
        "update segmentation.model_versions set clusters = %(clusters)s where model = 'kmeans'",
        clusters=Json([asdict(each) for each in one.clusters]),
    )
    published.ask("update segmentation.customer_labels set segment_id = 1")
    (row,) = published.explain("kmeans", 1)
    assert row.sentence == "There is no other segment."
