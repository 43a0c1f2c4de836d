"""The floor: the server's own client copies the same rows out and the same labels in, and builds the same indexes."""

from __future__ import annotations

import subprocess
import time
from datetime import date
from itertools import pairwise
from pathlib import Path

from psycopg2 import sql

from clustering.scoring.label_sets import LabelSet
from clustering.scoring.staging import ROWS_WORTH_AN_INDEX_OF_SEGMENTS
from clustering.warehouse.staging_schema import STAGING, staging_table
from setting import Bench


def save_labels(bench: Bench, run_id: int, models: list[str]) -> None:
    """Write a published run's labels to files, one a model and connection, as the floor copies them in."""
    for model in models:
        for shard, keys in enumerate(_key_ranges(bench)):
            query = (
                "copy (select customer_id, cluster_label, segment_id, confidence"  # noqa: S608
                " from segmentation.current_customer_segments"
                f" where run_id = {run_id} and model = '{model}' and {keys} order by customer_id)"
                " to stdout (format binary)"
            )
            with _file(bench, model, shard).open("wb") as file:
                subprocess.run([bench.psql, bench.warehouse.uri, "-qXc", query], check=True, stdout=file)


def run_floor(bench: Bench, models: list[str]) -> float:
    """Return the seconds that copying out and in takes over all connections at once."""
    scripts = [_script(bench, models, shard, keys) for shard, keys in enumerate(_key_ranges(bench))]
    command = [str(bench.psql), bench.warehouse.uri, "-qX", "-v", "ON_ERROR_STOP=1"]
    started = time.monotonic()
    clients = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in scripts]
    for client, script in zip(clients, scripts, strict=True):
        if client.stdin:
            client.stdin.write(script)
            client.stdin.close()
    codes = [client.wait() for client in clients]
    if any(codes):
        raise RuntimeError("a client of the floor failed; what it said is above")
    seconds = time.monotonic() - started
    for model in models:
        for shard in range(bench.workers):
            bench.run(sql.SQL("drop table {}").format(staging_table(_table(model, shard))))
    return seconds


def _script(bench: Bench, models: list[str], shard: int, keys: str) -> str:
    features = dict.fromkeys(column for model in models for column in bench.configuration.models[model].features)
    columns = ", ".join(["customer_id", *features])
    lines = [f"\\copy (select {columns} from customers where {keys}) to '/dev/null' (format binary)"]  # noqa: S608
    for model in models:
        lines += _load(bench, model, shard)
    return "\n".join(lines)


def _load(bench: Bench, model: str, shard: int) -> list[str]:
    names = {
        "table": staging_table(_table(model, shard)),
        "key_type": sql.SQL(bench.configuration.contract.key_type),
        "shard": sql.Literal(shard),
        **LabelSet(label_set=0, run_id=0, model=model, model_version_id=1, as_of=date(2026, 1, 1)).constants,
    }
    indexed = ["index_segments"] if bench.rows // bench.workers >= ROWS_WORTH_AN_INDEX_OF_SEGMENTS else []
    with bench.warehouse.transaction(read_only=True) as transaction:
        create, *finish = [
            transaction.compose(f"scoring/{query}", names)
            for query in ("create_labels", "add_constants", "index_customers", *indexed)
        ]
    copy = f"\\copy {STAGING}.{_table(model, shard)} from '{_file(bench, model, shard)}' (format binary)"
    return ["begin;", f"{create};", copy, *(f"{statement};" for statement in finish), "commit;"]


def _key_ranges(bench: Bench) -> list[str]:
    cuts = [bench.rows * place // bench.workers for place in range(bench.workers + 1)]
    return [f"customer_id >= {low} and customer_id < {high}" for low, high in pairwise(cuts)]


def _table(model: str, shard: int) -> str:
    return f"floor_{model}_{shard}"


def _file(bench: Bench, model: str, shard: int) -> Path:
    return bench.folder / f"{_table(model, shard)}.copy"
