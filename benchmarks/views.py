"""What the views for BI cost: a million customers, three models, sixteen shards, thirty nights, made by SQL.

    python benchmarks/views.py [--rows 1000000] [--nights 30] [--shards 16] [--readers 90]

An embedded server with PostgreSQL's own limits in a temporary folder takes 8 GB of disk for the defaults. Times are the
best of four in a connection that has asked before, and that of a new connection, which has to read the catalogue
first; locks are those of one answer, on tables, indexes and views. In the end, readers that have planned everything
stay in open transactions side by side.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from clustering import Warehouse, load_configuration, migrate
from clustering.config import PROJECT
from setting import running_server

FIRST_DAY = "date '2026-01-01'"
VERSIONS = """
insert into segmentation.model_versions (model, version, status, structure, algorithm, features, settings, metrics,
    clusters, artifact, artifact_sha256, sample_rows, sample_sha256, library_versions)
select model, version, case when version = 20 then 'champion' else 'retired' end, 'structured', model, array['x'], '{}',
    '{}', '{}', '', repeat('0', 64), 1, repeat('0', 64), '{}'
from unnest(array['dbscan', 'gmm', 'kmeans']) as model, generate_series(1, 20) as version;
insert into segmentation.promotions (model, model_version_id, decision, reason, decided_by, decided_at)
select model, model_version_id, 'promoted', 'better', 'gate', now() - (20 - version) * interval '7 days'
from segmentation.model_versions;
"""
CHAMPIONS = "select model, model_version_id from segmentation.model_versions where status = 'champion'"
RUN = """
insert into segmentation.scoring_runs
    (as_of, dry_run, requested_by, source, status, rows_read, rows_labelled, rows_rejected,
     contract_sha256)
values ({day}, false, 'benchmark', 'public.customers', 'published', {rows}, {rows}, 0, repeat('0', 64)) returning run_id
"""
MODEL = """
create table segmentation_partitions.labels_{model} partition of segmentation.customer_labels for values in ('{model}')
    partition by list (label_set);
"""
LABEL_SET = """
insert into segmentation.run_models (run_id, model, model_version_id) values ({run}, '{model}', {version})
returning label_set;
"""
LABEL_SET_TABLE = """
create table segmentation_partitions.labels_{run}_{version} partition of segmentation_partitions.labels_{model}
    for values in ({label_set}) partition by list (shard);
insert into segmentation.label_names select {label_set}, id, 'Segment ' || id, '' from generate_series(1, 5) as id;
"""
LABELS = """
create table {table} (customer_id bigint not null, cluster_label integer not null, segment_id integer not null,
    confidence real not null);
insert into {table} select id, id % 5, (id * 7 + id / 1000) % 5 + 1, 0.9 from generate_series({first}, {last}) as id;
alter table {table} add column run_id bigint not null default {run}, add column model_version_id bigint not null
    default {version}, add column shard smallint not null default {shard},
    add column model text not null default '{model}', add column label_set bigint not null default {label_set},
    add column as_of date not null default {day},
    add check (label_set = {label_set} and shard = {shard} and model = '{model}');
create unique index on {table} (customer_id) include (segment_id);
analyze {table};
alter table segmentation_partitions.labels_{run}_{version} attach partition {table} for values in ({shard});
"""
SEGMENTS = """
insert into segmentation.segments (as_of, model, segment_id, segment_name, description, recommended_action, customers,
    share, run_id, model_version_id, structure, stability, stability_band)
select {day}, '{model}', id, 'Segment ' || id, '', '', {rows} / 5, 0.2, {run}, {version}, 'structured', 0.9,
    'highly stable' from generate_series(1, 5) as id;
insert into segmentation.published_runs (model, as_of, run_id, model_version_id)
values ('{model}', {day}, {run}, {version});
insert into segmentation.segment_profiles
select {day}, '{model}', id, 'column ' || place, 1, 1, 1, 1, 1, 1, 1, {run}
from generate_series(1, 5) as id, generate_series(1, 4) as place;
insert into segmentation.segment_groups
select {day}, '{model}', id, 'gender', name, 10, 50, {run}
from generate_series(1, 5) as id, unnest(array['f', 'm']) as name;
insert into segmentation.segment_migrations
select {day}, {day} - 1, '{model}', origin, target, 10, case when origin = target then 0 else 10 end, 0, 0
from generate_series(1, 5) as origin, generate_series(1, 5) as target;
insert into segmentation.drift_checks
select {day}, '{model}', 'inputs', 'distribution', 'column ' || place, 0.1, 0.2, false, 1, 1, '', {run}, {version}
from generate_series(1, 20) as place;
"""
# Of a hundred customers, one moves each night.
HISTORY = """
create table segmentation_partitions.period_{model} (like segmentation.segment_history including constraints,
    check (model = '{model}')) with (fillfactor = 90);
insert into segmentation_partitions.period_{model}
select id, '{model}', (id * 7 + id / 1000) % 5 + 1, {first_day},
    case when id % 100 < {nights} - 1 then {first_day} + 1 + (id % 100)::integer end, {version}
from generate_series(1, {rows}) as id;
insert into segmentation_partitions.period_{model}
select id, '{model}', id % 5 + 1, {first_day} + 1 + (id % 100)::integer, null, {version}
from generate_series(1, {rows}) as id where id % 100 < {nights} - 1;
create unique index on segmentation_partitions.period_{model} (customer_id, valid_from);
alter table segmentation.segment_history attach partition segmentation_partitions.period_{model}
    for values in ('{model}');
