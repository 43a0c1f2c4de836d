"""Nights on Spark, by Spark Connect: the same as of a table, whatever attempts leave behind."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from pyarrow import parquet

from clustering.config import CustomerSource
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.errors import ConfigurationError, DataError, RunError, SourceError
from clustering.lake.folders import open_folder
from clustering.scoring import spark_shards, spark_work
from clustering.scoring.batch_scoring import ScoredBatch
from clustering.scoring.label_files import PartWriter, WrittenPart, await_labels
from clustering.scoring.spark_session import run_on_spark
from tests.lakes import REJECTED, from_files, said, write_lake
from tests.object_stores import open_bucket
from tests.projects import Project
from tests.web.served import free_port

CUSTOMERS = 12_000


@pytest.fixture
def customers() -> pa.Table:
    """Return customers of whom some have another's key, or a bad value."""
    return generate_customers(CUSTOMERS, seed=2)


@pytest.fixture
def spark(
    project: Project, customers: pa.Table, tmp_path: Path, spark_server: str, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """Return a project whose files are labelled on Spark, and whose table has the same customers."""
    monkeypatch.setenv("CLUSTERING_SPARK", spark_server)
    load_customers(project.warehouse, project.configuration.contract, customers)
    folder = write_lake(tmp_path / "lake", customers)
    return from_files(project, folder, engine="spark", label_files=str(tmp_path / "labels"))


def left(project: Project) -> list[str]:
    """Return the files that lie in the folder of labels on their way."""
    folder = Path(str(project.configuration.contract.origin.label_files))
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def test_spark_says_what_a_table_says_however_it_is_cut(spark: Project) -> None:
    """Customer, model, label and confidence, the segments and the rejected rows; nothing is left of the job."""
    table = spark.with_contract(table="public.customers", source=CustomerSource())
    night = table.night(models=["kmeans"], shards=1)
    first = said(table, night["run_id"]), table.segments(), table.sql(REJECTED, night["run_id"])
    for shards in (1, 7, 64):
        night = spark.night(models=["kmeans"], shards=shards)
        assert (said(spark, night["run_id"]), spark.segments(), spark.sql(REJECTED, night["run_id"])) == first
        assert spark.sql("select count(*) from segmentation.run_shards where run_id = %s", night["run_id"]) == [
            (shards,)
        ]
    assert not left(spark)


def test_all_models_in_one_job(spark: Project) -> None:
    """They read the customers once."""
    night = spark.night(shards=3)
    assert night["models"] == ["dbscan", "gmm", "kmeans"]
    assert night["rows_read"] == CUSTOMERS
    table = spark.with_contract(table="public.customers", source=CustomerSource()).night(shards=2)
    assert said(spark, night["run_id"]) == said(spark, table["run_id"])


def test_what_attempts_leave_that_told_nothing_does_not_count(spark: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that Spark repeats, or starts twice, writes its files twice, and one of them is told of."""
    score = spark_work.SparkWork.score
    tried: list[int] = []

    def twice(self: spark_work.SparkWork, work: spark_work.PartWork) -> WrittenPart:
        score(self, work)
        tried.append(work.shard)
        return score(self, work)

    monkeypatch.setattr(spark_work.SparkWork, "score", twice)
    night = spark.night(models=["kmeans"], shards=4)
    assert sorted(tried) == [0, 1, 2, 3]
    assert night["rows_read"] == CUSTOMERS
    labelled = spark.sql("select count(*) from segmentation.customer_labels where run_id = %s", night["run_id"])
    assert labelled == [(night["rows_labelled"],)]
    assert not left(spark)


def test_job_that_is_submitted_again_labels_what_is_left(spark: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the first one was cut off amid its copying, or both end at the same time."""
    planned = spark.plan(models=["kmeans"], shards=4)
    stage = spark_shards._stage

    def broken(staged: spark_shards._Staged, shard: int, part: WrittenPart) -> object:
        if shard == 2:
            raise SourceError("cut off")
        return stage(staged, shard, part)

    with monkeypatch.context() as patch:
        patch.setattr(spark_shards, "_stage", broken)
        with pytest.raises(SourceError, match="cut off"):
            spark.score(planned["run_id"])
    assert spark.score(planned["run_id"])["rows_read"] == CUSTOMERS // 4

    def overtaken(staged: spark_shards._Staged, shard: int, part: WrittenPart) -> object:
        stage(staged, shard, part)
        return stage(staged, shard, part)

    with monkeypatch.context() as patch:
        patch.setattr(spark_shards, "_stage", overtaken)
        spark.score(spark.plan("2026-11-23", models=["kmeans"], shards=2)["run_id"])
    assert spark.publish(planned["run_id"])["rows_read"] == CUSTOMERS


def test_task_that_is_tried_again_takes_over_what_is_finished(spark: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came to its end is not labelled twice; what was cut off while it was told of is."""
    planned = spark.plan(models=["kmeans"], shards=4)
    with monkeypatch.context() as patch:
        patch.setattr(spark_shards, "_copy", lost)
        with pytest.raises(SourceError, match="cut off"):
            spark.score(planned["run_id"], may_retry=True)
    records = [name for name in left(spark) if name.endswith(".json") and name.count("/") == 2]
    assert len(records) == 4
    folder = Path(str(spark.configuration.contract.origin.label_files))
    half = folder / records[1]
    half.write_bytes(half.read_bytes()[:20])
    submitted: list[int] = []

    def told(work: spark_work.SparkWork, server: str) -> dict[int, WrittenPart]:
        submitted.extend(part.shard for part in work.shards)
        return run_on_spark(work, server)

    monkeypatch.setattr(spark_shards, "run_on_spark", told)
    assert spark.score(planned["run_id"])["rows_read"] == CUSTOMERS
    assert submitted == [int(half.name.partition("-")[0])]
    assert spark.publish(planned["run_id"])["rows_read"] == CUSTOMERS
    assert not left(spark)


def test_what_another_task_has_removed_is_not_missed(spark: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tasks with one job: whoever is first claims, and takes the files away."""
    copy = spark_shards._copy

    def overtaken(staged: spark_shards._Staged, shard: int, part: WrittenPart) -> object:
        copy(staged, shard, part)
        for file in Path(staged.folder.location.base, part.place).iterdir():
            file.unlink()
        return copy(staged, shard, part)

    planned = spark.plan(models=["kmeans"], shards=2)
    monkeypatch.setattr(spark_shards, "_copy", overtaken)
    spark.score(planned["run_id"])
    assert spark.publish(planned["run_id"])["rows_read"] == CUSTOMERS


@pytest.mark.parametrize("labels", ["tables", "files"])
def test_attempt_that_nobody_waits_for_leaves_nothing(
    spark: Project, labels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one of a job whose task was killed, and whose run another task has published meanwhile."""
    orphans: list[spark_work.SparkWork] = []

    def noted(work: spark_work.SparkWork, server: str) -> dict[int, WrittenPart]:
        orphans.append(work)
        return run_on_spark(work, server)

    monkeypatch.setattr(spark_shards, "run_on_spark", noted)
    origin = spark.configuration.contract.origin
    source = {"engine": "spark", "label_files": str(origin.label_files), "labels": labels}
    project = from_files(spark, str(origin.files), **source)
    project.night(models=["kmeans"], shards=2)
    kept = left(project)
    (orphan,) = orphans
    with pytest.raises(RunError, match="nobody waits for labels in"):
        orphan.score(orphan.shards[0])
    folder = Path(orphan.folder.removeprefix("file://"))
    await_labels(open_folder(orphan.folder))
    append = PartWriter.append

    def overtaken(self: PartWriter, scored: ScoredBatch) -> None:
        append(self, scored)
        (folder / "awaited").unlink(missing_ok=True)

    monkeypatch.setattr(PartWriter, "append", overtaken)
    with pytest.raises(RunError, match="nobody waits for labels in"):
        orphan.score(orphan.shards[0])
    assert left(project) == kept
    assert (kept == []) == (labels == "tables")


def test_labels_pass_through_an_object_store(spark: Project, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job is submitted, its task is cut off, another copies what lies there, and nothing is left in the bucket."""
    bucket = open_bucket("labels", s3_endpoint)
    bucket.system.create_dir(bucket.name)
    monkeypatch.setenv("AIRFLOW_CONN_CUSTOMER_FILES", bucket.connection())
    stored = from_files(
        spark, str(spark.configuration.contract.origin.files), engine="spark", label_files=f"s3://{bucket.name}/way"
    )
    planned = stored.plan(models=["kmeans"], shards=3)
    with monkeypatch.context() as patch:
        patch.setattr(spark_shards, "_copy", lost)
        with pytest.raises(SourceError, match="cut off"):
            stored.score(planned["run_id"], may_retry=True)
    assert sum(path.endswith(".json") and "summary" not in path for path in bucket.objects()) == 3
    monkeypatch.setattr(spark_shards, "run_on_spark", lost)
    assert stored.score(planned["run_id"])["rows_read"] == CUSTOMERS
    assert bucket.objects() == {}
    assert stored.publish(planned["run_id"])["rows_read"] == CUSTOMERS


def lost(*_: object) -> object:
    """Fail as a connection does that breaks off."""
    raise SourceError("cut off")


def test_files_that_do_not_say_what_was_counted_are_refused(spark: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are lost on their way, or doubled, reach no reader."""

    def spoiled(work: spark_work.SparkWork, server: str) -> dict[int, WrittenPart]:
        written = run_on_spark(work, server)
        part = written[0]
        [file] = Path(work.folder.removeprefix("file://")).joinpath(part.place).glob("labels_*.parquet")
        rows = parquet.read_table(file)
        parquet.write_table(rows.slice(1), file)
        return written

    monkeypatch.setattr(spark_shards, "run_on_spark", spoiled)
    planned = spark.plan(models=["kmeans"], shards=2)
    with pytest.raises(RunError, match=r"labels_\d+\.parquet has \d+ rows, \d+ were written"):
        spark.score(planned["run_id"])
    assert not left(spark)


def test_what_a_worker_finds_is_told_in_its_own_words(spark: Project, customers: pa.Table) -> None:
    """Permanent errors stay permanent, though another process has raised them."""
    planned = spark.plan(models=["kmeans"], shards=2)
    folder = Path(str(spark.configuration.contract.origin.files))
    parquet.write_table(customers.slice(0, 10), folder / "0.parquet")
    with pytest.raises(DataError, match=r"0\.parquet was written anew since the run was planned"):
        spark.score(planned["run_id"])


def test_spark_that_is_not_there_is_told(spark: Project, spark_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not named, it is a mistake; not answering, it may pass. The connection is read where the variable is not set."""
    planned = spark.plan(models=["kmeans"])
    monkeypatch.setenv("CLUSTERING_SPARK", f"sc://127.0.0.1:{free_port()}")
    with pytest.raises(SourceError, match=r"Spark Connect at 127\.0\.0\.1:\d+ does not answer"):
        spark.score(planned["run_id"])
    monkeypatch.delenv("CLUSTERING_SPARK")
    with pytest.raises(ConfigurationError, match=r"set CLUSTERING_SPARK to sc://host:15002, or add the connection"):
        spark.score(planned["run_id"])
    server = urlsplit(spark_server)
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_CONNECT", f"spark-connect://{server.hostname}:{server.port}")
    assert spark.score(planned["run_id"])["rows_read"] == CUSTOMERS


def test_what_comes_back_is_small() -> None:
    """A place and counts; labels, samples and summaries stay where they were written."""
    part = WrittenPart("0-abc", {"labels_1.parquet": 1_000_000, "rejected.parquet": 3})
    assert WrittenPart.from_text(part.to_text()) == part
    assert len(json.dumps(part.to_text())) < 200
