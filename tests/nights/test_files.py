"""Nights of customers who lie as Parquet files: the same as of a table, and what is refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from clustering import draw_sample, explain_customer, forget
from clustering.config import Audience, CustomerSource
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.errors import ConfigurationError, DataError
from clustering.exports.audience_query import audience_query
from clustering.exports.published_nights import Night
from clustering.scoring.rehearsal import Asked, rehearse
from clustering.warehouse.customer_values import customer_values
from tests.lakes import REJECTED, from_files, said, write_lake
from tests.projects import Project, retrain

CUSTOMERS = 12_000


@pytest.fixture(scope="module")
def customers() -> pa.Table:
    """Return the customers of the project's table, of whom some have another's key, or a bad value."""
    return generate_customers(CUSTOMERS, seed=2)


@pytest.fixture(scope="module")
def loaded(
    copy_for_module: Callable[[Project], Project],
    trained_once: Project,
    customers: pa.Table,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Project, Path]:
    """Return a project whose table has the same customers as the files of a folder, both to be copied."""
    project = copy_for_module(trained_once)
    load_customers(project.warehouse, project.configuration.contract, customers)
    return project, write_lake(tmp_path_factory.mktemp("lake"), customers)


@pytest.fixture
def lake(copy_project: Callable[[Project], Project], loaded: tuple[Project, Path], tmp_path: Path) -> Project:
    """Return a project whose table has the same customers as its files."""
    project, folder = loaded
    return from_files(copy_project(project), shutil.copytree(folder, tmp_path / "lake"))


def on_table(project: Project) -> Project:
    """Return the project with its customers in the table."""
    return project.with_contract(table="public.customers", source=CustomerSource())


def published(project: Project, **options: Any) -> dict[str, Any]:
    """Publish a night and return what was said of everybody in it."""
    night = project.night(**options)
    return {
        "labels": said(project, night["run_id"]),
        "segments": project.segments(),
        "rejected": project.sql(REJECTED, night["run_id"]),
        "counts": [night[name] for name in ("rows_read", "rows_labelled", "rows_rejected")],
    }


def folder_of(project: Project) -> Path:
    return Path(str(project.configuration.contract.origin.files))


@pytest.mark.parametrize(("models", "cuts"), [(None, (1, 7)), (["kmeans"], (1, 64))])
def test_files_and_table_say_the_same_however_they_are_cut(
    lake: Project, models: list[str] | None, cuts: tuple[int, int]
) -> None:
    """Keys that stand twice lie in different files, and both rows are rejected."""
    first = published(on_table(lake), shards=cuts[0], models=models)
    assert first["counts"][0] == CUSTOMERS
    assert [reason for _, reason, _ in first["rejected"]].count("duplicate_key") > 10
    for shards in cuts:
        assert published(lake, shards=shards, models=models) == first
    assert lake.sql("select count(*) from segmentation.run_shards where repeated_keys is not null") == [(0,)]


def test_the_next_night_tells_who_moved(lake: Project) -> None:
    """Labels are compared with those of the date before as a whole, and the history goes on."""
    lake.night("2026-11-21", models=["kmeans"])
    write_lake(folder_of(lake), generate_customers(CUSTOMERS, seed=3))
    lake.night("2026-11-22", models=["kmeans"])
    moved = lake.sql(
        "select sum(customers) filter (where from_segment_id <> to_segment_id), sum(by_behaviour), sum(by_model)"
        " from segmentation.segment_migrations where as_of = '2026-11-22'"
    )
    assert moved[0][0] > 100
    assert moved[0][2] == 0


def test_training_takes_the_same_customers_from_a_table_and_from_files(lake: Project) -> None:
    """In the same order, with the same values."""
    columns = "customer_id, annual_income::float8::text, age, gender"
    found = []
    for project in (lake, on_table(lake)):
        models = {
            name: one.model_copy(update={"sample_rows": 1_500}) for name, one in project.configuration.models.items()
        }
        configuration = project.configuration.model_copy(update={"models": models})
        drawn = draw_sample(project.warehouse, configuration, models=["kmeans"], requested_by="test")
        assert drawn["rows"] == 1_500
        sample = f"segmentation_staging.{drawn['sample']}"
        found.append(project.sql(f"select {columns} from {sample} order by sample_row"))  # noqa: S608 (our own names)
    assert found[0] == found[1]
    assert retrain(lake, "kmeans")[0]["version"] == 2


def test_file_that_changed_after_the_plan_is_refused(lake: Project, customers: pa.Table) -> None:
    """Nothing of the run is published; a new run takes the files as they are then."""
    planned = lake.plan(shards=3)
    folder = folder_of(lake)
    parquet.write_table(customers.slice(0, 500), folder / "0.parquet")
    with pytest.raises(DataError, match=r"0\.parquet was written anew since the run was planned"):
        lake.score(planned["run_id"], 0)
    (folder / "4.parquet").unlink()
    with pytest.raises(DataError, match=r"4\.parquet is gone since the run was planned"):
        lake.score(planned["run_id"], 2)
    assert lake.night()["rows_read"] == 500 + 3 * CUSTOMERS // 5


def test_folders_of_dates_and_columns_in_their_names(lake: Project, customers: pa.Table, tmp_path: Path) -> None:
    """A past date reads its own folder; what stands in a path as key=value is a column."""
    for day, rows in (("2026-11-20", 4_000), ("2026-11-21", 5_000)):
        for number, gender in enumerate(("Female", "Male")):
            part = customers.slice(number * rows // 2, rows // 2).drop_columns(["gender"])
            write_lake(tmp_path / f"dated/{day}/gender={gender}", part, files=2)
    dated = from_files(lake, tmp_path / "dated/:as_of")
    for day, rows in (("2026-11-20", 4_000), ("2026-11-21", 5_000)):
        assert dated.night(day, models=["kmeans"])["rows_read"] == rows
    groups = "select distinct group_name from segmentation.segment_groups where as_of = '2026-11-21' order by 1"
    assert dated.sql(groups) == [("Female",), ("Male",)]
    with pytest.raises(DataError, match=r"dated/2026-11-22 is not there"):
        dated.plan("2026-11-22")


def test_single_customers_are_found_explained_and_forgotten(lake: Project) -> None:
    """Whoever writes the files is told which have the customer."""
    lake.night()
    found = customer_values(lake.warehouse, lake.configuration.contract, ["17", "0"])
    assert found.rows["customer_id"].to_pylist() == [17]
    assert list(found.files) == ["1.parquet"]
    explained = explain_customer(lake.configuration, lake.registry, customer_id=17)
    assert all(label.explanation.pulls for label in explained.labels if label.model == "kmeans")
    report = forget(lake.warehouse, lake.configuration, lake.registry, customer_id="17", requested_by="test")
    assert report["source_rows"] == 1
    assert report["source_files"] == ["1.parquet"]
    assert sum(report["removed"].values()) > 3


def moved(folder: Path) -> None:
    folder.rename(folder.parent / "other")


def emptied(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def without_rows(folder: Path) -> None:
    for file in folder.iterdir():
        parquet.write_table(parquet.read_table(file).slice(0, 0), file)


def damaged(folder: Path) -> None:
    (folder / "3.parquet").write_bytes(b"PAR1 and no more")


def cut_off(folder: Path) -> None:
    (folder / "3.parquet").write_bytes(b"")


def without_income(folder: Path) -> None:
    file = folder / "3.parquet"
    parquet.write_table(parquet.read_table(file).drop_columns(["annual_income"]), file)


def written_as(column: str, kind: pa.DataType) -> Callable[[Path], None]:
    """Return what writes a column of one file as another type."""

    def write(folder: Path) -> None:
        file = folder / "3.parquet"
        rows = parquet.read_table(file)
        values = pa.array([[1.0]] * len(rows), kind) if pa.types.is_list(kind) else rows[column].cast(kind)
        parquet.write_table(rows.set_column(rows.schema.get_field_index(column), column, values), file)

    return write


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (moved, r"lake is not there; name the right folder"),
        (emptied, r"has no file that ends with \.parquet"),
        (without_rows, r"have no rows"),
        (damaged, r"3\.parquet is no Parquet file"),
        (cut_off, r"3\.parquet is no Parquet file"),
        (without_income, r"3\.parquet: no column for annual_income"),
        (
            written_as("annual_income", pa.string()),
            r"annual_income is string in 3\.parquet, and double in a file before",
        ),
        (written_as("customer_id", pa.string()), r"3\.parquet: column customer_id has the type string, which cannot"),
        (written_as("annual_income", pa.list_(pa.float64())), r"3\.parquet: column annual_income has the type list"),
    ],
)
def test_bad_files_are_one_error_that_names_file_and_column(
    lake: Project, spoil: Callable[[Path], None], told: str
) -> None:
    """Before anything is recorded."""
    spoil(folder_of(lake))
    with pytest.raises(DataError, match=told):
        lake.plan()
    assert lake.sql("select count(*) from segmentation.scoring_runs") == [(0,)]


def test_rehearsal_reads_every_row_as_a_night_does(lake: Project) -> None:
    """The same rows are rejected for the same reasons as out of a table, and what is wrong is told."""
    asked = Asked(date(2026, 11, 22), ended_at=None, from_present_rows=False, models=None, workers=2)
    found, table = (
        rehearse(one.warehouse, one.configuration, one.registry, asked, progress=lambda _: None)
        for one in (lake, on_table(lake))
    )
    assert found.problems == table.problems == []
    assert found.rows == table.rows
    assert sorted((one["column"], one["reason"], one["rows"]) for one in found.rejections) == sorted(
        (one["column"], one["reason"], one["rows"]) for one in table.rejections
    )
    assert (found.table, found.night["shards"]) == ("source.files", 1)
    damaged(folder_of(lake))
    broken = rehearse(lake.warehouse, lake.configuration, lake.registry, asked, progress=lambda _: None)
    assert "3.parquet is no Parquet file" in broken.problems[0]


def test_damage_amid_a_file_is_told_by_the_shard(lake: Project) -> None:
    """The footer is whole, and so the plan cannot see it."""
    file = folder_of(lake) / "2.parquet"
    planned = lake.plan(shards=1)
    content, was = bytearray(file.read_bytes()), file.stat()
    content[100:400] = bytes(300)
    file.write_bytes(content)
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    with pytest.raises(DataError, match=r"2\.parquet is no Parquet file, or damaged"):
        lake.score(planned["run_id"])


def test_audience_takes_no_column_of_files(lake: Project) -> None:
    """It is selected in the warehouse, where the files are not."""
    lake.night(models=["kmeans"])
    sent = {"destination": "crm", "columns": ["customer_id", "age"], "path": "all.csv", "consent": {"waived": "a test"}}
    nights = [Night("kmeans", date(2026, 11, 22), run_id=1, label_set=1)]
    audience, contract = Audience.model_validate(sent), lake.configuration.contract
    with lake.warehouse.transaction() as transaction, pytest.raises(ConfigurationError, match=r"who come from files"):
        audience_query(transaction, contract, audience, nights, place="exports.yaml")
