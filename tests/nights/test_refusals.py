"""What is said, and kept, of rows that nobody can use."""

from __future__ import annotations

import pytest

from clustering import Warehouse, draw_sample, train
from clustering.config import Column, load_configuration
from clustering.config.files import PROJECT
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.errors import DataError, TooManyRejectedError
from clustering.scoring.retention import drop_expired
from clustering.warehouse.source import describe_source
from tests.logins import administer
from tests.projects import Project, retrain

MONEY = """
create table money as
select i::bigint as customer_id, i % 60 + 18 as age, 'F'::text as gender,
    (1234.5 + i * 100)::numeric::money as annual_income, 1 + i % 100 as spending_score, '6/16/2014'::text as enrolled
from generate_series(1, 200) as i
"""
ORDERS = """
create table orders as
select (i % 50 + 1)::bigint as customer_id, 30 as age, 'F'::text as gender, i * 3.5 as annual_income,
    1 + i % 100 as spending_score, timestamp '2026-01-01' + i * interval '1 hour' as ordered_at, i * 3.5 as amount
from generate_series(1, 200) as i
"""


def trained_by(project: Project) -> None:
    drawn = draw_sample(project.warehouse, project.configuration, models=["kmeans"], requested_by="test")
    train(project.warehouse, project.configuration, project.registry, model="kmeans", sample=drawn["sample"])


def spoilt(project: Project) -> Project:
    """Return a project whose customers have an income as money and a date that is none."""
    project.sql(MONEY.replace("::money", "::money::text"))
    columns = dict(project.configuration.contract.columns)
    columns["enrolled"] = Column(type="date", role="profile")
    return project.with_contract(table="public.money", columns=columns)


WORDS = (
    r"annual_income '\$1,334\.50' has the wrong type \(allowed: a number, 0 or more\), wrong_type 200 rows; "
    r"enrolled '6/16/2014' has the wrong type \(allowed: a date such as 2026-01-31, or nothing\), wrong_type 200 rows"
)


def test_refused_night_names_every_column_and_keeps_the_rows(project: Project) -> None:
    """Each column at fault is told with its reason, count and an example, and rejected_customers has the rows."""
    before = project.labels()
    other = spoilt(project)
    planned = other.plan()
    other.score(planned["run_id"])
    with pytest.raises(TooManyRejectedError, match="200 of 200 rows were rejected: " + WORDS):
        other.publish(planned["run_id"])
    rejected = project.sql(
        "select reason, column_name, count(*), min(value) from segmentation.rejected_customers where run_id = %s"
        " group by 1, 2",
        planned["run_id"],
    )
    assert rejected == [("wrong_type", "annual_income", 200, "$1,334.50")]
    ((status, note),) = project.sql(
        "select status, note from segmentation.scoring_runs where run_id = %s", planned["run_id"]
    )
    assert (status, note) == ("abandoned", "200 of 200 rows were rejected; see rejected_customers")
    assert project.staged() == []
    assert project.sql("select count(*) from segmentation.run_shards where reasons is not null") == [(0,)]
    assert project.labels() == before


def test_refused_training_says_the_same(untrained: Project) -> None:
    """A model that cannot be trained names the columns, with the words of the night."""
    with pytest.raises(
        DataError,
        match=r"none of the 200 rows drawn from public\.money is valid: " + WORDS.replace(r"1,334\.50", r"[\d,.]+"),
    ):
        trained_by(spoilt(untrained))


def test_table_of_orders_is_told_what_it_lacks(untrained: Project) -> None:
    """Several rows a customer are told with how many there are, and with what makes customers of them."""
    untrained.sql(ORDERS)
    said = r"customer_id stands in more than one row \(allowed: each key once\), duplicate_key 200 rows, 4 a key on"
    with pytest.raises(DataError, match=said) as caught:
        trained_by(untrained.with_contract(table="public.orders"))
    assert "declare what is counted under orders, see docs/orders.md" in str(caught.value)


def test_view_of_the_example_makes_customers_of_orders(empty_warehouse: Warehouse) -> None:
    """A view gives the columns that the models of the example cluster by."""
    view = (PROJECT / "examples" / "online_retail" / "orders.sql").read_text(encoding="utf-8")
    contract = load_configuration(PROJECT / "examples" / "online_retail").contract
    wanted = {name: column for name, column in contract.columns.items() if column.role in ("key", "cluster")}
    contract = contract.model_copy(update={"table": "public.rfm_customers", "columns": wanted})
    administer(empty_warehouse.uri, ORDERS, view)
    with empty_warehouse.transaction() as transaction:
        assert describe_source(transaction, contract).rows == 50


def test_rows_of_old_refused_runs_are_dropped(project: Project) -> None:
    """As many refused runs keep their rows as runs keep their labels."""
    other = spoilt(project.with_contract(label_runs=1))
    refused = []
    for _ in range(2):
        planned = other.plan()
        other.score(planned["run_id"])
        with pytest.raises(TooManyRejectedError):
            other.publish(planned["run_id"])
        refused.append(planned["run_id"])
    drop_expired(other.warehouse, other.configuration)
    kept = project.sql("select distinct run_id from segmentation.rejected_customers where run_id = any(%s)", refused)
    assert kept == [(refused[-1],)]


def test_settings_of_the_database_reject_nothing(untrained: Project) -> None:
    """Dates are read in a database that writes them as in Germany, by the training and by the night."""
    load_customers(untrained.warehouse, untrained.configuration.contract, generate_customers(3_000, seed=1))
    untrained.sql(
        "do $$ begin execute format('alter database %I set datestyle = ''German''', current_database()); end $$"
    )
    untrained.warehouse.dispose()  # it holds for the sessions to come
    untrained.sql("alter table customers add column signup date, add column seen timestamptz")
    untrained.sql("update customers set signup = date '2026-01-15', seen = timestamptz '2026-01-15 23:30:00+00'")
    columns = dict(untrained.configuration.contract.columns)
    columns |= {"signup": Column(type="date", role="profile"), "seen": Column(type="timestamp", role="profile")}
    project = untrained.with_contract(columns=columns)
    assert {one["decision"] for one in retrain(project, "kmeans")} == {"promoted"}
    assert project.night(models=["kmeans"])["rows_labelled"] > 2_500
