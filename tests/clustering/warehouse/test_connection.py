"""Connections and transactions against a real server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from traceback import format_exception
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg2
import pytest
from adbc_driver_manager import DatabaseError
from psycopg2 import errors, sql
from psycopg2.extensions import parse_dsn
from sqlalchemy.exc import DBAPIError

from clustering.errors import ConfigurationError, WarehouseError
from clustering.warehouse import Warehouse, connect, queries, warehouse_url
from clustering.warehouse.bulk import ArrowConnection

STATEMENTS = {
    "create": "create table basket (id int, content jsonb)",
    "put": "insert into basket values (:id, :content)",
    "add": "update basket set id = id + 1",
    "missing": "select id from basket where content::text = :id and nobody = 1",
    "all": "select id, content from basket order by id",
    "count": "select count(*) from {table}",
    "two": "create table {table} (word text);\ninsert into {table} values (:word)",
    "literals": "select 100 % 7 as modulus, '{}'::jsonb as empty, :id::uuid as id, '50 %: a' like '%\\%:%' as found",
    "plain": "select 100 % 7 as modulus, '{}'::jsonb as empty",
    "named": "select {value} as {column}, {id} as id",
    "nobody": "select 1 where false",
    "leave": "select pg_terminate_backend(pg_backend_pid())",
    "pid": "select pg_backend_pid()",
    "end": "select pg_terminate_backend(:pid)",
    "wrong": "select from nowhere",
    "settings": "select current_setting('transaction_isolation'), current_setting('transaction_read_only')",
}

ODD_SETTINGS = {
    "datestyle": "German",
    "intervalstyle": "iso_8601",
    "timezone": "Asia/Tokyo",
    "extra_float_digits": "-10",
    "standard_conforming_strings": "off",
}
WRITTEN = """
select
    (date '2026-01-31')::text as day, (interval '1 day 2 hours')::text as wait,
    (timestamptz '2026-01-31 12:00:00+00')::text as moment, (0.1::float8 + 0.2::float8)::text as amount,
    %(text)s::text as name, current_setting('standard_conforming_strings') as plain
"""
EXPECTED = ("2026-01-31", "1 day 02:00:00", "2026-01-31 12:00:00+00", "0.30000000000000004", "a\\b's é", "on")


@pytest.fixture
def shop(empty_warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Return a warehouse with a table, and the statements above as its queries."""
    statements = [f"-- name: {name}\n{statement};\n" for name, statement in STATEMENTS.items()]
    (tmp_path / "shop.sql").write_text("\n".join(statements))
    monkeypatch.setattr(queries, "DIRECTORY", tmp_path)
    with empty_warehouse.transaction() as transaction:
        transaction.execute("shop/create")
    return empty_warehouse


class Basket(NamedTuple):
    """A row of the table."""

    id: int
    content: dict[str, str]


def count(shop: Warehouse) -> int:
    with shop.transaction() as transaction:
        return int(transaction.scalar("shop/count", {"table": sql.Identifier("basket")}))


def test_rows_become_values(shop: Warehouse) -> None:
    """A row is a value of a class with the columns for fields, and no class takes a row with other columns."""
    with shop.transaction() as transaction:
        transaction.execute("shop/put", id=1, content={"fruit": "pear"})
        assert transaction.typed_rows(Basket, "shop/all") == [Basket(1, {"fruit": "pear"})]
        assert transaction.typed_row(Basket, "shop/all") == Basket(1, {"fruit": "pear"})
        assert transaction.typed_row(Basket, "shop/nobody") is None
        with pytest.raises(TypeError, match="modulus"):
            transaction.typed_row(Basket, "shop/plain")


def test_percent_signs_of_names_and_values_are_taken_literally(shop: Warehouse) -> None:
    """A name, a value or a text with a percent sign is no parameter, beside one that is."""
    names = {"column": sql.Identifier("up by %"), "value": sql.Literal("5%(id)s"), "id": sql.Placeholder("id")}
    with shop.transaction() as transaction:
        row = transaction.row("shop/named", names, id=7)
        assert row is not None
        assert dict(row._mapping) == {"up by %": "5%(id)s", "id": 7}
        assert [name for name, _ in transaction.columns("shop/named", names, id=7)] == ["up by %", "id"]


def test_rows_come_back_by_name(shop: Warehouse) -> None:
    """Rows have their columns' names; dictionaries travel as JSON."""
    with shop.transaction() as transaction:
        assert transaction.execute("shop/put", id=1, content={"apples": 2.5}) == 1
        assert transaction.insert("shop/put", [{"id": 2, "content": None}, {"id": 3, "content": {}}]) == 2
        assert transaction.insert("shop/put", []) == 0
    with shop.transaction(read_only=True) as transaction:
        rows = transaction.rows("shop/all")
    assert [(row.id, row.content) for row in rows] == [(1, {"apples": 2.5}), (2, None), (3, {})]


