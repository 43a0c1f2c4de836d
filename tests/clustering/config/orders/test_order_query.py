"""The query of declared features gives what pandas computes from the same lines, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from io import StringIO
from typing import Any, get_args

import numpy as np
import pandas as pd
import psycopg2
import pytest

from clustering.config.orders import DeclaredFeature, OrderFeature, Orders, order_query
from clustering.config.orders.declared_orders import EVER
from clustering.config.source_query import KNOWN, with_dates
from tests.clustering.config.orders.shop import ZONE, generate_lines, local_time, plain_features
from tests.databases import Server

ALL: tuple[OrderFeature, ...] = get_args(OrderFeature)
COUNTED = {"orders", "revenue", "active_months", "distinct_products", "distinct_categories"}
DAYS = 45
BASE: dict[str, Any] = {
    "table": 'shop."order lines"',
    "customer": "customer",
    "time": "time",
    "amount": "amount",
    "order": "order",
    "product": "product",
    "category": "category",
    "time_zone": ZONE,
    "no_orders": "include",
    "features": {name: name for name in ALL},
}
TABLE = """
set timezone to 'Asia/Tokyo';
create schema shop;
create table shop."order lines" (
    line bigint, customer bigint, "order" bigint, time timestamptz, amount numeric, product text, category text,
    status text
);
create table shop.customers (id bigint, country text, since timestamptz, until timestamptz);
"""


@pytest.fixture(scope="module")
def cursor(postgresql: Server) -> Iterator[Any]:
    """Yield a cursor in a database with empty tables, in a session of another time zone."""
    name = postgresql.create()
    with closing(psycopg2.connect(postgresql.url(name))) as connection, connection.cursor() as cursor:
        cursor.execute(TABLE)
        connection.commit()
        yield cursor
    postgresql.drop(name)


def fill(cursor: Any, lines: pd.DataFrame) -> None:
    """Put lines in place of those that are there; their times are in UTC."""
    cursor.execute('truncate shop."order lines", shop.customers')
    text = lines.assign(time=lines["time"].astype(str) + "+00").to_csv(index=False, header=False)
    columns = ", ".join(f'"{name}"' for name in lines.columns)
    cursor.copy_expert(f'copy shop."order lines" ({columns}) from stdin csv', StringIO(text))


def ask(cursor: Any, declared: Orders, as_of: date, *others: str) -> pd.DataFrame:
    """Return the customers of a date, by their key."""
    query = order_query(declared, "customer_id", [*declared.features, *others])
    cursor.execute(query.replace("%", "%%").replace(":as_of", "%(as_of)s"), {"as_of": as_of})
    rows = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])
    return rows.set_index("customer_id").sort_index()


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Compare customers, and each of their features, to nine digits."""
    assert list(found.index) == sorted(expected.index)
    for name in expected.columns:
        values = pd.to_numeric(found[name]).to_numpy(float), expected[name].loc[found.index].to_numpy(float)
        np.testing.assert_allclose(*values, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("seed", range(4))
def test_features_are_those_that_pandas_computes(cursor: Any, seed: int) -> None:
    """With returns, zeros, lines twice, guests and the future; net and gross; whole days by the shop's clock."""
    lines = generate_lines(600, seed=seed)
    fill(cursor, lines)
    lines["local"] = local_time(lines, ZONE)
    net = bool(seed % 2)
    declared = Orders.model_validate(BASE | {"revenue": "net" if net else "gross"})
    for as_of in (date(2025, 8, 30), date(2025, 10, 26), date(2026, 3, 29), date(2027, 1, 1)):
        expected = plain_features(lines, as_of, net=net)
        if len(expected):
            assert_same(ask(cursor, declared, as_of), expected)
        else:
            assert ask(cursor, declared, as_of).empty


@pytest.mark.parametrize("as_of", [date(2025, 11, 1), date(2026, 3, 1)])
def test_features_of_the_last_days_see_those_days_alone(cursor: Any, as_of: date) -> None:
    """The last N days end with the date, and begin with the midnight N days before its end."""
    lines = generate_lines(600, seed=11)
    fill(cursor, lines)
    lines["local"] = local_time(lines, ZONE)
    windowed = {name: {"feature": name, "days": DAYS} for name in ALL if name not in EVER}
    found = ask(cursor, Orders.model_validate(BASE | {"features": windowed}), as_of)
    assert_same(found, plain_features(lines, as_of, days=DAYS)[list(windowed)])


@pytest.mark.parametrize("zone", [None, "America/Havana", "Atlantic/Azores", "Pacific/Kiritimati"])
def test_days_begin_at_midnight_of_the_shop(cursor: Any, zone: str | None) -> None:
    """Where the clock is set back at midnight too; without a zone the times stand for themselves."""
    times = pd.date_range("2025-10-24", "2025-11-04", freq="17min")
    lines = pd.DataFrame({"customer": np.arange(len(times)), "time": times, "amount": 1.0})
    fill(cursor, lines)
    lines["local"] = local_time(lines, zone or "UTC")
    as_of, declared = date(2025, 11, 1), BASE | {"time_zone": zone, "features": {"recency": "recency_days"}}
    if zone is None:
        cursor.execute("create view shop.plain as select *, time at time zone 'UTC' as local from shop.\"order lines\"")
        declared |= {"table": "shop.plain", "time": "local"}
    for as_of in (date(2025, 10, 25), date(2025, 11, 1), date(2025, 11, 2)):
        found = ask(cursor, Orders.model_validate(declared), as_of)["recency"]
        known = lines[lines["local"] < pd.Timestamp(as_of) + pd.Timedelta(days=1)]
        expected = (pd.Timestamp(as_of) - known["local"].dt.normalize()).dt.days
        assert list(found.index) == list(known["customer"])
        assert list(found) == list(expected)
        assert min(found) == 0


def test_later_orders_change_nothing_of_a_date(cursor: Any) -> None:
    """Whatever is planted from the end of the day on, every feature of the date stays as it is."""
    fill(cursor, generate_lines(600, seed=3))
    declared, as_of = Orders.model_validate(BASE), date(2025, 12, 31)
    before = ask(cursor, declared, as_of)
    cursor.execute(
        'insert into shop."order lines" (customer, "order", time, amount, product, category)'
        " select customer, 100000 + customer, timestamptz '2026-01-01 00:00+01', amount, 'new', 'new'"
        ' from (select distinct customer from shop."order lines") as known,'
        " (values (1e9), (-1e9)) as planted (amount)"
    )
    pd.testing.assert_frame_equal(ask(cursor, declared, as_of), before)
    assert len(ask(cursor, declared, date(2026, 1, 1))) >= len(before)
    assert not ask(cursor, declared, date(2026, 1, 1)).equals(before)


def test_lines_are_chosen_by_their_values(cursor: Any) -> None:
    """`only` and `without` choose, a line without a value stays with `without`; values of `returns` make returns."""
    lines = generate_lines(600, seed=21)
    fill(cursor, lines)
    lines["local"] = local_time(lines, ZONE)
    as_of, given = (
        date(2026, 2, 1),
        {"without": {"status": "test", "product": ["it's"]}, "returns": {"status": "returned"}},
    )
    found = ask(cursor, Orders.model_validate(BASE | given), as_of)
    kept = lines[(lines["status"] != "test") & (lines["product"] != "it's")].copy()
    kept["amount"] = kept["amount"].where(kept["status"] != "returned", -kept["amount"].abs())
    assert_same(found, plain_features(kept, as_of))
    paid = Orders.model_validate(BASE | {"only": {"status": ["paid", "sent"], "line": list(range(400))}})
    kept = lines[lines["status"].isin(["paid", "sent"]) & (lines["line"] < 400)]
    assert_same(ask(cursor, paid, as_of), plain_features(kept, as_of))


def test_equal_lines_count_once_if_the_contract_says_so(cursor: Any) -> None:
    """Equal in every column that is named; with the line's own column, lines that are alike but two stay two."""
    lines = generate_lines(600, seed=31)
    fill(cursor, lines)
    lines["local"] = local_time(lines, ZONE)
    as_of = date(2026, 2, 1)
    named = ["customer", "time", "amount", "order", "product", "category"]
    for line in (None, "line"):
        declared = Orders.model_validate(BASE | {"duplicates": "once", "line": line})
        once = lines.drop_duplicates([*named, *filter(None, [line])])
        assert len(once) < len(lines)
        assert_same(ask(cursor, declared, as_of), plain_features(once, as_of))


def test_customers_without_orders_are_empty_or_zero(cursor: Any) -> None:
    """Who has only returned, or never ordered, has no values, or 0 for what is counted."""
    lines = pd.DataFrame(
        {
            "customer": [1, 1, 2, 3],
            "order": [1, 2, 3, 4],
            "time": pd.to_datetime(["2026-01-05", "2026-01-09", "2026-01-05", "2026-01-05"]),
            "amount": [10.0, -4.0, -5.0, 0.0],
        }
    )
    fill(cursor, lines)
    as_of = date(2026, 1, 31)
    included = ask(cursor, Orders.model_validate(BASE), as_of)
    rejected = ask(cursor, Orders.model_validate(BASE | {"no_orders": "reject"}), as_of)
    assert dict(included.astype(float).loc[1].dropna()) == dict(rejected.astype(float).loc[1].dropna())
    assert (included.loc[1, "revenue"], included.loc[1, "average_order"], included.loc[1, "orders"]) == (6, 6, 1)
    assert rejected.loc[[2, 3]].isna().all(axis=None)
    for name in ALL:
        assert included.loc[[2, 3], name].isna().all() or (name in COUNTED and (included.loc[[2, 3], name] == 0).all())


def test_customers_of_a_table_are_those_of_the_date(cursor: Any) -> None:
    """Who came later is none yet, a row holds from `since` to before `until`, and who has no orders is one."""
    lines = pd.DataFrame({"customer": [1, 2, 9], "time": pd.to_datetime(["2026-01-05"] * 3), "amount": 1.0})
    fill(cursor, lines.assign(order=[1, 2, 3]))
    cursor.execute(
        "insert into shop.customers values (1, 'old', '2025-01-01', '2026-02-01 00:00+01'),"
        " (1, 'new', '2026-02-01 00:00+01', null), (2, 'later', '2026-02-01 00:00+01', null), (3, 'none', null, null)"
    )
    table = {"table": "shop.customers", "key": "id", "since": "since", "until": "until"}
    declared = Orders.model_validate(BASE | {"customers": table})
    found = ask(cursor, declared, date(2026, 1, 31), "country")
    assert dict(found["country"]) == {1: "old", 3: "none"}
    assert list(found["orders"]) == [1, 0]
    assert dict(ask(cursor, declared, date(2026, 2, 1), "country")["country"]) == {1: "new", 2: "later", 3: "none"}


def test_dates_of_customers_stand_beside_times_of_orders(cursor: Any) -> None:
    """A date is the shop's own, whatever the zone of its orders or of the session."""
    lines = pd.DataFrame({"customer": [1, 2], "time": pd.to_datetime(["2026-01-05"] * 2), "amount": 1.0})
    fill(cursor, lines.assign(order=[1, 2]))
    cursor.execute("drop table if exists shop.dated")
    cursor.execute(
        "create table shop.dated (id bigint, since date, until date);"
        "insert into shop.dated values (1, '2026-01-31', '2026-02-01'), (2, '2026-02-01', null)"
    )
    table = {"table": "shop.dated", "key": "id", "since": "since", "until": "until"}
    declared = Orders.model_validate(BASE | {"customers": table})
    assert list(ask(cursor, declared, date(2026, 1, 30)).index) == []
    assert list(ask(cursor, declared, date(2026, 1, 31)).index) == [1]
    assert list(ask(cursor, declared, date(2026, 2, 1)).index) == [2]


@pytest.mark.parametrize("name", ['say "x"', "it's; drop table t --", ":as_of", "100%s", "{a}", "Größe", "a\\b"])
def test_names_and_values_stay_what_they_are(cursor: Any, name: str) -> None:
    """Whatever a column is called or holds, it is a name or a value, and the server reads it as such."""
    cursor.execute("drop table if exists shop.odd")
    quoted = name.replace('"', '""').replace("%", "%%")
    cursor.execute(
        f'create table shop.odd as select 7::bigint as "{quoted}", timestamp \'2026-01-05\' as "{quoted}2",'
        f' 2 as "{quoted}3", %s as "{quoted}4"',
        (name,),
    )
    declared = {"table": "shop.odd", "customer": name, "time": f"{name}2", "amount": f"{name}3"}
    chosen = {"only": {f"{name}4": name}, "features": {"money": "revenue"}}
    found = ask_odd(cursor, Orders.model_validate(declared | chosen), date(2026, 1, 31))
    assert [tuple(row) for row in found] == [(7, 2)]


@pytest.mark.parametrize("seed", range(2))
def test_customers_as_known_before_are_those_of_whom_nothing_was_heard_since(cursor: Any, seed: int) -> None:
    """Lines up to one date, counted up to a later one, are those of that one without the lines in between."""
    lines, known, as_of = generate_lines(600, seed=seed), date(2026, 1, 10), date(2026, 2, 9)
    windowed = {f"{name}_{DAYS}": {"feature": name, "days": DAYS} for name in ALL if name not in EVER}
    declared = Orders.model_validate(BASE | {"features": BASE["features"] | windowed})
    fill(cursor, lines)
    aged = order_query(declared, "customer_id", [*declared.features], known=KNOWN)
    cursor.execute(with_dates(aged, f"date '{as_of}'", f"date '{known}'").replace("%", "%%"))
    found = sorted(map(str, cursor.fetchall()))
    now = ask_odd(cursor, declared, as_of)
    fill(cursor, lines[local_time(lines, ZONE) < pd.Timestamp(known) + pd.Timedelta(days=1)])
    assert found == sorted(map(str, ask_odd(cursor, declared, as_of)))
    assert found != sorted(map(str, now))


def ask_odd(cursor: Any, declared: Orders, as_of: date) -> list[Any]:
    """Return the rows of a date, which is put in as the source puts it in."""
    cursor.execute(with_dates(order_query(declared, "customer_id", [*declared.features]), f"date '{as_of}'"))
    return list(cursor.fetchall())


def test_windows_and_declarations_have_words() -> None:
    """What is declared in one word is a feature of all days."""
    declared = Orders.model_validate(BASE).features["orders"]
    assert declared == DeclaredFeature(feature="orders")


def test_lines_at_infinity_are_left_out(cursor: Any) -> None:
    """No difference of days can be taken from them, so that one would end the whole night."""
    lines = pd.DataFrame({"customer": [1], "order": [1], "time": pd.to_datetime(["2026-01-05"]), "amount": [10.0]})
    fill(cursor, lines)
    cursor.execute("insert into shop.\"order lines\" (customer, time, amount) values (1, '-infinity', 5), (2, null, 5)")
    found = ask(cursor, Orders.model_validate(BASE), date(2026, 1, 31))
    assert list(found.index) == [1]
    assert (found.loc[1, "tenure_days"], found.loc[1, "revenue"]) == (26, 10)


def test_amounts_are_made_exact_only_where_they_are_added() -> None:
    """The server repeats an expression of a line wherever it is compared, and this one costs more than all others."""
    query = order_query(Orders.model_validate(BASE), "customer_id", [*ALL])
    assert query.count("::numeric") == query.count("sum(amount::numeric)") + 1  # and the days between orders
