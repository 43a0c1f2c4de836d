"""Customers from a CSV file into a warehouse."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pytest

from clustering.config import PROJECT, Configuration, Contract, load_configuration
from clustering.customers import split
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers, read_csv
from clustering.errors import DataError, WarehouseError
from clustering.warehouse import Warehouse

DATA = PROJECT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} does not exist")

MALL = "CustomerID,Gender,Age,Annual Income (k$),Spending Score (1-100)\n"


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "customers.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@contextmanager
def cursor_of(warehouse: Warehouse) -> Iterator[Any]:
    """Give a plain cursor, to look at the warehouse without the code under test."""
    with closing(psycopg2.connect(warehouse.uri)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def types_of(cursor: Any, table: str) -> dict[str, str]:
    cursor.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 order by attnum",
        (table,),
    )
    return dict(cursor.fetchall())


def test_a_file_is_read_by_header_and_alias_in_the_contracts_units(
    tmp_path: Path, configuration: Configuration
) -> None:
    rows = read_csv(write(tmp_path, MALL + "1,Male,19,15,39\n2,,21,15.5,81\n"), configuration.contract)
    assert rows.schema == pa.schema(
        [
            ("customer_id", pa.int64()),
            ("age", pa.int64()),
            ("gender", pa.string()),
            ("annual_income", pa.float64()),
            ("spending_score", pa.float64()),
        ]
    )
    assert [tuple(row.values()) for row in rows.to_pylist()] == [
        (1, 19, "Male", 15_000.0, 39.0),
        (2, 21, None, 15_500.0, 81.0),
    ]


def test_a_column_with_a_bad_value_stays_text_and_loses_nothing(tmp_path: Path, configuration: Configuration) -> None:
    """Bad values stay as they are, good ones are in the contract's unit, and the night rejects the bad ones."""
    rows = read_csv(
        write(tmp_path, MALL + "1,Male,abc,15,39\n2,,21,1e400,81\n,,22,n/a,NaN\n4,,,15,1\n"), configuration.contract
    )
    assert rows["customer_id"].to_pylist() == [1, 2, None, 4]
    assert rows["age"].to_pylist() == ["abc", "21", "22", None]
    assert rows["annual_income"].to_pylist() == ["15000", "1e400", "n/a", "15000"]
    assert rows["spending_score"].to_pylist() == ["39", "81", "NaN", "1"]
    parts = split(rows.combine_chunks().to_batches()[0], configuration.contract)
    assert [(row["reason"], row["value"]) for row in parts.rejected.to_pylist()] == [
        ("wrong_type", "abc"),
        ("not_convertible", "1e400"),
        ("missing_key", None),
        ("missing_value", None),
    ]


def test_values_out_of_range_do_not_keep_a_column_from_its_type(tmp_path: Path, configuration: Configuration) -> None:
    rows = read_csv(write(tmp_path, MALL + "1,Male,500,-1,0\n"), configuration.contract)
    assert [tuple(row.values()) for row in rows.to_pylist()] == [(1, 500, "Male", -1000.0, 0.0)]


def test_quotes_byte_order_marks_and_line_ends_of_any_kind(tmp_path: Path, configuration: Configuration) -> None:
    text = '\ufeff"CustomerID","Gender","Age",Annual Income,Spending Score\r\n1,"a ""b"",\nc",19," 15 ",39\r\n'
    rows = read_csv(write(tmp_path, text), configuration.contract)
    assert [tuple(row.values()) for row in rows.to_pylist()] == [(1, 19, 'a "b",\nc', 15.0, 39.0)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a CSV file"),
        (MALL.encode() + b"1,\xe4,19,15,39\n", "not a CSV file in UTF-8"),
        (MALL + "1,Male,19\n", "not a CSV file.*Expected 5 columns, got 3"),
        ("CustomerID;Age\n1;2\n", "no column for customer_id or CustomerID or Customer ID; .*found CustomerID;Age"),
        ("Age," + MALL, "column age is there twice"),
        ("age,Age\n", "column age is there twice: as 'age' and as 'Age'"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    tmp_path: Path, configuration: Configuration, content: str | bytes, message: str
) -> None:
    """The message starts with the file."""
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        read_csv(path, configuration.contract)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path, configuration: Configuration) -> None:
    with pytest.raises(DataError, match=r"none\.csv: cannot be read: .*No such file"):
        read_csv(tmp_path / "none.csv", configuration.contract)
    with pytest.raises(DataError, match="cannot be read"):
        read_csv(tmp_path, configuration.contract)


