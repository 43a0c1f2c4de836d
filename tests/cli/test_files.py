"""`cluster` needs a file and nothing else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from clustering.config import load_configuration
from clustering.library import cluster
from tests.command_line import CUSTOMERS, Run


@pytest.fixture(autouse=True)
def no_warehouse(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name no warehouse."""
    monkeypatch.delenv("WAREHOUSE_URL")


def test_labels_are_those_of_the_library(clustering: Run, folder: Path) -> None:
    """Valid rows get the labels of `library.cluster`, whatever the file's format; the default model needs no name."""
    done = clustering("cluster", "customers.csv", "--model", "KMeans")
    (folder / "labels.csv").write_text(done.out, encoding="utf-8")
    labels = pd.read_csv(folder / "labels.csv")
    customers = pd.read_csv("customers.csv").set_index("customer_id")
    valid = customers.loc[labels["customer_id"], ["annual_income", "spending_score"]].astype(float)
    expected = cluster(valid, load_configuration().models["kmeans"])
    assert labels["cluster_label"].tolist() == expected.labels.tolist()
    assert list(labels) == ["customer_id", "cluster_label", "segment_id", "segment_name", "confidence"]
    assert sorted(labels["segment_id"].unique()) == [1, 2, 3, 4, 5]
    assert clustering("cluster", "customers.parquet").out == done.out
    rejected = CUSTOMERS - len(labels)
    assert done.err.startswith(f"warning: {rejected} of {CUSTOMERS} rows were rejected: ")


def test_json_holds_labels_clusters_and_counts(clustering: Run) -> None:
    """The document has everything, or where the labels are; everybody is counted."""
    told = clustering("cluster", "customers.csv", "--model", "dbscan", "--json").document
    assert told["labelled"] == len(told["labels"]) == sum(one["customers"] for one in told["clusters"])
    assert told["rows"] == told["labelled"] + sum(told["rejected"].values()) == CUSTOMERS
    assert {one["segment_name"] for one in told["clusters"] if one["cluster_label"] == -1} <= {"Outliers"}
    written = clustering("cluster", "customers.csv", "--model", "dbscan", "--json", "-o", "labels.parquet").document
    assert written == {**{key: value for key, value in told.items() if key != "labels"}, "output": "labels.parquet"}
    assert pd.read_parquet("labels.parquet").to_dict("records") == told["labels"]


def test_every_row_of_a_repeated_key_is_rejected(clustering: Run, folder: Path) -> None:
    """A key that two rows have labels neither, as in a night."""
    rows = csv.read_csv("customers.csv")
    csv.write_csv(pa.concat_tables([rows, rows.slice(0, 1)]), folder / "repeated.csv")
    before = clustering("cluster", "customers.csv", "--model", "dbscan", "--json").document
    after = clustering("cluster", "repeated.csv", "--model", "dbscan", "--json").document
    assert after["rejected"]["duplicate_key"] == before["rejected"].get("duplicate_key", 0) + 2


def test_columns_are_taken_as_they_are(clustering: Run, folder: Path) -> None:
    """With --feature the contract does not matter, and the key is the number of the row."""
    values = [1.0, 1.1, 1.2, 5.0, 5.1, 5.2, 9.0, 9.1, 9.2, 13.0, 13.1, 13.2, 17.0, 17.1, 17.2] * 2
    parquet.write_table(pa.table({"Größe": values}), folder / "shops.parquet")
    told = clustering("cluster", "shops.parquet", "--model", "kmeans", "--feature", "Größe", "--json").document
    assert [label["row"] for label in told["labels"]] == list(range(1, 31))
    assert [label["cluster_label"] for label in told["labels"]] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4] * 2


def test_output_that_cannot_be_written_is_told(clustering: Run) -> None:
    """The path and the reason are named."""
    done = clustering("cluster", "customers.csv", "--model", "dbscan", "--output", "nowhere/labels.csv")
    assert done.code == 1
    assert "nowhere/labels.csv" in done.err


def test_file_without_a_valid_row_is_refused(clustering: Run, folder: Path) -> None:
    """Nothing can be learnt from nobody."""
    header = "customer_id,age,gender,annual_income,spending_score\n"
    (folder / "bad.csv").write_text(header + "1,20,Male,-5,50\n", encoding="utf-8")
    (folder / "empty.csv").write_text(header, encoding="utf-8")
    assert "none of its 1 rows is valid" in clustering("cluster", "bad.csv", "--model", "kmeans").err
    assert "the file has no rows" in clustering("cluster", "empty.csv", "--model", "kmeans").err


def test_file_of_orders_is_told_what_it_lacks(clustering: Run, folder: Path) -> None:
    """Of a file with several rows a customer, every column at fault is named with what is allowed."""
    header = "customer_id,age,gender,annual_income,spending_score\n"
    orders = "".join(f"{number % 5 + 1},30,F,{number}k,50\n" for number in range(20))
    (folder / "orders.csv").write_text(header + orders, encoding="utf-8")
    told = clustering("cluster", "orders.csv", "--model", "kmeans").err
    assert "customer_id stands in more than one row (allowed: each key once), duplicate_key 20 rows, 4 a key" in told
    assert "annual_income '0k' has the wrong type (allowed: a number, 0 or more), wrong_type 20 rows" in told


def test_what_is_recognised_is_told_in_one_line_and_options_override_it(clustering: Run, folder: Path) -> None:
    """On stderr, so that the labels stay a file; options that no file has are refused."""
    text = pd.read_csv("customers.csv", dtype=str).to_csv(sep=";", index=False)
    (folder / "export.csv").write_text("Customer export\n" + text, encoding="cp1252")
    plain = clustering("cluster", "customers.csv", "--model", "kmeans", "--json").document
    done = clustering("cluster", "export.csv", "--model", "kmeans", "--json", "--decimal", ",")
    assert done.document["labels"] == plain["labels"]
    (told, *_) = done.err.splitlines()
    assert told.startswith("export.csv: separated by semicolons; headers in line 2")
    for option, value in (("--decimal", "x"), ("--delimiter", "ab"), ("--dates", "first"), ("--thousands", "x")):
        done = clustering("cluster", "customers.csv", "--model", "kmeans", option, value)
        assert (done.code != 0, f"{option} '{value}'" in done.err) == (True, True)


def test_standard_input_is_a_file_too(clustering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read once."""
    with Path("customers.csv").open(encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        piped = clustering("cluster", "-", "--model", "dbscan")
    assert piped.out == clustering("cluster", "customers.csv", "--model", "dbscan").out