analyze segmentation_partitions.period_{model};
"""
WHOLE = (
    *("current_segments", "segments", "segment_trend", "segment_health", "model_history", "segment_disparity"),
    *("segment_groups", "segment_migrations", "segment_events", "segment_profiles", "drift_checks", "current_models"),
    *("overall_averages", "segment_flows", "current_label_files"),
)
QUESTIONS = (
    *(f"select * from segmentation.{name}" for name in WHOLE),  # noqa: S608
    "select * from segmentation.customer_segments where customer_id = 7777",
    "select * from segmentation.customer_segments limit 1000",
    "select * from segmentation.customer_segments where segment_id = 3 limit 1000",
    "select * from segmentation.current_customer_segments where customer_id = 7777",
    "select * from segmentation.current_customer_segments limit 1000",
    "select * from segmentation.current_customer_segments where model = 'kmeans' and customer_id = 7777",
    "select * from segmentation.segment_history where customer_id = 7777",
    "select * from segmentation.segment_history limit 1000",
    "select * from segmentation.customer_history where customer_id = 7777",
    "select * from segmentation.customer_history limit 1000",
    "select * from segmentation.segment_changes where change_id > 0 order by change_id limit 1000",
    "select * from segmentation.segment_as_of('2026-01-15') where customer_id = 7777",
    # These read all labels of a night.
    "select segment_id, count(*) from segmentation.customer_segments group by 1",
    "select model, segment_id, count(*) from segmentation.current_customer_segments group by 1, 2",
    "select model, segment_id, count(*) from segmentation.segment_as_of('2026-01-15') group by 1, 2",
)


HELD = """
select count(*) from pg_locks as lock join pg_class as class on class.oid = lock.relation
where lock.pid = pg_backend_pid() and class.relnamespace <> 'pg_catalog'::regnamespace
"""


@dataclass(frozen=True)
class Cost:
    """What a question costs a reader: seconds in a new connection and at best again, its rows, and its locks."""

    new: float
    again: float
    rows: int
    locks: int


def champions(cursor: Any) -> dict[str, int]:
    """Return the ids of the champions by model."""
    cursor.execute(CHAMPIONS)
    return dict(cursor.fetchall())


def fill(
    cursor: Any, versions: Mapping[str, int], *, rows: int, nights: int, shards: int, first_day: str = FIRST_DAY
) -> None:
    """Fill a migrated warehouse with nights of some versions, by model, as publishing and the writer leave them."""
    cursor.execute("set role segmentation_writer")
    for model in versions:
        cursor.execute(MODEL.format(model=model))
    for night in range(nights):
        day = f"({first_day} + {night})"
        cursor.execute(RUN.format(day=day, rows=rows))
        run = cursor.fetchone()[0]
        for model, version in versions.items():
            made = {"run": run, "model": model, "version": version, "day": day, "rows": rows}
            cursor.execute(LABEL_SET.format(**made))
            made["label_set"] = cursor.fetchone()[0]
            cursor.execute(LABEL_SET_TABLE.format(**made))
            for shard in range(shards):
                first, last = rows * shard // shards + 1, rows * (shard + 1) // shards
                table = f"segmentation_partitions.labels_{run}_{shard}_{version}_made"
                cursor.execute(LABELS.format(table=table, first=first, last=last, shard=shard, **made))
            cursor.execute(SEGMENTS.format(**made))
    for model, version in versions.items():
        cursor.execute(HISTORY.format(model=model, version=version, rows=rows, nights=nights, first_day=first_day))
    cursor.execute("reset role")
    cursor.execute("analyze segmentation.segments, segmentation.published_runs, segmentation.segment_migrations")


def cost(url: str, question: str, *, times: int = 5) -> Cost:
    """Ask a question in a reader's new connection so many times."""
    seconds = []
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("set role segmentation_reader")
        for _ in range(times):
            started = time.perf_counter()
            cursor.execute(question)
            rows = len(cursor.fetchall())
            seconds.append(time.perf_counter() - started)
        cursor.execute(HELD)
        return Cost(seconds[0], min(seconds[1:], default=seconds[0]), rows, cursor.fetchone()[0])


@contextmanager
def reading(url: str, readers: int) -> Iterator[list[Any]]:
    """Let so many readers plan every question, each in a transaction that stays open, and return their cursors."""
    with ExitStack() as stack:
        cursors = []
        for _ in range(readers):
            connection = stack.enter_context(closing(psycopg2.connect(url)))
            cursors.append(stack.enter_context(connection.cursor()))
            cursors[-1].execute("set role segmentation_reader")
            for question in QUESTIONS:
                cursors[-1].execute(f"explain {question}")
        yield cursors


def main() -> None:
    """Fill a warehouse and ask its views."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("rows", 1_000_000), ("nights", 30), ("shards", 16), ("readers", 90)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="clustering-views-") as folder,
        running_server(Path(folder) / "server", {"max_connections": "100"}) as server,
    ):
        url = server.ensure_database("warehouse")
        migrate(Warehouse(url), load_configuration(PROJECT / "models").contract)
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(VERSIONS)
            fill(cursor, champions(cursor), rows=options.rows, nights=options.nights, shards=options.shards)
        print(f"{options.rows:,} customers, 3 models, {options.shards} shards, {options.nights} nights")
        for question in QUESTIONS:
            planned, asked = cost(url, f"explain {question}"), cost(url, question)
            print(
                f"{1000 * asked.again:8.1f} ms  new {1000 * asked.new:8.1f} ms  planned {1000 * planned.again:6.1f} ms"
                f"  new {1000 * planned.new:6.1f} ms  {asked.locks:4} locks  {asked.rows:6} rows  {question}",
                flush=True,
            )
        with reading(url, options.readers) as cursors:
            print(f"{len(cursors)} readers in open transactions")


if __name__ == "__main__":
    main()
