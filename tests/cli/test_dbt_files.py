"""What `clustering dbt` writes for a dbt project."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.command_line import Run, sql


def test_views_become_sources_with_their_comments_and_the_tables_an_exposure(clustering: Run, tmp_path: Path) -> None:
    """All that BI may read is there, column by column, and nothing else; the oldest model says how fresh."""
    clustering("migrate")
    written = yaml.safe_load(clustering("dbt").out)
    (source,) = written["sources"]
    tables = {table["name"]: table for table in source["tables"]}
    assert {"current_segments", "customer_segments", "segment_migrations", "segment_changes"} <= set(tables)
    assert not {"scoring_runs", "customer_labels", "contract"} & set(tables)
    assert all(
        table["description"] and all(one["description"] for one in table["columns"]) for table in tables.values()
    )
    columns = {one["name"]: one["data_type"] for one in tables["current_segments"]["columns"]}
    assert (columns["as_of"], columns["avg_annual_income"]) == ("date", "double precision")
    assert source["config"]["freshness"]["warn_after"] == {"count": 26, "period": "hour"}
    assert sql(source["config"]["loaded_at_query"]) == [(None,)]
    (exposure,) = written["exposures"]
    assert exposure["depends_on"] == ["ref('customers')"]
    file = tmp_path / "sources.yml"
    options = ("--every", "168", "--depends-on", "source('shop', 'orders')", "--owner", "Ada {{ 1 }}")
    assert f"{file}: {len(tables)} tables and views" in clustering("dbt", "--to", str(file), *options).out
    told = yaml.safe_load(file.read_text())
    assert told["exposures"][0]["depends_on"] == ["source('shop', 'orders')"]
    assert told["exposures"][0]["owner"]["name"] == "{% raw %}Ada {{ 1 }}{% endraw %}"
    assert told["sources"][0]["config"]["freshness"]["error_after"]["count"] == 338
    assert clustering("dbt", "--json").document == written


def test_what_cannot_be_written_for_dbt_is_one_clear_error(clustering: Run, tmp_path: Path) -> None:
    """A warehouse without its schema, a place that is none, and what dbt would not understand."""
    missing = clustering("dbt")
    assert (missing.code, missing.err.count("\n")) == (1, 1)
    assert "run clustering migrate" in missing.err
    clustering("migrate")
    for options, said in (
        (("--to", str(tmp_path / "no" / "sources.yml")), "cannot be written: No such file or directory"),
        (("--depends-on", "customers"), "--depends-on 'customers' is not how dbt names a model or a source"),
    ):
        done = clustering("dbt", *options)
        assert (done.code, done.err.count("\n")) == (1, 1)
        assert said in done.err
