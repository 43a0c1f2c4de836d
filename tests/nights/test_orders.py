"""From lines of orders to segments: nights, past dates and what is refused, by the example's declaration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from clustering import migrate
from clustering.cli import main
from clustering.config import PROJECT
from clustering.config.orders import CustomerTable, Orders
from clustering.errors import DataError
from clustering.scoring.dates import end_of_past
from clustering.warehouse.customer_values import customer_values
from clustering.warehouse.order_tables import check_currency
from clustering.warehouse.source import find_source
from months import month_ends
from tests.projects import Project, retrain
from tests.shops import CUSTOMERS, LAST, orders_of

NAMES = "select segment_name from segmentation.current_segments order by 1"


def declaring(project: Project, **settings: Any) -> Project:
    """Return the project with other settings of its orders."""
    return project.with_contract(orders=orders_of(project).model_copy(update=settings))


def labels(project: Project, day: str) -> list[tuple[Any, ...]]:
    """Return everybody's label of a date."""
    return project.sql(
        "select label.customer_id, label.segment_id, label.confidence from segmentation.customer_labels as label"
        " join segmentation.published_runs as published using (run_id, model) where published.as_of = %s order by 1",
        day,
    )


def test_orders_become_named_segments(shop: Project) -> None:
    """A night of the generated orders has the customers of a shop, by their names; who only returned is rejected."""
    shop.night(str(LAST))
    assert {name for (name,) in shop.sql(NAMES)} == {"Champions", "Loyal", "New", "At Risk", "Asleep", "Lost"}
    [(customers,)] = shop.sql("select sum(customers) from segmentation.current_segments")
    assert 0.95 * CUSTOMERS < customers <= CUSTOMERS


def test_later_orders_change_no_label_of_a_date(shop: Project) -> None:
    """Scored again as a past date, after orders of later days, everybody has the label of the night itself."""
    day = LAST - timedelta(days=30)
    shop.night(str(day))
    before = labels(shop, str(day))
    shop.sql(
        "insert into public.order_lines (order_id, customer_id, ordered_at, product, amount)"
        " select 'late' || customer_id, customer_id, %s, 'late', 1e6 from public.order_lines group by customer_id",
        f"{day + timedelta(days=1)} 00:00:00",
    )
    shop.sql("update segmentation.promotions set decided_at = '2026-01-01'")
    shop.night(str(day), ended_at=end_of_past(day, UTC, now=datetime(2026, 11, 29, tzinfo=UTC)))
    assert labels(shop, str(day)) == before
    assert len(before) > CUSTOMERS / 2


@pytest.mark.slow
def test_twelve_month_ends_backfilled_are_the_nights_of_those_dates(shop: Project) -> None:
    """Row for row, in the opposite order, and after lines of later days have come for everybody."""
    days = month_ends(LAST, 12)
    unheld = shop.configuration.contract.checks.model_copy(update={"hold": "never"})
    shop = shop.with_contract(checks=unheld)  # a month changes more than a night may
    for day in days:
        shop.night(str(day))
    nights = {day: labels(shop, str(day)) for day in days}
    shop.sql(
        "insert into public.order_lines (order_id, customer_id, ordered_at, product, amount)"
        " select 'late' || customer_id, customer_id, %s, 'late', 1e6 from public.order_lines group by customer_id",
        LAST,
    )
    shop.sql("update segmentation.promotions set decided_at = '2025-01-01'")
    for day in reversed(days):
        shop.night(str(day), ended_at=end_of_past(day, UTC, now=datetime(2026, 11, 29, tzinfo=UTC)))
        assert labels(shop, str(day)) == nights[day]
    assert len(nights[days[0]]) < len(nights[days[-1]])


def test_day_without_orders_makes_no_column_stale(shop: Project) -> None:
    """Recency, tenure and the last days have moved by themselves, and the rest is as it was, as on a holiday."""
    for day in (LAST, LAST + timedelta(days=1)):
        shop.night(str(day))
    found = "select check_name from segmentation.night_checks where check_name in ('unchanged', 'stale') and value > 0"
    assert shop.sql(found) == [("unchanged",)]


def test_shards_of_any_number_give_the_same_labels(shop: Project) -> None:
    """The features of a customer are computed from all of its lines, however keys are cut."""
    shop.night(str(LAST))
    before = labels(shop, str(LAST))
    shop.night(str(LAST), shards=4)
    assert labels(shop, str(LAST)) == before


