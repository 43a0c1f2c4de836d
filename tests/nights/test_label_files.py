"""Nights whose labels stay Parquet files: what is published is the same, and what cannot be done with them is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pytest
from pyarrow import fs, parquet

from clustering import drop_expired, explain_customer, forget, publish_run
from clustering.config import Checks, CustomerSource
from clustering.demo.generator import generate_customers
from clustering.errors import DataError, HeldError, RunError
from clustering.exports.published_nights import find_nights
from clustering.scoring import shards as shards_module
from clustering.scoring.customer_lives import look_up
from clustering.scoring.endings import abandon_by_hand
from clustering.scoring.label_locations import sweep_files
from clustering.scoring.publication import Release
from clustering.scoring.withdrawal import withdraw_date
from clustering.web.movements import read_movement
from clustering.web.samples import read_points
from tests.lakes import (
    LISTED,
    REJECTED,
    in_tables,
    on_disk,
    said,
    said_in_files,
    with_label_files,
    write_lake,
)
from tests.projects import Project

CUSTOMERS = 6_000


@pytest.fixture(scope="module")
def customers() -> pa.Table:
    """Return customers, of whom some are dirty."""
    return generate_customers(CUSTOMERS, seed=2)


@pytest.fixture
def filed(project: Project, customers: pa.Table, tmp_path: Path) -> Project:
    """Return a project whose customers are files, and whose labels stay files."""
    return with_label_files(project, tmp_path, customers)


def listed(project: Project, run_id: int) -> list[Path]:
    return [Path(uri.removeprefix("file://")) for uri, _, _ in project.sql(LISTED, run_id)]


def test_files_say_what_tables_say_and_so_does_what_is_published(filed: Project) -> None:
    """To the last bit, however the customers are cut; PostgreSQL has no row a customer."""
    night = in_tables(filed).night(shards=2)
    first = said(filed, night["run_id"]), filed.segments(), filed.sql(REJECTED, night["run_id"])
    for shards in (1, 7):
        night = filed.night(shards=shards)
        assert said_in_files(filed, night["run_id"]) == first[0]
        assert filed.segments() == first[1]
        assert filed.sql(REJECTED, night["run_id"]) == first[2]
        assert len(listed(filed, night["run_id"])) == 3 * shards
    of_run = "select count(*) from segmentation.customer_labels where run_id = %s"
    assert filed.sql(of_run, night["run_id"]) == [(0,)]
    assert not filed.staged()
    folders = {path.parent for path in on_disk(filed)}
    assert len(folders) == 6  # of two runs and three models
    current = filed.sql("select uri, rows from segmentation.current_label_files order by model, uri")
    assert [uri for uri, _ in current] == [uri for uri, _, _ in filed.sql(LISTED, night["run_id"])]


def test_readers_of_rows_are_told_that_there_are_none(filed: Project) -> None:
    """In the views, on the page and by exports: nobody in their segments would look like the truth."""
    night = filed.night(models=["kmeans"])
    for view in ("customer_segments", "current_customer_segments"):
        with pytest.raises(psycopg2.errors.FeatureNotSupported, match=r"labels of kmeans are Parquet files"):
            filed.sql(f"select * from segmentation.{view}")  # noqa: S608 (our own names)
    day = filed.sql("select as_of from segmentation.scoring_runs where run_id = %s", night["run_id"])[0][0]
    with pytest.raises(RunError, match=r"are files below file:.*current_label_files"):
        read_points(filed.warehouse, filed.configuration, model="kmeans", as_of=day, asked=[None, None])
    with filed.warehouse.transaction() as transaction:
        nights, reason = find_nights(transaction, ["kmeans"])
    assert not nights
    assert "are files, and an audience is selected in the warehouse" in reason


def test_a_customer_is_found_in_the_files_and_explained(filed: Project) -> None:
    """Of others it is said that they have no label, and of the history that there is none."""
    filed.night()
    found = explain_customer(filed.configuration, filed.registry, customer_id=17)
    tables = in_tables(filed)
    tables.night()
    assert [(one.model, one.segment_id, one.confidence, one.explanation) for one in found.labels] == [
        (one.model, one.segment_id, one.confidence, one.explanation)
        for one in explain_customer(tables.configuration, tables.registry, customer_id=17).labels
    ]
    filed.night()
    life = look_up(filed.configuration, filed.registry, customer_id="17")
    assert not any(label.has_history for label in life.labels)
    with pytest.raises(DataError, match=r"no customer with the key '99999999'"):
        explain_customer(filed.configuration, filed.registry, customer_id=99999999)


def test_half_written_files_and_attempts_that_lost_never_count(filed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not listed, and go with retention; an attempt that is beaten removes its own."""
    planned = filed.plan(models=["kmeans"], shards=2)
    run_id = planned["run_id"]

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(shards_module, "list_files", broken)
        with pytest.raises(RuntimeError, match="killed"):
            filed.score(run_id, 0)
    assert len(on_disk(filed)) == 1
    filed.score(run_id, 0)
    filed.score(run_id, 1)
    [folder] = {path.parent for path in on_disk(filed)}
    (folder / "0-half.parquet").write_bytes(b"PAR1")
    assert filed.publish(run_id)["rows_read"] == CUSTOMERS
    assert len(on_disk(filed)) == 4
    drop_expired(filed.warehouse, filed.configuration)
    assert on_disk(filed) == set(listed(filed, run_id))


