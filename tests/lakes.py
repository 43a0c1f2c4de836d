"""Customers as Parquet files, and what a night said of everybody as one hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from clustering.config import CustomerSource
from tests.projects import Project

ROWS_A_GROUP = 100

LABELS = """
select label.customer_id::text, label.model, label.segment_id, label.confidence::text
from segmentation.customer_labels as label
where label.run_id = %s
order by label.customer_id, label.model
"""
REJECTED = """
select customer_id, reason, column_name from segmentation.rejected_customers where run_id = %s order by 1, 2, 3
"""

LISTED = """
select made.label_folder || '/' || file.path, made.model, file.rows
from segmentation.label_files as file join segmentation.run_models as made using (label_set)
where made.run_id = %s order by 2, 1
"""


def write_lake(folder: Path, customers: pa.Table, *, files: int = 5, rows_a_group: int = ROWS_A_GROUP) -> Path:
    """Write customers to so many files below a folder, in an order of their own, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        rows = customers.take(pa.array(range(number, customers.num_rows, files)))
        parquet.write_table(rows, folder / f"{number}.parquet", row_group_size=rows_a_group)
    return folder


def from_files(project: Project, place: Path | str, **source: str) -> Project:
    """Return a project whose customers come from files."""
    return project.with_contract(table=None, source=CustomerSource(files=str(place), **source))


def with_label_files(project: Project, folder: Path, customers: pa.Table) -> Project:
    """Return a project whose customers are files below a folder, and whose labels stay files there too."""
    lake = write_lake(folder / "lake", customers)
    return from_files(project, lake, labels="files", label_files=str(folder / "labels"))


def in_tables(project: Project) -> Project:
    """Return the project with its labels in tables."""
    return from_files(project, str(project.configuration.contract.origin.files))


def on_disk(project: Project) -> set[Path]:
    """Return the files in its folder for labels."""
    return {path for path in Path(str(project.configuration.contract.origin.label_files)).rglob("*") if path.is_file()}


def said(project: Project, run_id: int) -> str:
    """Return the SHA-256 over customer, model, label and confidence of a run."""
    rows = project.sql(LABELS, run_id)
    return hashlib.sha256("\n".join("\t".join(map(str, row)) for row in rows).encode()).hexdigest()


def said_in_files(project: Project, run_id: int) -> str:
    """Return the hash over customer, model, label and confidence that `said` makes of tables."""
    rows = []
    for uri, model, count in project.sql(LISTED, run_id):
        table = parquet.read_table(uri.removeprefix("file://"))
        assert table.num_rows == count
        rows += [(str(row["customer_id"]), model, row["segment_id"], row["confidence"]) for row in table.to_pylist()]
    texts = project.sql(
        "select customer, model, segment, confidence::real::text"
        " from unnest(%s::text[], %s::text[], %s::int[], %s::real[]) as row (customer, model, segment, confidence)"
        " order by customer::bigint, model",
        *(list(column) for column in zip(*rows, strict=True)),
    )
    return hashlib.sha256("\n".join("\t".join(map(str, row)) for row in texts).encode()).hexdigest()
