"""What `clustering validate` finds before a night does, and that it changes nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command_line import Run, sql


def declare(changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work with a contract of which some columns or settings are changed."""
    directory = tmp_path / f"changed_{len(list(tmp_path.iterdir()))}"
    shutil.copytree(os.environ["CLUSTERING_CONFIG"], directory)
    contract = yaml.safe_load((directory / "customers.yaml").read_text())
    for name, value in changes.items():
        (contract["columns"] if name in contract["columns"] else contract)[name] = value
    (directory / "customers.yaml").write_text(yaml.safe_dump(contract))
    monkeypatch.setenv("CLUSTERING_CONFIG", str(directory))


def test_validate_goes_with_a_newcomer_from_nothing_to_a_night(clustering: Run) -> None:
    """What is left to do is said step by step; then the rows and the night, which come true."""
    empty = clustering("validate")
    assert (empty.code, empty.err.count("\n")) == (1, 1)
    assert "the table public.customers does not exist in the warehouse" in empty.err
    clustering("migrate")
    clustering("load", "customers.csv")
    untrained = clustering("validate")
    assert untrained.code == 0
    assert "before a night: no champion for dbscan, gmm, kmeans yet" in untrained.out
    assert "run `clustering retrain`" in " ".join(untrained.out.split())
    clustering("retrain", "--model", "kmeans")
    before = sql("select count(*) from segmentation.scoring_runs")
    told = clustering("validate", "--json").document
    assert sql("select count(*) from segmentation.scoring_runs") == before
    assert told["problems"] == []
    assert told["night"]["models"] == {"kmeans": 1}
    assert told["night"]["skipped"] == ["dbscan", "gmm"]
    night = clustering("score", "--json").document
    assert (told["rows"]["read"], told["rows"]["valid"], told["rows"]["rejected"]) == (
        night["rows_read"],
        night["rows_labelled"],
        night["rows_rejected"],
    )
    assert told["night"]["shards"] == night["shards"]
    again = clustering("validate", "--json").document["night"]
    assert again["replaces"] == {"kmeans": night["run_id"]}


def test_a_table_elsewhere_is_told_of(clustering: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table without a schema is one of public, whatever the connection's search_path; where it is instead is said."""
    clustering("migrate")
    clustering("load", "customers.csv")
    sql("create schema crm")
    sql('create table crm."Kunde" as table customers')
    monkeypatch.setenv("WAREHOUSE_URL", f"{os.environ['WAREHOUSE_URL']}&options=-csearch_path%3Dcrm,public")
    declare({"table": "kunde"}, tmp_path, monkeypatch)
    told = clustering("validate")
    assert told.code == 1
    assert "the table public.kunde does not exist in the warehouse, which has crm.Kunde; name the right" in told.err
    declare({"table": "crm.Kunde"}, tmp_path, monkeypatch)
    assert clustering("validate").code == 0


def test_rejected_rows_are_counted_by_column_with_an_example(clustering: Run) -> None:
    """Each column's faults are counted, of the values one is shown, of keys none; too many of them end with 1."""
    clustering("migrate")
    clustering("load", "customers.csv")
    sql("alter table customers alter annual_income type text using annual_income::text")
    sql("update customers set annual_income = '60k' where customer_id in (1, 2, 3)")
    sql("update customers set age = 130 where customer_id = 4")
    done = clustering("validate", "--json")
    assert done.code == 0
    found = {(one["column"], one["reason"]): one for one in done.document["rejections"]}
    assert found["annual_income", "wrong_type"]["rows"] >= 3
    assert found["age", "out_of_range"]["example"] == "130"
    assert found["age", "out_of_range"]["allowed"] == "a whole number from 0 to 120"
    column = next(one for one in done.document["columns"] if one["column"] == "annual_income")
    assert (column["found_type"], column["type"]) == ("text", "number")
    sql("update customers set age = 130")
    refused = clustering("validate")
    assert refused.code == 1
    assert "Rows that a night would reject, by column" in refused.out
    assert "and max_rejected_share in customers.yaml allows 20%: a night would publish nothing" in refused.err


def test_table_that_does_not_fit_is_one_line(clustering: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing column, a key of another type, a right that is missing and an empty table are each a line and a 1."""
    clustering("migrate")
    clustering("load", "customers.csv")
    sql("alter table customers rename spending_score to score")
    assert "spending_score" in clustering("validate").err
    sql("alter table customers rename score to spending_score")
    sql("create role stranger login; grant usage on schema public to stranger")
    url = os.environ["WAREHOUSE_URL"]
    try:
        monkeypatch.setenv("WAREHOUSE_URL", _as(url, "stranger"))
        told = clustering("validate").err
        assert "stranger may not write the schema segmentation; grant segmentation_writer to stranger" in told
        assert "the table public.customers may not be read by stranger; grant select on it" in told
    finally:
        monkeypatch.setenv("WAREHOUSE_URL", url)
        sql("drop owned by stranger; drop role stranger")
    declare({"customer_id": {"type": "text", "role": "key"}}, tmp_path, monkeypatch)
    assert "the schema segmentation was made for bigint; use bigint" in clustering("validate").err
    sql("delete from customers")
    empty = clustering("validate")
    assert (empty.code, empty.err.count("\n")) == (1, 1)
    assert "has no rows; load customers first" in empty.err


def _as(url: str, login: str) -> str:
    """Return the URL with another login."""
    from sqlalchemy.engine import make_url

    return make_url(url).set(username=login).render_as_string(hide_password=False)
