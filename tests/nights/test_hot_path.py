"""What makes scoring fast: the shards, the indexes, and what is not imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from clustering.scoring import staging
from clustering.scoring.source_cuts import shard_count

ALONE = """
import sys
sys.modules["pandas"] = sys.modules["sklearn"] = None  # an import of either would raise
from pathlib import Path
from clustering import Registry, Warehouse, load_configuration, score_shard
uri, store, run_id = sys.argv[1:]
warehouse = Warehouse(uri)
score_shard(warehouse, load_configuration(), Registry(warehouse, Path(store)), run_id=int(run_id), shard=0)
assert not [name for name in sys.modules if name.startswith(("pandas.", "sklearn.", "airflow"))]
"""


def test_scoring_needs_neither_pandas_nor_scikit_learn(project):
    """A process in which neither can be imported scores a shard with all models."""
    run_id = project.plan(shards=1)["run_id"]
    arguments = [project.warehouse.uri, str(project.registry.store), str(run_id)]
    done = subprocess.run([sys.executable, "-c", ALONE, *arguments], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert project.publish(run_id)["status"] == "published"


@pytest.mark.parametrize(
    ("rows", "workers", "shards"),
    [
        (1, 4, 1),
        (100_000, 4, 1),
        (100_001, 4, 2),
        (350_000, 4, 4),
        (10_000_000, 4, 4),
        (10_000_001, 4, 8),
        (20_000_000, 4, 8),
        (20_000_000, 16, 15),
        (30_000_000, 1, 12),
        (10_000_000_000, 64, 15),
    ],
)
def test_shards_come_in_rounds_of_the_workers(rows, workers, shards):
    """No worker waits while another one scores the last shard, and no night makes more than 45 tables of labels."""
    assert shard_count(rows, workers, models=3) == shards


@pytest.mark.parametrize(("least", "others"), [(100, ["brin segment_id"]), (1_000_000, [])], ids=["large", "small"])
def test_labels_are_indexed_and_analyzed_before_they_are_published(project, monkeypatch, least, others):
    """One customer is found by a unique index, in large tables a segment's members by another; statistics are there."""
    monkeypatch.setattr(staging, "ROWS_WORTH_AN_INDEX_OF_SEGMENTS", least)
    run_id = project.plan(shards=2)["run_id"]
    for shard in (0, 1):
        project.score(run_id, shard)
    found = project.sql(
        "select class.relname, array_agg(access.amname || ' ' || attribute.attname order by access.amname desc),"
        "       class.reltuples::bigint, count(*) filter (where index.indisunique)"
        " from pg_class as class join pg_index as index on index.indrelid = class.oid"
        " join pg_class as named on named.oid = index.indexrelid join pg_am as access on access.oid = named.relam"
        " join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attnum = index.indkey[0]"
        " where class.relnamespace = 'segmentation_staging'::regnamespace and class.relname like 'labels%%'"
        " group by class.oid, class.relname, class.reltuples"
    )
    assert len(found) == 6
    for name, indexes, rows, unique in found:
        assert (indexes, unique) == (["btree customer_id", *others], 1), name
        assert rows == project.sql(f'select count(*) from segmentation_staging."{name}"')[0][0] > 0  # noqa: S608


def test_members_of_a_segment_lie_side_by_side(project):
    """A batch is written cluster by cluster, so a segment is found in few pages."""
    project.night(shards=1)
    runs = project.sql(
        "select model, count(*) filter (where segment_id is distinct from former), count(distinct segment_id) from ("
        "  select label.model, segment_id,"
        "   lag(segment_id) over (partition by label.model order by label.ctid) as former"
        "  from segmentation.customer_labels as label join segmentation.current_models using (model_version_id)"
        ") as placed group by model"
    )
    assert len(runs) == 3
    assert all(changes == segments for _, changes, segments in runs)
