"""What catalogues of data are told of a warehouse: names, columns, and what comes from what."""

from __future__ import annotations

import pytest

from clustering import describe_lineage
from clustering.config import CustomerSource, warehouse_address
from clustering.errors import ConfigurationError
from tests.projects import Project

ADDRESS = "CLUSTERING_CATALOGUE_ADDRESS"
QUERY = "select c.* from customers as c where exists (select from visits where visits.customer_id = c.customer_id)"


def test_table_is_named_with_all_of_its_columns_and_the_views_with_theirs(project: Project) -> None:
    """The source by its whole name, what BI may read and the labels below, and each column with what it is made of."""
    told = describe_lineage(project.warehouse, project.configuration)
    (source,) = told.inputs
    database = project.warehouse.name.rpartition("/")[2]
    assert (told.namespace, told.origin) == ("postgres://localhost:5432", f"{database}.public.customers")
    assert (source.name, source.kind) == (told.origin, "TABLE")
    columns = {one.name: one.data_type for one in source.columns}
    assert columns == dict(project.sql(TYPES, "customers"))
    published = {one.name.removeprefix(f"{database}.segmentation."): one for one in told.published}
    assert {"customer_labels", "customer_segments", "segment_changes", "segment_groups"} <= set(published)
    assert [one.name for one in told.trained] == [f"{database}.segmentation.model_history"]
    made = {(name, one.name): dict(one.origins) for name, table in published.items() for one in table.columns}
    assert made["segments", "segment_id"] == {}  # the segment itself, not where somebody is
    assert made["segment_changes", "to_segment_id"].keys() == {"annual_income", "spending_score"}
    assert made["segment_groups", "group_name"] == {"gender": "IDENTITY"}
    assert set(made["segment_profiles", "median"].values()) == {"AGGREGATION"}


def test_tables_below_a_query_are_read_and_no_column_is_made_up(project: Project) -> None:
    """Of a query the plan tells the tables, a partitioned one as a whole; nobody knows which columns of theirs."""
    project.sql("create table visits (customer_id bigint, at date) partition by range (at)")
    project.sql("create table visits_old partition of visits for values from (minvalue) to (maxvalue)")
    asked = project.with_contract(table=None, source=CustomerSource(query=QUERY))
    told = describe_lineage(asked.warehouse, asked.configuration)
    assert [one.name.partition(".")[2] for one in told.inputs] == ["public.customers", "public.visits"]
    assert told.origin is None
    assert not any(one.origins for table in told.published for one in table.columns)


def test_address_of_the_environment_goes_first(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catalogues may know the warehouse by another name than the connection does; a port that is not named is 5432."""
    monkeypatch.setenv(ADDRESS, "postgresql://dwh.example.com/shop/")
    told = describe_lineage(project.warehouse, project.configuration)
    assert (told.namespace, told.origin) == ("postgres://dwh.example.com:5432", "shop.public.customers")


@pytest.mark.parametrize(
    "text",
    ["postgres://ann:sesame@dwh/shop", "postgres://dwh", "mysql://dwh/shop", "postgres://dwh/a/b", "dwh"],
)
def test_other_addresses_are_refused_unrepeated(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Nothing but host, port and database: a login in it would be read by everybody who reads the catalogue."""
    monkeypatch.setenv(ADDRESS, text)
    with pytest.raises(ConfigurationError, match=f"{ADDRESS} is not of the form postgres://host:5432/database") as told:
        warehouse_address()
    assert "sesame" not in str(told.value)


TYPES = """
select attname, format_type(atttypid, atttypmod) from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
"""
