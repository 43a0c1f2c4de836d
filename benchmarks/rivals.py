"""The two usual ways: pandas with scikit-learn, and K-Means written in SQL."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from sqlalchemy import create_engine

from clustering.versions.artifacts import Artifact
from setting import Bench

VALID = "age between 0 and 120 and annual_income between 0 and 1e300 and spending_score between 1 and 100"


def run_pandas(bench: Bench, models: list[str], *, rows: int) -> float:
    """Return the seconds that one process takes to read, predict and write so many customers."""
    import pandas as pd

    predictors = {model: _predictor(bench, model) for model in models}
    engine = create_engine(bench.warehouse.uri)
    started = time.monotonic()
    frame = pd.read_sql(f"select * from customers where customer_id < {rows} and {VALID}", engine)  # noqa: S608
    for model, (artifact, predict) in predictors.items():
        scaling = artifact.scaling
        features = (frame[list(scaling.columns)].to_numpy() - scaling.mean) / scaling.scale
        labels, confidence = predict(features)
        result = pd.DataFrame(
            {
                "customer_id": frame["customer_id"],
                "cluster_label": labels,
                "segment_id": labels + 1,
                "confidence": confidence.astype(np.float32),
            }
        )
        result.to_sql(f"pandas_{model}", engine, if_exists="replace", index=False)
        bench.run(f"create unique index on pandas_{model} (customer_id)")
        bench.run(f"create index on pandas_{model} (segment_id)")
    seconds = time.monotonic() - started
    for model in models:
        bench.run(f"drop table pandas_{model}")
    engine.dispose()
    return seconds


def _predictor(bench: Bench, model: str) -> tuple[Artifact, Any]:
    import joblib

    version = bench.registry.champions([model])[model]
    artifact = bench.registry.load(version)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = joblib.load(bench.registry.store / version.artifact / "model.joblib")
    return artifact, {"kmeans": _kmeans, "gmm": _gmm, "dbscan": _dbscan}[artifact.algorithm](estimator)


def _kmeans(estimator: Any) -> Any:
    def predict(features: Any) -> tuple[Any, Any]:
        nearest = np.sort(estimator.transform(features), axis=1)
        return estimator.predict(features), 1 - nearest[:, 0] / nearest[:, 1]

    return predict


def _gmm(estimator: Any) -> Any:
    return lambda features: (estimator.predict(features), estimator.predict_proba(features).max(axis=1))


def _dbscan(estimator: Any) -> Any:
    from sklearn.neighbors import NearestNeighbors

    core = NearestNeighbors(n_neighbors=1).fit(estimator.components_)
    labels = estimator.labels_[estimator.core_sample_indices_]

    def predict(features: Any) -> tuple[Any, Any]:
        distance, nearest = (found[:, 0] for found in core.kneighbors(features))
        within = distance <= estimator.eps
        return np.where(within, labels[nearest], -1), np.where(within, 1 - distance / estimator.eps, 0.0)

    return predict


def run_sql(bench: Bench) -> float:
    """Return the seconds that K-Means takes inside the database, with the same columns and indexes."""
    artifact = bench.registry.load(bench.registry.champions(["kmeans"])["kmeans"])
    statement = _kmeans_in_sql(artifact)
    started = time.monotonic()
    bench.run(statement)
    bench.run("create unique index on sql_kmeans (customer_id)")
    bench.run("create index on sql_kmeans (segment_id)")
    seconds = time.monotonic() - started
    bench.run("drop table sql_kmeans")
    return seconds


def _kmeans_in_sql(artifact: Artifact) -> str:
    """Return the statement; `offset 0` keeps the planner from computing a distance once for every use of it."""
    scaling, centroids = artifact.scaling, artifact.parameters["centroids"]
    features = ", ".join(
        f"({column} - {mean!r}::float8) / {scale!r}::float8 as f{place}"
        for place, (column, mean, scale) in enumerate(
            zip(scaling.columns, scaling.mean.tolist(), scaling.scale.tolist(), strict=True)
        )
    )
    squares = ", ".join(
        " + ".join(f"(f{i} - {value!r}::float8) * (f{i} - {value!r}::float8)" for i, value in enumerate(centroid))
        + f" as d{label}"
        for label, centroid in enumerate(centroids.tolist())
    )
    names = [f"d{label}" for label in range(len(centroids))]
    pairs = (f"greatest({one}, {other})" for place, one in enumerate(names) for other in names[place + 1 :])
    choice = " ".join(f"when {name} = nearest then {label}" for label, name in enumerate(names))
    return f"""
        create table sql_kmeans as
        select customer_id, cluster_label, cluster_label + 1 as segment_id,
            (1 - sqrt(nearest / second))::real as confidence,
            0::bigint as run_id, 1::bigint as model_version_id, 0::smallint as shard
        from (
            select customer_id, nearest, second, case {choice} end as cluster_label from (
                select *, least({", ".join(names)}) as nearest, least({", ".join(pairs)}) as second from (
                    select customer_id, {squares} from (
                        select customer_id, {features} from customers where {VALID} offset 0
                    ) as feature offset 0
                ) as distance offset 0
            ) as ranked offset 0
        ) as labelled"""  # noqa: S608 - made of numbers and the contract's identifiers
