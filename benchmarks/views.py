"""How fast the views for BI answer: a million customers, three models, thirty nights, made by SQL.

    python benchmarks/views.py [--rows 1000000] [--nights 30]

An embedded server in a temporary folder takes about 8 GB of disk for the defaults. Times are the best of four in a
connection that has asked before, and that of a new connection, which has to read the catalogue first.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

from clustering import Warehouse, load_configuration, migrate
from clustering.config import PROJECT
from setting import running_server

MODELS = ("dbscan", "gmm", "kmeans")
SHARDS = 4
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
    (as_of, dry_run, requested_by, source, status, rows_read, rows_labelled, rows_rejected)
values ({day}, false, 'benchmark', 'public.customers', 'published', {rows}, {rows}, 0) returning run_id
"""
LABELS = """
create table {table} (customer_id bigint not null, cluster_label integer not null, segment_id integer not null,
    confidence real not null);
insert into {table} select id, id % 5, (id * 7 + id / 1000) % 5 + 1, 0.9 from generate_series({first}, {last}) as id;
alter table {table} add column run_id bigint not null default {run}, add column model_version_id bigint not null
    default {version}, add column shard smallint not null default {shard},
    add check (run_id = {run} and model_version_id = {version} and shard = {shard});
create unique index on {table} (customer_id) include (segment_id);
create index on {table} using brin (segment_id) with (pages_per_range = 16);
analyze {table};
alter table segmentation.labels_{run}_{version} attach partition {table} for values in ({shard});
"""
SEGMENTS = """
insert into segmentation.run_models values ({run}, '{model}', {version});
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
select {day}, {day} - 1, '{model}', origin, target, 10, case when origin = target then 0 else 10 end, 0
from generate_series(1, 5) as origin, generate_series(1, 5) as target;
insert into segmentation.drift_checks
select {day}, '{model}', 'inputs', 'distribution', 'column ' || place, 0.1, 0.2, false, 1, 1, '', {run}, {version}
from generate_series(1, 20) as place;
"""
# Of a hundred customers, one moves each night.
HISTORY = """
create table segmentation.period_{model} (like segmentation.segment_history including constraints,
    check (model = '{model}')) with (fillfactor = 90);
insert into segmentation.period_{model}
select id, '{model}', (id * 7 + id / 1000) % 5 + 1, {first_day},
    case when id % 100 < {nights} - 1 then {first_day} + 1 + (id % 100)::integer end, {version}
from generate_series(1, {rows}) as id;
insert into segmentation.period_{model}
select id, '{model}', id % 5 + 1, {first_day} + 1 + (id % 100)::integer, null, {version}
from generate_series(1, {rows}) as id where id % 100 < {nights} - 1;
create unique index on segmentation.period_{model} (customer_id, valid_from);
alter table segmentation.segment_history attach partition segmentation.period_{model} for values in ('{model}');
analyze segmentation.period_{model};
"""
WHOLE = (
    *("current_segments", "segments", "segment_trend", "segment_health", "model_history", "segment_disparity"),
    *("segment_groups", "segment_migrations", "segment_events", "segment_profiles", "drift_checks", "current_models"),
)
QUESTIONS = (
    *(f"select * from segmentation.{name}" for name in WHOLE),  # noqa: S608
    "select * from segmentation.customer_segments where customer_id = 7777",
    "select * from segmentation.customer_segments limit 1000",
    "select * from segmentation.customer_segments where segment_id = 3 limit 1000",
    "select * from segmentation.current_customer_segments where customer_id = 7777",
    "select * from segmentation.current_customer_segments limit 1000",
    "select * from segmentation.segment_history where customer_id = 7777",
    "select * from segmentation.segment_history limit 1000",
    "select * from segmentation.segment_as_of('2026-01-15') where customer_id = 7777",
    # These read all labels of a night.
    "select segment_id, count(*) from segmentation.customer_segments group by 1",
    "select model, segment_id, count(*) from segmentation.current_customer_segments group by 1, 2",
    "select model, segment_id, count(*) from segmentation.segment_as_of('2026-01-15') group by 1, 2",
)


def fill(cursor: Any, *, rows: int, nights: int) -> None:
    """Fill a migrated warehouse."""
    cursor.execute(VERSIONS)
    cursor.execute(CHAMPIONS)
    champions = dict(cursor.fetchall())
    for night in range(nights):
        day = f"({FIRST_DAY} + {night})"
        cursor.execute(RUN.format(day=day, rows=rows))
        run = cursor.fetchone()[0]
        attach(cursor, "customer_labels", f"labels_{run}", run, "model_version_id")
        for model, version in champions.items():
            attach(cursor, f"labels_{run}", f"labels_{run}_{version}", version, "shard")
            for shard in range(SHARDS):
                first, last = rows * shard // SHARDS + 1, rows * (shard + 1) // SHARDS
                table = f"segmentation.labels_{run}_{shard}_{version}_made"
                cursor.execute(
                    LABELS.format(table=table, first=first, last=last, run=run, version=version, shard=shard)
                )
            cursor.execute(SEGMENTS.format(day=day, run=run, model=model, version=version, rows=rows))
    for model, version in champions.items():
        cursor.execute(HISTORY.format(model=model, version=version, rows=rows, nights=nights, first_day=FIRST_DAY))
    cursor.execute("analyze segmentation.segments, segmentation.published_runs, segmentation.segment_migrations")


def attach(cursor: Any, parent: str, name: str, value: int, by: str) -> None:
    """Make a table that is partitioned itself, as a partition of another."""
    cursor.execute(
        f"create table segmentation.{name} partition of segmentation.{parent} for values in ({value})"
        f" partition by list ({by})"
    )


def ask(url: str, question: str, *, times: int) -> tuple[list[float], int]:
    """Return the seconds that each answer took a reader's connection, and the number of rows."""
    seconds = []
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("set role segmentation_reader")
        for _ in range(times):
            started = time.perf_counter()
            cursor.execute(question)
            rows = len(cursor.fetchall())
            seconds.append(time.perf_counter() - started)
    return seconds, rows


def main() -> None:
    """Fill a warehouse and ask its views."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--nights", type=int, default=30)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="clustering-views-") as folder,
        running_server(Path(folder) / "server", {}) as server,
    ):
        url = server.ensure_database("warehouse")
        migrate(Warehouse(url), load_configuration(PROJECT / "models").contract)
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            fill(cursor, rows=options.rows, nights=options.nights)
        print(f"{options.rows:,} customers, {len(MODELS)} models, {options.nights} nights")
        for question in QUESTIONS:
            (new, *again), rows = ask(url, question, times=5)
            print(f"{1000 * min(again):8.1f} ms  new {1000 * new:8.1f} ms  {rows:6} rows  {question}", flush=True)


if __name__ == "__main__":
    main()