def test_a_file_without_rows_gives_none(tmp_path: Path, configuration: Configuration) -> None:
    assert read_csv(write(tmp_path, MALL), configuration.contract).num_rows == 0


@needs_data
def test_the_mall_table_is_read_whole(configuration: Configuration) -> None:
    rows = read_csv(DATA / "mall_customers.csv", configuration.contract)
    parts = split(rows.combine_chunks().to_batches()[0], configuration.contract)
    assert (parts.valid.num_rows, parts.rejected.num_rows) == (200, 0)
    assert sum(parts.valid["annual_income"].to_pylist()) == 12_112_000


@needs_data
def test_the_online_retail_example_fits_its_file() -> None:
    """Another table needs another configuration directory and nothing else."""
    contract = load_configuration(PROJECT / "examples" / "online_retail").contract
    rows = read_csv(DATA / "online_retail_rfm.csv", contract)
    parts = split(rows.combine_chunks().to_batches()[0], contract)
    assert (parts.valid.num_rows, parts.rejected.num_rows) == (4338, 0)
    assert parts.valid["first_purchase"][0].as_py() == datetime.datetime(2011, 1, 18, 10, 1)


def test_loaded_customers_are_a_typed_table_with_statistics(
    empty_warehouse: Warehouse, configuration: Configuration
) -> None:
    rows = generate_customers(1000, seed=1)
    assert load_customers(empty_warehouse, configuration.contract, rows) == 1000
    with cursor_of(empty_warehouse) as cursor:
        assert types_of(cursor, "public.customers") == {
            "customer_id": "bigint",
            "age": "text",
            "gender": "text",
            "annual_income": "double precision",
            "spending_score": "double precision",
        }
        cursor.execute("select customer_id, age, gender, annual_income, spending_score from public.customers")
        expected = [tuple(row.values()) for row in rows.to_pylist()]
        assert list(map(repr, cursor.fetchall())) == list(map(repr, expected))
        cursor.execute("select reltuples from pg_class where oid = 'public.customers'::regclass")
        assert cursor.fetchone() == (1000,)


EVERY_TYPE = Contract.model_validate(
    {
        "table": "Crm.Kunden",
        "columns": {
            "id": {"type": "uuid", "role": "key"},
            "x": {"type": "integer", "role": "cluster"},
            "day": {"type": "date", "role": "profile", "missing": "allow"},
            "moment": {"type": "timestamp", "role": "profile", "missing": "allow"},
            "unused": {"type": "text", "role": "ignore"},
        },
    }
)


def test_every_type_of_the_contract_becomes_one_of_the_warehouse(tmp_path: Path, empty_warehouse: Warehouse) -> None:
    """A uuid key is uuid, in a table whose schema is made where it is missing and whose name keeps its capitals."""
    key = uuid.uuid4()
    text = f"ID,X,day,moment,more\n{str(key).upper()},1,2024-02-29,2024-02-29 10:01:00.5,?\n,2,,,\n"
    assert load_customers(empty_warehouse, EVERY_TYPE, read_csv(write(tmp_path, text), EVERY_TYPE)) == 2
    with cursor_of(empty_warehouse) as cursor:
        assert types_of(cursor, '"Crm"."Kunden"') == {
            "id": "uuid",
            "x": "bigint",
            "day": "date",
            "moment": "timestamp without time zone",
        }
        cursor.execute('select id::text, x, day, moment from "Crm"."Kunden" order by x')
        moment = datetime.datetime(2024, 2, 29, 10, 1, 0, 500_000)
        assert cursor.fetchall() == [(str(key), 1, datetime.date(2024, 2, 29), moment), (None, 2, None, None)]
    text = f"ID,X,day,moment\n{key},1,2024-02-30,2024-02-29\n"
    assert load_customers(empty_warehouse, EVERY_TYPE, read_csv(write(tmp_path, text), EVERY_TYPE)) == 1
    with cursor_of(empty_warehouse) as cursor:
        assert list(types_of(cursor, '"Crm"."Kunden"').values()) == [
            "uuid",
            "bigint",
            "text",
            "timestamp without time zone",
        ]


