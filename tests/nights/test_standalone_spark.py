"""Nights on Spark's own cluster, a master and two workers: the same as of a table, whatever happens to its tasks."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from clustering.config import CustomerSource
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.scoring import spark_shards
from clustering.scoring.spark_session import run_on_spark
from clustering.scoring.spark_work import SparkWork
from spark_cluster import SparkCluster
from tests.faults.processes import Worker
from tests.lakes import REJECTED, from_files, said, said_in_files, write_lake
from tests.nights.spark_faults import FailingWork, FaultyWork, SlowWork, score_slowly
from tests.projects import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CUSTOMERS = 6_000
CUTS = (1, 7, 64)
Told = tuple[str, Any, Any]


@pytest.fixture
def spark(project: Project, tmp_path: Path, spark_cluster: SparkCluster, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project whose files are labelled on the cluster, and whose table has the same customers."""
    monkeypatch.setenv("CLUSTERING_SPARK", spark_cluster.remote)
    customers = generate_customers(CUSTOMERS, seed=4)
    load_customers(project.warehouse, project.configuration.contract, customers)
    folder = write_lake(tmp_path / "lake", customers, rows_a_group=50)
    return from_files(project, folder, engine="spark", label_files=str(tmp_path / "labels"))


@pytest.fixture
def table(spark: Project) -> Project:
    """Return the project with its customers in the table."""
    return spark.with_contract(table="public.customers", source=CustomerSource())


@pytest.fixture
def spoil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FaultyWork]:
    """Return a function that has work go wrong, and returns what knows of its attempts."""
    marks = tmp_path / "marks"
    marks.mkdir()

    def give(kind: type[FaultyWork], **settings: Any) -> FaultyWork:
        monkeypatch.setattr(spark_shards, "SparkWork", partial(kind, marks=str(marks), **settings))
        return FaultyWork("", None, None, {}, (), "", {}, marks=str(marks))  # type: ignore[arg-type]

    return give


def told(project: Project, night: dict[str, Any]) -> Told:
    """Return what a night says of everybody, once its counts add up."""
    assert night["rows_read"] == night["rows_labelled"] + night["rows_rejected"] == CUSTOMERS
    run = night["run_id"]
    counted = project.sql("select count(*) from segmentation.customer_labels where run_id = %s", run)
    assert counted == [(night["rows_labelled"] * len(night["models"]),)]
    return said(project, run), project.segments(), project.sql(REJECTED, run)


def left(project: Project) -> list[str]:
    """Return the files that lie in the folder of labels on their way."""
    folder = Path(str(project.configuration.contract.origin.label_files))
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def records(project: Project) -> list[str]:
    """Return the records of attempts that came to their end."""
    return [name for name in left(project) if name.endswith(".json") and name.count("/") == 2]


def test_cluster_says_what_a_table_says(spark: Project, table: Project) -> None:
    """All models, in a few shards, and nothing is left of the job."""
    of_table = told(table, table.night(shards=2))
    assert told(spark, spark.night(shards=7)) == of_table
    assert not left(spark)