def test_customers_without_a_purchase_are_rejected_or_included(shop: Project) -> None:
    """Who has only returned something is rejected with a reason, or has nothing and is labelled."""
    shop.sql("insert into public.order_lines values ('R1', 'only returned', %s, 'P', 'Toys', -5)", LAST)
    shop.night(str(LAST))
    [(reason,)] = shop.sql("select reason from segmentation.rejected_customers where customer_id = 'only returned'")
    assert reason == "missing_value"
    contract = shop.configuration.contract
    filled = contract.columns["recency_days"].model_copy(update={"missing": 9_999.0})
    columns = {
        name: column.model_copy(update={"range": (0, None), "missing": "allow"}) if column.role == "profile" else column
        for name, column in {**contract.columns, "recency_days": filled}.items()
    }
    columns["orders"] = columns["orders"].model_copy(update={"range": (0, None)})
    including = shop.with_contract(columns=columns)
    including = declaring(including, no_orders="include")
    retrain(including)
    including.night(str(LAST))
    assert "only returned" in {customer for customer, *_ in labels(including, str(LAST))}


BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "missing table": ("drop table public.order_lines", {}, "orders.table: the table public.order_lines does not exist"),
    "missing column": (
        "alter table public.order_lines rename amount to amounts",
        {},
        "orders.amount: public.order_lines has no column 'amount'; did you mean amounts?",
    ),
    "amount as text": (
        "alter table public.order_lines alter amount type text using '€ ' || amount",
        {},
        "orders.amount: the column amount has the type text, which cannot be added, such as text with a currency sign",
    ),
    "two currencies": (
        "alter table public.order_lines add currency text default 'EUR'; update public.order_lines set currency = 'USD'"
        " where product = 'P001'",
        {},
        "orders.currency: currency of public.order_lines has EUR and USD, whose amounts cannot be added; choose one by",
    ),
    "key of another type": (
        "alter table public.order_lines alter customer_id type numeric using substr(customer_id, 2)::numeric",
        {"customers": {"table": "public.customers", "key": "id", "since": "since"}},
        "orders.customers.key: id of public.customers is text, but customer_id of public.order_lines is numeric",
    ),
    "no feature, and no column of a customer": (
        "alter table public.customers add revenues numeric",
        {
            "customers": {"table": "public.customers", "key": "id", "since": "since"},
            "features": {"recency_days": "recency_days", "orders": "orders"},
        },
        "columns: public.customers has no column 'revenue', and aliases do not hold in a table of customers: name",
    ),
    "key that is no key": (
        "alter table public.order_lines alter customer_id type double precision using substr(customer_id, 2)::numeric",
        {},
        "orders.customer: the column customer_id has the type float8, which the key customer_id of type text is not",
    ),
    "empty table": ("truncate public.order_lines", {}, "orders.table: public.order_lines has no rows"),
    "clock without a zone": (
        "alter table public.order_lines alter ordered_at type timestamptz",
        {},
        "orders.time: the column ordered_at has the type timestamptz, .* name orders.time_zone",
    ),
    "zone without a clock": (
        "select",
        {"time_zone": "Europe/Berlin"},
        "orders.time: the column ordered_at has the type timestamp, which no time zone turns",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_orders_that_do_not_fit_are_refused_before_anything_changes(shop: Project, case: str) -> None:
    """One line names the key of the declaration and the column; neither a run nor a sample is left."""
    statement, settings, said = BROKEN[case]
    shop.sql("create table public.customers (id text, since timestamp)")
    for one in statement.split("; "):
        shop.sql(one)
    broken = declaring(shop, **Orders.model_validate(orders_of(shop).model_dump() | settings).__dict__)
    with pytest.raises(DataError, match=said):
        broken.plan(str(LAST))
    with pytest.raises(DataError, match=said):
        retrain(broken)
    assert shop.sql("select count(*) from segmentation.scoring_runs") == [(0,)]
    assert shop.staged() == []


def test_one_currency_of_two_can_be_chosen(shop: Project) -> None:
    """Lines that `only` leaves out have no say, and a currency of later days has none yet."""
    shop.sql("alter table public.order_lines add currency text default 'EUR'")
    next_day = LAST + timedelta(days=1)
    shop.sql("insert into public.order_lines values ('1', 'C000001', %s, 'P', 'Toys', 5, 'USD')", next_day)
    shop.plan(str(LAST))
    with pytest.raises(DataError, match="has EUR and USD"):
        shop.plan(str(next_day))
    declaring(shop, only={"currency": ("EUR",)}).plan(str(next_day))


def test_currency_is_one_that_counts(shop: Project) -> None:
    """An empty text is none, as is that of lines of nobody."""
    shop.sql("alter table public.order_lines add currency text default 'EUR'")
    shop.sql("update public.order_lines set currency = ' ' where product = 'P001'")
    shop.sql("insert into public.order_lines values ('1', 'nobody', %s, 'P', 'Toys', 5, 'USD')", LAST)
    shop.sql("create table public.customers as select 'C000001' as id, null::date as since")
    known = declaring(shop, customers=CustomerTable(table="public.customers", key="id", since="since"))
    with known.warehouse.transaction(read_only=True) as transaction:
        check_currency(transaction, known.configuration.contract, as_of=LAST)
        find_source(transaction, known.configuration.contract, as_of=LAST)
        with pytest.raises(DataError, match="has EUR and USD"):
            check_currency(transaction, shop.configuration.contract, as_of=LAST)


def test_currency_that_may_not_be_read_ends_no_night(shop: Project) -> None:
    """What has been found by its name alone is left alone where the login lacks the right to it."""
    shop.sql("alter table public.order_lines add currency text default 'EUR'")
    shop.sql("create role orders_reader")
    try:
        shop.sql(
            "grant select (order_id, customer_id, ordered_at, product, amount) on public.order_lines to orders_reader"
        )
        shop.sql("grant usage on schema public to orders_reader")
        with shop.warehouse.transaction(read_only=True) as transaction:
            transaction.connection.exec_driver_sql("set local role orders_reader")
            check_currency(transaction, shop.configuration.contract, as_of=LAST)
    finally:
        shop.sql("drop owned by orders_reader")
        shop.sql("drop role orders_reader")


def test_currencies_are_looked_at_before_anything_is_copied(shop: Project, caplog: pytest.LogCaptureFixture) -> None:
    """A night that two currencies stop has not computed the features before."""
    caplog.set_level("INFO")
    shop.sql("alter table public.order_lines add currency text")
    shop.sql("update public.order_lines set currency = case product when 'P001' then 'USD' else 'EUR' end")
    with pytest.raises(DataError, match="has EUR and USD"):
        shop.plan(str(LAST))
    assert "copied in" not in caplog.text
    shop.sql("alter table public.order_lines drop currency")
    shop.plan(str(LAST))
    assert "copied in" in caplog.text


def test_keys_of_orders_are_grouped_and_looked_for_once(shop: Project) -> None:
    """No shard has to run the query again for keys that stand twice, as beside a table of customers."""
    shop.sql("create table public.customers as select 'C000001' as id, null::timestamp as since")
    table = CustomerTable(table="public.customers", key="id", since="since")
    for project, is_unique in ((shop, True), (declaring(shop, customers=table), False)):
        with project.warehouse.transaction(read_only=True) as transaction:
            assert find_source(transaction, project.configuration.contract).has_unique_key == is_unique


def test_query_is_printed_as_it_runs(
    shop: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the command prints can be pasted into psql, and gives the customers of the date."""
    monkeypatch.setenv("CLUSTERING_CONFIG", str(PROJECT / "examples" / "orders"))
    assert main(["source", "--sql", "--as-of", str(LAST)]) == 0
    printed = capsys.readouterr().out
    rows = shop.sql(printed)
    assert 0.95 * CUSTOMERS < len(rows) <= CUSTOMERS
    assert main(["source"]) == 0
    assert capsys.readouterr().out == "orders, past dates by the same query\n"


def test_writer_is_granted_what_orders_are_read_from(shop: Project) -> None:
    """A migration lets the DAGs read the table of orders and that of customers, as it does a table of customers."""
    shop.sql('create table public."the customers" (id text, since timestamp)')
    shop.sql("revoke all on public.order_lines from segmentation_writer")
    table = {"table": 'public."the customers"', "key": "id", "since": "since"}
    read = declaring(shop, customers=CustomerTable.model_validate(table))
    migrate(read.warehouse, read.configuration.contract)
    asked = "select has_table_privilege('segmentation_writer', %s, 'select')"
    for name in ("public.order_lines", 'public."the customers"'):
        assert shop.sql(asked, name) == [(True,)]


def test_rows_of_orders_are_the_customers_of_a_page(shop: Project) -> None:
    """A single customer's values are found by key around the query."""
    found = customer_values(shop.warehouse, shop.configuration.contract, ["C000001"])
    assert found.rows.num_rows == 1
    assert pa.types.is_string(found.rows.schema.field("customer_id").type)
