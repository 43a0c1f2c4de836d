"""Put the schema and the customers into a workspace's warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import sql

from clustering.config import Configuration, Contract
from clustering.config.table_name import split_name
from clustering.errors import WarehouseError
from clustering.warehouse import Warehouse, migrate
from workspace import Workspace, WorkspaceError

if TYPE_CHECKING:
    import pyarrow as pa

GENERATED_ROWS = 5_000
GENERATED_SEED = 1


def prepare_warehouse(
    workspace: Workspace, configuration: Configuration, customers: Path | None, *, rows: pa.Table | None = None
) -> str:
    """Migrate the warehouse, load customers where it has none, and return what was done; `rows` were read before.

    Raises WorkspaceError when a file was given for a table of a real warehouse that exists, or none for a missing one.
    """
    from clustering.demo.loading import load_customers, load_order_lines  # while Airflow migrates its own database

    contract = configuration.contract
    warehouse = Warehouse(workspace.warehouse_url)
    if _is_query(contract):
        migrate(warehouse, contract)
        return f"customers come from {contract.origin.name}, and nothing is loaded"
    present = has_customers(workspace, contract)
    _check_real(workspace, warehouse, contract, present=present, customers=customers)
    if rows is None and not present:
        rows = read_rows(contract, customers)
    migrate(warehouse, contract)
    if rows is None or present:
        return f"{_table(contract)} is there already and stays as it is"
    if contract.orders is not None:
        load_order_lines(warehouse, contract.orders, rows)
    else:
        load_customers(warehouse, contract, rows)
    return f"{rows.num_rows:,} rows in {_table(contract)}, " + (f"from {customers}" if customers else "generated")


def has_customers(workspace: Workspace, contract: Contract) -> bool:
    """Return whether the contract's table, of customers or of orders, is in a workspace's warehouse.

    A query has nothing that could be loaded, as if it were there.
    """
    if _is_query(contract):
        return True
    with connect(Warehouse(workspace.warehouse_url).uri) as cursor:
        name = sql.Identifier(*split_name(_table(contract))).as_string(cursor)
        cursor.execute("select to_regclass(%s) is not null", (name,))
        return bool(cursor.fetchone()[0])


@contextmanager
def connect(uri: str) -> Iterator[Any]:
    """Open a cursor whose statements commit at the end of the block; WarehouseError when nobody answers."""
    try:
        connection = psycopg2.connect(uri)
    except psycopg2.OperationalError as error:
        raise WarehouseError(f"the warehouse cannot be reached: {' '.join(str(error).split())}") from None
    with closing(connection), connection, connection.cursor() as cursor:
        yield cursor


def _check_real(
    workspace: Workspace, warehouse: Warehouse, contract: Contract, *, present: bool, customers: Path | None
) -> None:
    if workspace.is_embedded:
        return
    if present and customers:
        raise WorkspaceError(
            f"{_table(contract)} is in the warehouse {warehouse.name} already, and nothing there is overwritten; "
            "leave CUSTOMERS out to use it as it is, or name another table in customers.yaml"
        )
    if not present and not customers:
        raise WorkspaceError(
            f"the warehouse {warehouse.name} has no table {_table(contract)}; name yours in customers.yaml, "
            "or load a file into a new one with CUSTOMERS=some.csv"
        )


def require_kind(contract: Contract, *, customers: Path | None, orders: Path | None) -> None:
    """Raise WorkspaceError where a file is given for what the contract does not load: orders, customers, or nothing."""
    if (customers or orders) and _is_query(contract):
        raise WorkspaceError(
            f"customers.yaml reads {_kind(contract)}, and loads no file; leave CUSTOMERS and ORDERS out"
        )
    if orders and contract.orders is None:
        raise WorkspaceError(
            "ORDERS needs a configuration that declares orders; leave CONFIG out for examples/orders, or declare them"
        )
    if customers and contract.orders is not None:
        raise WorkspaceError("this configuration declares orders; give their lines with ORDERS=some.csv")


def _is_query(contract: Contract) -> bool:
    return contract.orders is None and contract.origin.table is None


def _kind(contract: Contract) -> str:
    return "files" if contract.origin.files else "a query"


def _table(contract: Contract) -> str:
    """Return the table that rows are loaded into; ConfigurationError where there is none, but a query."""
    return contract.orders.table if contract.orders is not None else ".".join(contract.origin.schema_and_table)


def read_rows(contract: Contract, file: Path | None) -> pa.Table:
    """Return the customers, or the lines of orders, of a file, or generated ones, as `read_customers` does.

    Raises WorkspaceError for a query too: what it reads is in a warehouse already, or nowhere.
    """
    if _is_query(contract):
        raise WorkspaceError(
            "customers.yaml reads a query, and a warehouse that is made for trying has nothing for it to read; name "
            "the warehouse that has, with WAREHOUSE_URL"
        )
    if contract.orders is None:
        return read_customers(contract, file)
    from order_lines import read_lines

    return read_lines(contract, contract.orders, file)


def read_customers(contract: Contract, customers: Path | None) -> pa.Table:
    """Return the customers of a file, or generated ones.

    Raises WorkspaceError when they cannot be generated for this contract.
    """
    from clustering.demo.generator import generate_customers
    from clustering.files.customer_files import read_customers as read_file
    from clustering.files.customer_files import with_valid_keys
    from clustering.warehouse.arrays import make_arrays_without_pandas

    make_arrays_without_pandas()
    if customers:
        found = with_valid_keys(read_file(customers, contract), contract)
        for said in found.said:
            print(f"{customers}: {said}", flush=True)
        return found.rows
    table = generate_customers(GENERATED_ROWS, seed=GENERATED_SEED)
    if missing := set(contract.used) - set(table.column_names):
        raise WorkspaceError(
            f"customers are generated with the default columns only, without {', '.join(sorted(missing))}; "
            "give a file with CUSTOMERS=some.csv"
        )
    return table