def test_files_that_are_gone_or_others_are_told_before_anything_is_published(filed: Project) -> None:
    """Afterwards whoever looks a customer up is told, in one line."""
    run_id = filed.plan(models=["kmeans"], shards=2)["run_id"]
    for shard in (0, 1):
        filed.score(run_id, shard)
    filed.check(run_id)
    first, second = listed(filed, run_id)
    content = first.read_bytes()
    parquet.write_table(parquet.read_table(first).slice(1), first)
    with pytest.raises(RunError, match=r"labels of kmeans as of 2026-11-22 .* are not whole: 0-"):
        filed.publish(run_id)
    first.write_bytes(content)
    filed.publish(run_id)
    second.unlink()
    with pytest.raises(RunError, match=r"1-\w+\.parquet below .* is gone; put it back, or run the date again"):
        explain_customer(filed.configuration, filed.registry, customer_id=17)


def test_retention_and_abandoning_reach_the_files(filed: Project) -> None:
    """A run that is abandoned leaves nothing, and neither do the labels of old runs."""
    project = filed.with_contract(label_runs=1)
    project.night("2026-11-20", models=["kmeans"])
    planned = project.plan("2026-11-21", models=["kmeans"], shards=2)
    project.score(planned["run_id"], 0)
    abandon_by_hand(project.warehouse, run_id=planned["run_id"], abandoned_by="test")
    latest = project.night("2026-11-22", models=["kmeans"])
    drop_expired(project.warehouse, project.configuration)
    assert on_disk(project) == set(listed(project, latest["run_id"]))
    assert project.sql("select count(*) from segmentation.label_files") == [(len(on_disk(project)),)]
    folder = Path(str(project.configuration.contract.origin.label_files))
    assert [path.name.split("_")[1] for path in folder.iterdir()] == [str(latest["run_id"])]


def test_forgetting_writes_the_files_anew_that_have_the_customer(filed: Project) -> None:
    """All others stay as they are, and the sums as well."""
    run_ids = [filed.night(day, shards=3)["run_id"] for day in ("2026-11-21", "2026-11-22")]
    before = {run_id: set(listed(filed, run_id)) for run_id in run_ids}
    report = forget(filed.warehouse, filed.configuration, filed.registry, customer_id="17", requested_by="test")
    of_files = {name: rows for name, rows in report["removed"].items() if name.startswith("files with labels of")}
    assert len(of_files) == 6
    assert set(of_files.values()) == {1}
    for run_id in run_ids:
        after = set(listed(filed, run_id))
        assert len(before[run_id] - after) == 3
        assert len(after) == len(before[run_id])
    assert on_disk(filed) == {path for run_id in run_ids for path in listed(filed, run_id)}
    for path in on_disk(filed):
        assert 17 not in parquet.read_table(path)["customer_id"].to_pylist()
    with pytest.raises(DataError, match=r"no customer with the key '17'"):
        explain_customer(filed.configuration, filed.registry, customer_id=17)
    with pytest.raises(DataError, match=r"no row has the key '99999999'"):
        forget(filed.warehouse, filed.configuration, filed.registry, customer_id="99999999", requested_by="test")