def test_no_row(shop: Warehouse) -> None:
    """Where a query finds nothing, its row and its scalar are None."""
    with shop.transaction() as transaction:
        assert transaction.row("shop/nobody") is None
        assert transaction.scalar("shop/nobody") is None


def test_identifiers_are_quoted_and_values_bound(shop: Warehouse) -> None:
    """Neither a name nor a value can end a statement; several statements share their parameters."""
    table = sql.Identifier('a"; drop table basket; --')
    with shop.transaction() as transaction:
        assert transaction.execute("shop/two", {"table": table}, word="'; drop table basket; -- %s {x}") == 1
        assert transaction.scalar("shop/count", {"table": table}) == 1
        assert transaction.compose("shop/count", {"table": table}) == (
            '-- name: count\nselect count(*) from "a""; drop table basket; --"'
        )
    assert count(shop) == 0


def test_percent_signs_and_braces_are_literal(shop: Warehouse) -> None:
    """Percent signs and braces of a query stand for themselves, whether it binds a value or not."""
    key = UUID("12345678-1234-5678-1234-567812345678")
    with shop.transaction() as transaction:
        assert transaction.row("shop/literals", id=key) == (2, {}, key, True)
        assert transaction.row("shop/plain") == (2, {})
        composed = transaction.compose("shop/plain")
        assert transaction.connection.exec_driver_sql(composed.replace("%", "%%")).one() == (2, {})


def test_values_are_not_composed(shop: Warehouse) -> None:
    """A query whose values have to be bound is no text for another driver."""
    with shop.transaction() as transaction, pytest.raises(ValueError, match="'shop/put' binds content, id; run it"):
        transaction.compose("shop/put")


def test_exception_rolls_back(shop: Warehouse) -> None:
    """Changes are rolled back if an exception escapes the block."""

    def fail() -> None:
        with shop.transaction() as transaction:
            transaction.execute("shop/put", id=1, content=None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert count(shop) == 0


def test_isolation(shop: Warehouse) -> None:
    """A transaction is as isolated and as harmless as was asked."""
    with shop.transaction() as transaction:
        assert transaction.row("shop/settings") == ("read committed", "off")
    with shop.transaction(repeatable_read=True, read_only=True) as transaction:
        assert transaction.row("shop/settings") == ("repeatable read", "on")


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1"])
def test_sessions_set_what_they_rely_on(create_database: Callable[[], str], encoding: str) -> None:
    """Both drivers write dates, numbers and text in one way, whatever the settings of the database are."""
    url = create_database()
    own = f"odd_{uuid4().hex}"
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"create database {own} template template0 encoding '{encoding}' locale 'C'")
            for name, value in ODD_SETTINGS.items():
                cursor.execute(f"alter database {own} set {name} = '{value}'")
    warehouse = Warehouse(urlunsplit(urlsplit(url)._replace(path=f"/{own}")))
    try:
        with warehouse.transaction() as transaction:
            found = transaction.connection.exec_driver_sql(WRITTEN, {"text": "a\\b's é"}).one()
            literal = sql.Literal("a\\b's é").as_string(transaction.connection.connection.dbapi_connection)
        with ArrowConnection(warehouse.uri, read_only=True) as reader:
            (read,) = reader.table(WRITTEN.replace("%(text)s", literal)).to_pylist()
        assert tuple(found) == tuple(read.values()) == EXPECTED
    finally:
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"drop database {own} with (force)")


def test_options_of_the_connection_reach_both_sessions(create_database: Callable[[], str]) -> None:
    """The search path that a connection names holds for either driver, with a space before it or none."""
    for options in ("-c search_path=crm,public", "-csearch_path=crm,public", "-c+search_path%3Dcrm,public"):
        warehouse = Warehouse(f"{create_database()}&options={options}")
        with warehouse.transaction() as transaction:
            shown = transaction.connection.exec_driver_sql("show search_path").scalar()
        with ArrowConnection(warehouse.uri) as reader:
            read = reader.table("select current_setting('search_path') as path").to_pylist()
        assert (shown, read) == ("crm,public", [{"path": "crm,public"}])


def test_errors_hold_no_values(shop: Warehouse) -> None:
    """What a database refuses is told without bound values and without the statement that holds a key."""
    customer = "-".join(["cust", "4711"])
    with pytest.raises(DBAPIError) as bound, shop.transaction() as transaction:
        transaction.execute("shop/missing", id=customer)
    assert 'column "nobody" does not exist' in str(bound.value)
    assert customer not in "".join(format_exception(bound.value))
    with ArrowConnection(shop.uri) as reader, pytest.raises(DatabaseError) as composed:
        reader.table("select id from basket where content::text = 'number' and nobody = 1".replace("number", customer))
    assert 'column "nobody" does not exist' in str(composed.value)
    assert customer not in "".join(format_exception(composed.value))


