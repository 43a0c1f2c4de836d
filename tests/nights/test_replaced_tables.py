"""A table that takes the place of the source's while a night is being scored, by a swap of names as dbt does it."""

from __future__ import annotations

from contextlib import closing
from threading import Thread

import psycopg2
import pytest

from clustering.config import CustomerSource
from clustering.errors import RunError
from tests.projects import Project

BUILD = "create table customers__dbt_tmp as select * from customers where customer_id % 2 = 0"
SWAP = "alter table customers rename to customers__dbt_backup; alter table customers__dbt_tmp rename to customers;"
REPLACED = "public.customers was replaced while run .* was being scored, as dbt does"


def test_night_that_began_before_a_swap_of_names_fails_with_one_line_and_publishes_nothing(project: Project) -> None:
    """The second shard would have had the customers of another table; the next night has all of them."""
    planned = project.plan("2026-11-21", models=["kmeans"], shards=2)
    project.score(planned["run_id"], 0)
    project.sql(BUILD)
    project.sql(SWAP)
    with pytest.raises(RunError, match=REPLACED):
        project.score(planned["run_id"], 1)
    with pytest.raises(RunError, match="have not been scored"):
        project.publish(planned["run_id"])
    night = project.night("2026-11-21", models=["kmeans"], shards=2)
    assert [(night["rows_read"],)] == project.sql("select count(*) from customers")


def test_shard_that_waits_for_a_swap_fails_and_does_not_find_an_empty_table(project: Project) -> None:
    """Its snapshot is older than the rows of the new table, which it would have read as none."""
    planned = project.plan("2026-11-21", models=["kmeans"], shards=1)
    project.sql(BUILD)
    failed: list[BaseException] = []

    def score() -> None:
        try:
            project.score(planned["run_id"])
        except RunError as error:
            failed.append(error)

    with closing(psycopg2.connect(project.warehouse.uri)) as connection, connection.cursor() as cursor:
        cursor.execute(SWAP)
        scoring = Thread(target=score)
        scoring.start()
        waiting = "select exists (select from pg_stat_activity where wait_event_type = 'Lock')"
        while not project.sql(waiting)[0][0]:
            pass
        connection.commit()
        scoring.join()
    assert [str(error) for error in failed if "was replaced while run" in str(error)] != []


@pytest.mark.parametrize("query", ["select * from customers", "select * from {view} where :as_of > date '2000-01-01'"])
def test_night_of_a_query_fails_where_a_table_that_it_reads_was_replaced(project: Project, query: str) -> None:
    """Whatever tables it names, behind a view too; names that need quotes are no others."""
    project.sql('create view "Customers.of" as select * from customers')
    project = project.with_contract(table=None, source=CustomerSource(query=query.format(view='"Customers.of"')))
    planned = project.plan("2026-11-21", models=["kmeans"], shards=2)
    project.score(planned["run_id"], 0)
    project.sql(BUILD)
    project.sql(SWAP)
    project.sql('create or replace view "Customers.of" as select * from customers')
    with pytest.raises(RunError, match=REPLACED):
        project.score(planned["run_id"], 1)
    night = project.night("2026-11-21", models=["kmeans"], shards=2)
    assert [(night["rows_read"],)] == project.sql("select count(*) from customers")


def test_partition_that_is_added_replaces_nothing(project: Project) -> None:
    """A query of a table by days goes on when the next day's partition is made."""
    project.sql("create table parts (like customers) partition by range (customer_id)")
    project.sql("create table parts_1 partition of parts for values from (minvalue) to (1000000)")
    project.sql("insert into parts select * from customers where customer_id is not null")
    project = project.with_contract(table=None, source=CustomerSource(query="select * from parts"))
    planned = project.plan("2026-11-21", models=["kmeans"], shards=2)
    project.score(planned["run_id"], 0)
    project.sql("create table parts_2 partition of parts for values from (1000000) to (maxvalue)")
    project.score(planned["run_id"], 1)
    assert [(project.publish(planned["run_id"])["rows_read"],)] == project.sql("select count(*) from parts")


def test_copy_of_the_night_is_read_whatever_is_swapped(project: Project) -> None:
    """A night that has copied its customers has all of them from one table."""
    project = project.with_contract(table=None, source=CustomerSource(table="public.customers", materialise=True))
    [(customers,)] = project.sql("select count(*) from customers")
    planned = project.plan("2026-11-21", models=["kmeans"], shards=2)
    project.score(planned["run_id"], 0)
    project.sql(BUILD)
    project.sql(SWAP)
    project.score(planned["run_id"], 1)
    assert project.publish(planned["run_id"])["rows_read"] == customers