def test_held_night_waits_with_its_files(filed: Project) -> None:
    """A person publishes it as any other, or it ends and leaves nothing."""
    filed = filed.with_contract(checks=Checks())
    filed.night("2026-11-21", models=["kmeans"])
    write_lake(Path(str(filed.configuration.contract.origin.files)), generate_customers(CUSTOMERS // 6, seed=2))
    held = []
    for _ in range(2):
        planned = filed.plan(models=["kmeans"], shards=2)
        held.append(planned["run_id"])
        for shard in planned["shards"]:
            filed.score(planned["run_id"], shard)
        with pytest.raises(HeldError):
            filed.check(planned["run_id"])
    drop_expired(filed.warehouse, filed.configuration)
    first, second = held
    assert [(run_id, len(listed(filed, run_id))) for run_id in held] == [(first, 0), (second, 2)]
    assert not [path for path in on_disk(filed) if f"labels_{first}_" in str(path)]
    release = Release("test", "a test")
    publish_run(filed.warehouse, filed.configuration, run_id=second, release=release)
    assert filed.sql("select distinct run_id from segmentation.current_label_files") == [(second,)]


def test_withdrawing_goes_back_to_the_files_of_the_date_before(filed: Project) -> None:
    """Followers read all members anew, since who moved is not known."""
    first = filed.night("2026-11-21", models=["kmeans"])
    filed.night("2026-11-22", models=["kmeans"])
    told = withdraw_date(
        filed.warehouse,
        filed.configuration,
        as_of=filed.sql("select date '2026-11-22'")[0][0],
        withdrawn_by="test",
        reason="a test",
    )
    assert told["current"] == {"kmeans": "2026-11-21"}
    current = filed.sql("select distinct run_id from segmentation.current_label_files")
    assert current == [(first["run_id"],)]
    kinds = filed.sql("select kind from segmentation.segment_changes order by change_id")
    assert kinds == [("start",)] * 3


def test_tables_and_files_follow_each_other(filed: Project) -> None:
    """The history of tables ends where labels become files, and begins anew; what lies in between is not told."""
    tables = in_tables(filed)
    tables.night("2026-11-20", models=["kmeans"])
    filed.night("2026-11-21", models=["kmeans"])
    ended = "select distinct valid_from::text, valid_to::text from segmentation.segment_history"
    assert filed.sql(ended) == [("2026-11-20", "2026-11-21")]
    days = [filed.sql("select %s::date", day)[0][0] for day in ("2026-11-20", "2026-11-21")]
    with pytest.raises(RunError, match=r"labels of 2026-11-21 are files, and who moved is not counted"):
        read_movement(filed.warehouse, model="kmeans", former=days[0], latter=days[1])
    tables.night("2026-11-22", models=["kmeans"])
    with pytest.raises(RunError, match=r"2026-11-21 of kmeans cannot be labelled into files: 2026-11-22, a later date"):
        filed.night("2026-11-21", models=["kmeans"])
    assert filed.sql(f"{ended} order by 1") == [("2026-11-20", "2026-11-21"), ("2026-11-22", None)]
    filed.night("2026-11-22", models=["kmeans"])
    assert filed.sql(f"{ended} order by 1") == [("2026-11-20", "2026-11-21")]


def test_spark_writes_the_same_files(filed: Project, spark_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels stay where its workers have written them, and nothing else is left of the job."""
    first = said_in_files(filed, filed.night(models=["kmeans"], shards=2)["run_id"])
    monkeypatch.setenv("CLUSTERING_SPARK", spark_server)
    source = filed.configuration.contract.origin.model_copy(update={"engine": "spark"})
    spark = filed.with_contract(source=source)
    night = spark.night(models=["kmeans"], shards=3)
    assert said_in_files(spark, night["run_id"]) == first
    assert {path for path in on_disk(spark) if f"labels_{night['run_id']}_" in str(path)} == set(
        listed(spark, night["run_id"])
    )
    assert not [path for path in on_disk(spark) if "run_" in str(path)]
    assert explain_customer(spark.configuration, spark.registry, customer_id=17).labels


def test_keys_of_every_type_stand_in_files_as_they_are(filed: Project) -> None:
    """A folder of labels is read by any program as it stands."""
    night = filed.night(models=["kmeans"], shards=1)
    [file] = listed(filed, night["run_id"])
    schema = parquet.read_schema(file)
    assert schema.names == ["customer_id", "cluster_label", "segment_id", "confidence"]
    assert schema.field("customer_id").type == pa.int64()
    sweep_files(filed.warehouse)
    assert fs.LocalFileSystem().get_file_info(str(file)).is_file
    assert CustomerSource(files="/lake", labels="files", label_files="/labels").labels == "files"
    with pytest.raises(ValueError, match=r"labels: files is for customers from files"):
        CustomerSource(table="customers", labels="files", label_files="/labels")