def test_autocommit(shop: Warehouse) -> None:
    """Every statement of an autocommit block stands for itself."""

    def fail() -> None:
        with shop.autocommit() as transaction:
            transaction.execute("shop/put", id=1, content=None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert count(shop) == 1


def test_programming_error_stays_one(shop: Warehouse) -> None:
    """A wrong statement is not taken for a lost connection."""
    with pytest.raises(DBAPIError) as caught, shop.transaction() as transaction:
        transaction.execute("shop/wrong")
    assert isinstance(caught.value.orig, errors.UndefinedTable)


@pytest.mark.parametrize("read_only", [False, True])
def test_lost_connection(shop: Warehouse, read_only: bool) -> None:
    """A connection that the server ends is a transient error, and the next transaction works."""
    with (
        pytest.raises(WarehouseError, match="did not go on"),
        shop.transaction(read_only=read_only) as transaction,
    ):
        transaction.execute("shop/leave")
    assert count(shop) == 0


def test_connection_lost_before_commit(shop: Warehouse) -> None:
    """A connection that is gone when the transaction commits is a transient error as well."""

    def leave() -> None:
        with shop.transaction() as transaction, shop.autocommit() as other:
            transaction.execute("shop/put", id=1, content=None)
            other.execute("shop/end", pid=transaction.scalar("shop/pid"))

    with pytest.raises(WarehouseError):
        leave()
    assert count(shop) == 0


def test_overtaken_transaction(shop: Warehouse) -> None:
    """A transaction that loses to another is a transient error."""
    with shop.transaction() as transaction:
        transaction.execute("shop/put", id=1, content=None)

    def overtake() -> None:
        with shop.transaction(repeatable_read=True) as slow:
            slow.rows("shop/all")
            with shop.transaction() as fast:
                fast.execute("shop/add")
            slow.execute("shop/add")

    with pytest.raises(WarehouseError, match="could not serialize"):
        overtake()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_schemes(create_database: Callable[[], str], scheme: str) -> None:
    """The usual spellings of a PostgreSQL URL mean the same; `uri` has the one that libpq knows."""
    url = create_database()
    warehouse = Warehouse(url.replace("postgresql", scheme, 1))
    assert parse_dsn(warehouse.uri) == parse_dsn(url)
    with warehouse.transaction():
        pass


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:geheim@127.0.0.1:1/shop",
        "postgresql://ada:geheim@no-such-host.invalid/shop",
        "postgresql://ada:geheim@/shop?host=/no/such/directory",
    ],
)
def test_unreachable(url: str) -> None:
    """An unreachable warehouse is named without its password."""
    warehouse = connect(url)
    with pytest.raises(WarehouseError, match="shop cannot be reached") as caught, warehouse.transaction():
        pass
    assert "geheim" not in str(caught.value) + repr(warehouse)


@pytest.mark.parametrize(
    "url", ["mysql://ada:geheim@host/shop", "geheim", "postgresql://ada:geheim@[host/shop", "postgresql:geheim"]
)
def test_wrong_url(url: str) -> None:
    """What is not a PostgreSQL URL is refused at once, without its password."""
    with pytest.raises(ConfigurationError, match="postgresql://user:password@host") as caught:
        Warehouse(url)
    assert "heim" not in str(caught.value)


def test_warehouse_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names the warehouse, or an error says what to set."""
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://host/shop")
    assert warehouse_url() == "postgresql://host/shop"
    assert repr(connect()) == "Warehouse('host/shop')"
    monkeypatch.delenv("WAREHOUSE_URL")
    with pytest.raises(ConfigurationError, match="WAREHOUSE_URL is not set"):
        warehouse_url()


def test_both_drivers_send_keepalives(warehouse: Warehouse) -> None:
    """A server that is gone without a word is noticed, unless the connection's own settings say otherwise."""
    probe = "select count(*) from pg_stat_activity where application_name = 'clustering' and pid = pg_backend_pid()"
    with ArrowConnection(warehouse.uri) as reader:
        assert reader.table(probe).column(0).to_pylist() == [1]
    with warehouse.transaction() as transaction:
        settings = transaction._driver.get_dsn_parameters()
    assert (settings["keepalives_idle"], settings["keepalives_interval"], settings["keepalives_count"]) == (
        "15",
        "5",
        "3",
    )
    own = Warehouse(f"{warehouse.uri}{'&' if '?' in warehouse.uri else '?'}keepalives_idle=60")
    with own.transaction() as transaction:
        settings = transaction._driver.get_dsn_parameters()
    assert settings["keepalives_idle"] == "60"
