"""The same stage for every case: a server with fixed settings, customers, and champions to score them with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql

from clustering import Configuration, Registry, Warehouse, load_configuration, migrate
from clustering.algorithms import algorithm
from clustering.config import PROJECT
from clustering.customers import split
from clustering.demo.generator import generate_customers
from clustering.features import fit_scaling
from clustering.scoring.label_sets import read_label_sets
from clustering.training.build import describe
from clustering.versions.artifacts import Artifact, ClusterSegment
from clustering.versions.metrics import Metrics
from clustering.versions.registry import Training
from clustering.warehouse.bulk import ArrowConnection

sys.path.append(str(PROJECT / "tools"))
import embedded

SERVER_SETTINGS = {
    "shared_buffers": "2GB",
    "maintenance_work_mem": "256MB",
    "work_mem": "64MB",
    "max_wal_size": "32GB",  # no checkpoint for want of room while a case runs
    "checkpoint_timeout": "1h",
    "max_parallel_workers_per_gather": "3",
    "max_parallel_maintenance_workers": "2",
    "autovacuum": "off",
    "wal_level": "replica",
    "fsync": "on",
    "synchronous_commit": "on",
}
BATCH_ROWS = 500_000
SAMPLE_ROWS = 50_000
DIRTY_EVERY = 1_000  # every thousandth customer has no income
CHOSEN: dict[str, dict[str, Any]] = {
    "kmeans": {"n_clusters": 5},
    "gmm": {"n_components": 5, "covariance_type": "full"},
    "dbscan": {"eps": 0.27, "min_samples": 200},
}


@dataclass(frozen=True)
class Bench:
    """What every case works on."""

    warehouse: Warehouse
    configuration: Configuration
    registry: Registry
    server: embedded.EmbeddedServer
    folder: Path
    rows: int
    workers: int
    models: Path = PROJECT / "models"  # the configuration's folder, which the scoring processes read too

    @property
    def psql(self) -> Path:
        """The server's own client."""
        return Path(self.postmaster().exe()).with_name("psql")

    def postmaster(self) -> psutil.Process:
        """Return the server's first process."""
        return psutil.Process(int((self.server.directory / "data" / "postmaster.pid").read_text().split()[0]))

    def run(self, statement: str | sql.Composable) -> list[tuple[Any, ...]]:
        """Run a statement that commits by itself, and return its rows."""
        with closing(psycopg2.connect(self.warehouse.uri)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def settle(self) -> None:
        """Write out what earlier cases left dirty, so that no case pays for another one."""
        self.run("checkpoint")

    def drop_labels(self, run_id: int) -> None:
        """Drop a run's labels, as retention does in the end."""
        with self.warehouse.transaction() as transaction:
            label_sets = read_label_sets(transaction, run_id)
        for one in label_sets.values():
            self.run(sql.SQL("drop table {}").format(one.table))

    def server_seconds(self) -> float:
        """Return the processor time of all connections that have ended so far."""
        times = self.postmaster().cpu_times()
        return float(times.children_user + times.children_system)


@contextmanager
def open_bench(
    folder: Path,
    *,
    rows: int,
    workers: int,
    models: list[str],
    show: Callable[[str], None],
    config: Path = PROJECT / "models",
    make: Callable[[Bench, Callable[[str], None]], None] | None = None,
) -> Iterator[Bench]:
    """Start a server in a folder, `make` customers and champions, and stop the server in the end.

    The configuration is that of the folder `config`; by default, customers are rows of a table.
    """
    show("starting the server")
    with running_server(folder / "postgres", SERVER_SETTINGS) as server:
        configuration = load_configuration(config)
        warehouse = Warehouse(server.recreate_database("benchmark"))
        migrate(warehouse, configuration.contract)
        registry = Registry(warehouse, folder / "store")
        bench = Bench(warehouse, configuration, registry, server, folder, rows, workers, config)
        (make or _make_customers)(bench, show)
        train_champions(bench, models, show)
        yield bench


@contextmanager
def running_server(directory: Path, settings: Mapping[str, str]) -> Iterator[embedded.EmbeddedServer]:
    """Run a server that lives in a directory, with settings beside its own, and stop it in the end."""
    server = embedded.start(directory)
    try:
        with closing(psycopg2.connect(server.url("postgres"))) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for name, value in settings.items():
                cursor.execute(sql.SQL("alter system set {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        server.stop()
        server = embedded.start(directory)
        yield server
    finally:
        server.stop()


def _make_customers(bench: Bench, show: Callable[[str], None]) -> None:
    bench.run(
        "create table customers (customer_id bigint, age integer, gender text, annual_income double precision,"
        " spending_score double precision)"
    )
    with ArrowConnection(bench.warehouse.uri) as writer:
        for start in range(0, bench.rows, BATCH_ROWS):
            show(f"making customers: {start:,} of {bench.rows:,}")
            for batch in made_customers(min(BATCH_ROWS, bench.rows - start), start).to_batches():
                writer.append("public", "customers", batch)
        writer.commit()
    show("indexing customers")
    bench.run("alter table customers add primary key (customer_id)")
    bench.run("vacuum (analyze) customers")


def made_customers(rows: int, start: int) -> pa.Table:
    """Return customers with the keys from `start` on."""
    made = generate_customers(rows, seed=start, dirty_share=0).combine_chunks()
    key = np.arange(start, start + rows)
    dirty = pa.array(key % DIRTY_EVERY == 0)
    columns = {
        "customer_id": pa.array(key),
        "age": made.column("age").cast(pa.int32()),
        "annual_income": pc.if_else(dirty, pa.scalar(None, pa.float64()), made.column("annual_income")),
    }
    return pa.table({name: columns.get(name, made.column(name)) for name in made.column_names})


def train_champions(bench: Bench, models: list[str], show: Callable[[str], None]) -> None:
    """Make champions with fixed settings: what is measured is scoring."""
    contract = bench.configuration.contract
    rows = made_customers(SAMPLE_ROWS, 0).combine_chunks().to_batches()[0]
    valid = split(rows, contract).valid
    for model in models:
        show(f"training {model}")
        spec = bench.configuration.models[model]
        scaling = fit_scaling(valid, spec.features, contract)
        features = scaling.apply(valid)
        fitted = algorithm(spec.algorithm).fit(features, CHOSEN[spec.algorithm], spec)
        first = -1 if spec.has_noise else 0
        clusters = tuple(
            ClusterSegment(label, label + 1, f"Segment {label + 1}", "", "", 0)
            for label in range(first, int(fitted.labels.max()) + 1)
        )
        reference = describe(bench.configuration, model, fitted, customers=valid, features=features, rejected=0)
        artifact = Artifact(model, spec.algorithm, scaling, fitted.settings, clusters, fitted.parameters, reference)
        training = Training("structured", Metrics(), "the first ones", len(fitted.labels), "0" * 64)
        version = bench.registry.register(artifact, training, estimator=fitted.estimator)
        bench.registry.promote(
            version, instead_of=None, events=[], reason="benchmark", checks=(), decided_by="benchmark"
        )
