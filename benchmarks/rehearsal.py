"""A company's nights through the functions of the package, on a database of its own."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import pandas as pd
import psycopg2
import pyarrow as pa
from psycopg2 import sql
from pyarrow.csv import WriteOptions, write_csv

from clustering import (
    Configuration,
    Registry,
    Release,
    Warehouse,
    check_run,
    load_configuration,
    migrate,
    plan_run,
    publish_run,
    score_shard,
)
from clustering.algorithms import algorithm
from clustering.config import PROJECT, SegmentCatalogue
from clustering.customers import split
from clustering.errors import ClusteringError, HeldError
from clustering.features import fit_scaling
from clustering.monitoring.checking import read_findings
from clustering.scoring.endings import abandon_by_hand
from clustering.scoring.retention import drop_expired
from clustering.training.build import describe
from clustering.versions.artifacts import Artifact, ClusterSegment
from clustering.versions.metrics import Metrics
from clustering.versions.registry import Training
from sources.layout import AGE, KEY, Layout

sys.path.append(str(PROJECT / "tools"))
import embedded

Server: TypeAlias = embedded.EmbeddedServer

MODEL = "kmeans"
CLUSTERS = 5
RETENTION_EVERY = 10  # runs
LABEL_RUNS = 3
# What is rehearsed is thrown away.
SERVER_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",  # a table that is loaded as it is made needs no log
    "max_wal_senders": "0",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
}
TYPES = {pa.int64(): "bigint", pa.float64(): "double precision", pa.string(): "text", pa.timestamp("us"): "timestamp"}


@dataclass(frozen=True)
class Verdict:
    """What became of a night, and the findings that were made."""

    held: bool
    warned: bool
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Rehearsal:
    """A company's warehouse."""

    warehouse: Warehouse
    configuration: Configuration
    registry: Registry
    layout: Layout

    def load(self, customers: pd.DataFrame) -> None:
        """Let the source hold these customers and no others."""
        rows = as_rows(customers)
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(TYPES[field.type])) for field in rows.schema
        )
        lines = pa.BufferOutputStream()
        write_csv(rows, lines, WriteOptions(include_header=False))
        with closing(psycopg2.connect(self.warehouse.uri)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("drop table if exists public.customers")  # a broken load may have other types
            cursor.execute(sql.SQL("create table public.customers ({})").format(columns))
            cursor.copy_expert("copy public.customers from stdin (format csv)", pa.BufferReader(lines.getvalue()))
            cursor.execute("analyze public.customers")

    def train(self, customers: pd.DataFrame) -> None:
        """Appoint a champion with fixed settings, fitted to these customers: what is rehearsed is nights."""
        contract, spec = self.configuration.contract, self.configuration.models[MODEL]
        parts = split(as_rows(customers).combine_chunks().to_batches()[0], contract)
        valid = parts.valid
        scaling = fit_scaling(valid, spec.features, contract)
        features = scaling.apply(valid)
        fitted = algorithm(spec.algorithm).fit(features, {"n_clusters": CLUSTERS}, spec)
        clusters = tuple(
            ClusterSegment(label, label + 1, f"Segment {label + 1}", "", "", 0) for label in range(CLUSTERS)
        )
        rejected = parts.rejected.num_rows
        reference = describe(self.configuration, MODEL, fitted, customers=valid, features=features, rejected=rejected)
        artifact = Artifact(MODEL, spec.algorithm, scaling, fitted.settings, clusters, fitted.parameters, reference)
        training = Training("structured", Metrics(silhouette=0.5), "all", valid.num_rows, "0" * 64)
        version = self.registry.register(artifact, training, estimator=fitted.estimator)
        self.registry.promote(
            version, instead_of=None, events=[], reason="rehearsal", checks=(), decided_by="rehearsal"
        )

    def score(self, as_of: date) -> int:
        """Plan and score a run for a date, and return its number."""
        planned = plan_run(
            self.warehouse,
            self.configuration,
            self.registry,
            models=None,
            as_of=as_of,
            dry_run=False,
            requested_by="rehearsal",
            workers=1,
        )
        for shard in planned["shards"]:
            score_shard(self.warehouse, self.configuration, self.registry, run_id=planned["run_id"], shard=shard)
        return int(planned["run_id"])

    def judge(self, run_id: int) -> Verdict:
        """Say what is found of a scored run."""
        held = False
        try:
            check_run(self.warehouse, self.configuration, self.registry, run_id=run_id)
        except HeldError:
            held = True
        with self.warehouse.transaction(read_only=True) as transaction:
            found = read_findings(transaction, run_id)
        told = tuple(f"{one.finding}: {one.check_name} {one.subject}" for one in found)
        return Verdict(held=held, warned=bool(found) and not held, findings=told)

    def publish(self, run_id: int, *, despite_findings: bool = False) -> None:
        """Publish a run, and now and then drop what is too old."""
        release = Release("rehearsal", "the shop is like that") if despite_findings else None
        publish_run(self.warehouse, self.configuration, run_id=run_id, release=release)
        if run_id % RETENTION_EVERY == 0:
            drop_expired(self.warehouse, self.configuration)

    def night(self, as_of: date, *, release: bool = False) -> Verdict:
        """Run a night on what is loaded; a held one is published on `release` alone, a refused one counts as held."""
        try:
            run_id = self.score(as_of)
            verdict = self.judge(run_id)
            if release or not verdict.held:
                self.publish(run_id, despite_findings=verdict.held)
        except ClusteringError as error:
            return _refused(error)
        return verdict

    def tried(self, as_of: date) -> Verdict:
        """Say what would become of a night on what is loaded, and publish nothing."""
        try:
            run_id = self.score(as_of)
            verdict = self.judge(run_id)
        except ClusteringError as error:
            return _refused(error)
        abandon_by_hand(self.warehouse, run_id=run_id, abandoned_by="rehearsal")
        return verdict

    def labels(self, customers: pd.DataFrame) -> pd.Series:
        """Return what the champion makes of customers, by their keys; who would be rejected is left out."""
        unique = customers.drop_duplicates(KEY, keep=False)
        if unique.empty:
            return pd.Series(dtype="int64")
        valid = split(as_rows(unique).combine_chunks().to_batches()[0], self.configuration.contract).valid
        artifact = self.registry.load(self.registry.champions([MODEL])[MODEL])
        assigned = algorithm(artifact.algorithm).assigner(artifact.parameters)(artifact.scaling.apply(valid))
        return pd.Series(assigned.labels, index=valid.column(KEY).to_pylist())


def _refused(error: ClusteringError) -> Verdict:
    return Verdict(held=True, warned=False, findings=(f"refused: {type(error).__name__}",))


def as_rows(customers: pd.DataFrame) -> pa.Table:
    """Return customers as a table of the warehouse has them: whole numbers in the ages, text where there is text."""
    columns = {}
    for name, values in customers.items():
        array = pa.array(values, from_pandas=True)
        if name == AGE:
            array = array.cast(pa.int64())
        elif pa.types.is_timestamp(array.type):
            array = array.cast(pa.timestamp("us"))
        elif pa.types.is_large_string(array.type):
            array = array.cast(pa.string())
        columns[str(name)] = array
    return pa.table(columns)


def configured(layout: Layout) -> Configuration:
    """Return the configuration of a company with one model."""
    shipped = load_configuration(PROJECT / "models")
    spec = shipped.models[MODEL].model_copy(update={"features": layout.clustered, "n_init": 10})
    return Configuration(
        directory=shipped.directory,
        contract=layout.contract(default_model=MODEL, label_runs=LABEL_RUNS),
        segments=SegmentCatalogue(max_distance=1.0, segments=()),
        models={MODEL: spec},
    )


def rehearse(server: Server, name: str, layout: Layout) -> Rehearsal:
    """Make the warehouse of a company."""
    configuration = configured(layout)
    warehouse = Warehouse(server.recreate_database(name))
    migrate(warehouse, configuration.contract)
    return Rehearsal(warehouse, configuration, Registry(warehouse, server.directory / f"store {name}"), layout)
