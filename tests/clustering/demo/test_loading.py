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
from psycopg2 import sql

from clustering.config import Configuration, Contract
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.errors import DataError, WarehouseError
from clustering.files.customer_files import read_customers
from clustering.warehouse import Warehouse

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
    assert load_customers(empty_warehouse, EVERY_TYPE, read_customers(write(tmp_path, text), EVERY_TYPE).rows) == 2
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
    assert load_customers(empty_warehouse, EVERY_TYPE, read_customers(write(tmp_path, text), EVERY_TYPE).rows) == 1
    with cursor_of(empty_warehouse) as cursor:
        assert list(types_of(cursor, '"Crm"."Kunden"').values()) == [
            "uuid",
            "bigint",
            "text",
            "timestamp without time zone",
        ]


@pytest.mark.parametrize("key_type", ["bigint", "text", "uuid"])
def test_loaded_customer_is_found_by_an_index(
    empty_warehouse: Warehouse, configuration: Configuration, key_type: str
) -> None:
    """A look-up by key reads no other rows, a key may be there twice, and a text may be of any length."""
    columns = dict(configuration.contract.columns)
    columns["customer_id"] = columns["customer_id"].model_copy(update={"type": key_type})
    contract = configuration.contract.model_copy(update={"columns": columns})
    rows = generate_customers(3_000, seed=1)
    numbers = range(rows.num_rows)
    keys = {
        "bigint": pa.array(numbers, pa.int64()),
        "text": pa.array([f"{number} " + "x" * 9_000 * (number == 0) for number in numbers]),
        "uuid": pa.array([str(uuid.UUID(int=number)) for number in numbers]),
    }[key_type]
    rows = rows.set_column(rows.schema.get_field_index("customer_id"), "customer_id", keys)
    load_customers(empty_warehouse, contract, pa.concat_tables([rows, rows.slice(0, 1)]))
    with closing(psycopg2.connect(empty_warehouse.uri)) as connection, connection.cursor() as cursor:
        question = sql.SQL("explain select * from public.customers where customer_id = any(%s::{}[])")
        cursor.execute(question.format(sql.SQL(key_type)), ([str(keys[7])],))
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index" in plan
    assert "Seq Scan" not in plan


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
    rows = generate_customers(10, seed=1)
    gender = pa.array(["a\0b", *rows["gender"].to_pylist()[1:]])
    rows = rows.set_column(rows.schema.get_field_index("gender"), "gender", gender)
    with pytest.raises(DataError, match=r"was left as it is: .*invalid byte sequence"):
        load_customers(empty_warehouse, configuration.contract, rows)
    with cursor_of(empty_warehouse) as cursor:
        cursor.execute("select count(*) from public.customers")
        assert cursor.fetchone() == (10,)


def test_a_warehouse_that_cannot_be_reached_is_a_transient_error(tmp_path: Path, configuration: Configuration) -> None:
    warehouse = Warehouse(f"postgresql://postgres@/nowhere?host={tmp_path}")
    with pytest.raises(WarehouseError, match="nowhere"):
        load_customers(warehouse, configuration.contract, generate_customers(10, seed=0))