def test_an_empty_table_can_be_loaded(empty_warehouse: Warehouse, configuration: Configuration) -> None:
    assert load_customers(empty_warehouse, configuration.contract, generate_customers(0, seed=0)) == 0


def test_what_depends_on_the_table_is_kept_with_it(empty_warehouse: Warehouse, configuration: Configuration) -> None:
    """Loading replaces a table, but never drops a view with it; a refusal changes nothing."""
    load_customers(empty_warehouse, configuration.contract, generate_customers(10, seed=0))
    load_customers(empty_warehouse, configuration.contract, generate_customers(20, seed=0))
    with cursor_of(empty_warehouse) as cursor:
        cursor.execute("create view public.report as select count(*) from public.customers")
        with pytest.raises(
            DataError, match=r"public\.customers was left as it is: other objects, such as views, depend"
        ):
            load_customers(empty_warehouse, configuration.contract, generate_customers(30, seed=0))
        cursor.execute("select * from public.report")
        assert cursor.fetchone() == (20,)


def test_a_view_is_not_replaced_by_a_table(empty_warehouse: Warehouse, configuration: Configuration) -> None:
    with cursor_of(empty_warehouse) as cursor:
        cursor.execute("create view public.customers as select 1 as customer_id")
    with pytest.raises(DataError, match="it is a view or another object that is not a table"):
        load_customers(empty_warehouse, configuration.contract, generate_customers(10, seed=0))


def test_text_that_postgresql_cannot_hold_leaves_the_table_as_it_is(
    tmp_path: Path, empty_warehouse: Warehouse, configuration: Configuration
) -> None:
    load_customers(empty_warehouse, configuration.contract, generate_customers(10, seed=0))
    rows = read_csv(write(tmp_path, MALL + "1,a\0b,19,15,39\n"), configuration.contract)
    with pytest.raises(DataError, match=r"was left as it is: .*invalid byte sequence"):
        load_customers(empty_warehouse, configuration.contract, rows)
    with cursor_of(empty_warehouse) as cursor:
        cursor.execute("select count(*) from public.customers")
        assert cursor.fetchone() == (10,)


def test_a_warehouse_that_cannot_be_reached_is_a_transient_error(tmp_path: Path, configuration: Configuration) -> None:
    warehouse = Warehouse(f"postgresql://postgres@/nowhere?host={tmp_path}")
    with pytest.raises(WarehouseError, match="nowhere"):
        load_customers(warehouse, configuration.contract, generate_customers(10, seed=0))


@pytest.mark.parametrize(("key_type", "bad"), [("bigint", "7a"), ("uuid", "not-a-uuid")])
def test_key_that_no_night_could_read_is_refused(configuration, tmp_path, key_type, bad):
    """A file whose key column would become text is not loaded; the row and the value are named."""
    columns = dict(configuration.contract.columns)
    columns["customer_id"] = columns["customer_id"].model_copy(update={"type": key_type})
    contract = configuration.contract.model_copy(update={"columns": columns})
    file = tmp_path / "customers.csv"
    file.write_text(f"customer_id,age,gender,annual_income,spending_score\n,30,x,1,1\n{bad},30,x,1,1\n")
    with pytest.raises(DataError, match=f"row 2: the key customer_id is '{bad}', which is not of the type {key_type}"):
        read_csv(file, contract)