@pytest.mark.soak
def test_every_engine_says_the_same_in_every_cut(
    spark: Project, table: Project, spark_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table, files by mapped tasks, Sail and Spark's cluster, in 1, 7 and 64 shards."""
    files = from_files(spark, str(spark.configuration.contract.origin.files))
    found = {}
    for shards in CUTS:
        for name, project in {"table": table, "files": files, "cluster": spark}.items():
            found[name, shards] = told(project, project.night(shards=shards))
        with monkeypatch.context() as patch:
            patch.setenv("CLUSTERING_SPARK", spark_server)
            found["sail", shards] = told(spark, spark.night(shards=shards))
    assert {key: value == found["table", 1] for key, value in found.items()} == dict.fromkeys(found, True)
    assert not left(spark)


@pytest.mark.soak
def test_tasks_that_fail_once_are_repeated(spark: Project, table: Project, spoil: Callable[..., FaultyWork]) -> None:
    """What the first attempts have written counts for nothing, though it is whole."""
    of_table = told(table, table.night(models=["kmeans"]))
    work = spoil(FailingWork)
    assert told(spark, spark.night(models=["kmeans"], shards=7)) == of_table
    assert [len(work.attempts(shard)) for shard in (0, 3, 6)] == [2, 2, 2]
    assert not left(spark)


@pytest.mark.soak
def test_labels_that_stay_files_are_of_attempts_that_were_told_of(
    spark: Project, table: Project, spoil: Callable[..., FaultyWork]
) -> None:
    """What the first attempts have written lies beside them, and is listed nowhere."""
    of_table = told(table, table.night(models=["kmeans"]))
    origin = spark.configuration.contract.origin
    source = {"engine": "spark", "label_files": str(origin.label_files), "labels": "files"}
    filed = from_files(spark, str(origin.files), **source)
    work = spoil(FailingWork)
    night = filed.night(models=["kmeans"], shards=7)
    run = night["run_id"]
    assert night["rows_read"] == night["rows_labelled"] + night["rows_rejected"] == CUSTOMERS
    assert (said_in_files(filed, run), filed.segments(), filed.sql(REJECTED, run)) == of_table
    assert len(work.attempts(0)) == 2


@pytest.mark.soak
def test_slow_task_is_started_twice(spark: Project, table: Project, spoil: Callable[..., FaultyWork]) -> None:
    """Speculation: the second attempt is told of, the first is ended, or tells too late."""
    of_table = told(table, table.night(models=["kmeans"]))
    work = spoil(SlowWork, seconds=60, slow=5)
    started = time.monotonic()
    assert told(spark, spark.night(models=["kmeans"], shards=7)) == of_table
    assert time.monotonic() - started < 60
    assert len(work.attempts(5)) == 2
    assert not left(spark)


@pytest.mark.soak
def test_killed_worker_is_missed_by_nobody(
    spark: Project, table: Project, spark_cluster: SparkCluster, spoil: Callable[..., FaultyWork]
) -> None:
    """Amid the action, with all that runs on it: the other worker does the rest."""
    of_table = told(table, table.night(models=["kmeans"]))
    work = spoil(SlowWork, seconds=600, slow=1)
    planned = spark.plan(models=["kmeans"], shards=7)
    with ThreadPoolExecutor(1) as pool:
        scored = pool.submit(spark.score, planned["run_id"])
        process = wait_until(lambda: work.attempts(1), scored.running)[0]
        (killed,) = [number for number in (0, 1) if process in pids(spark_cluster.executors(number))]
        spark_cluster.kill_worker(killed)
        try:
            scored.result(300)
        finally:
            spark_cluster.start_worker(killed)
    assert len(work.attempts(1)) == 2
    assert told(spark, spark.publish(planned["run_id"])) == of_table
    assert not left(spark)


@pytest.mark.soak
def test_job_that_is_submitted_twice_at_once(spark: Project, table: Project) -> None:
    """Each task claims what the other has not."""
    of_table = told(table, table.night(models=["kmeans"]))
    planned = spark.plan(models=["kmeans"], shards=7)
    with ThreadPoolExecutor(2) as pool:
        for task in [pool.submit(spark.score, planned["run_id"]) for _ in range(2)]:
            task.result(300)
    assert told(spark, spark.publish(planned["run_id"])) == of_table
    assert not left(spark)


@pytest.mark.soak
def test_killed_task_leaves_its_finished_shards_to_the_next(
    spark: Project,
    table: Project,
    spark_cluster: SparkCluster,
    spoil: Callable[..., FaultyWork],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process that has submitted the job is killed; its successor submits what is left."""
    of_table = told(table, table.night(models=["kmeans"]))
    work = spoil(FaultyWork)
    planned = spark.plan(models=["kmeans"], shards=7)
    origin = spark.configuration.contract.origin
    task = Worker(
        score_slowly,
        spark,
        run_id=planned["run_id"],
        remote=spark_cluster.remote,
        source={"files": origin.files, "engine": "spark", "label_files": origin.label_files},
        faults={"marks": work.marks, "seconds": 600, "slow": 6},
    )
    wait_until(lambda: len(records(spark)) == 7, task.process.is_alive)
    task.kill()
    submitted: list[int] = []

    def noted(work: SparkWork, server: str) -> Any:
        submitted.extend(part.shard for part in work.shards)
        return run_on_spark(work, server)

    monkeypatch.setattr(spark_shards, "run_on_spark", noted)
    spark.score(planned["run_id"])
    assert submitted == []
    assert told(spark, spark.publish(planned["run_id"])) == of_table
    # What the orphaned job still does is taken away by itself.
    wait_until(lambda: not left(spark), lambda: True)


def wait_until(happened: Callable[[], Any], alive: Callable[[], bool]) -> Any:
    """Wait until something has happened, and return what; it must while something else is going on."""
    limit = time.monotonic() + 120
    while not (found := happened()):
        assert alive(), "it ended before"
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.05)
    return found


def pids(processes: list[psutil.Process]) -> set[int]:
    """Return the numbers of processes."""
    return {one.pid for one in processes}
