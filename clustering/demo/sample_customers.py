"""Made-up customers for a warehouse that has none: `python -m clustering.demo.sample_customers 5000`."""

from __future__ import annotations

import sys

from clustering.config import load_configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.errors import ClusteringError, ConfigurationError
from clustering.warehouse import connect

SEED = 1


def make_customers(rows: int) -> str:
    """Load made-up customers, unless the contract's table is there, and say what was done.

    Raises ConfigurationError where the contract wants columns that are not made up, and WarehouseError.
    """
    contract = load_configuration().contract
    warehouse = connect()
    schema, table = contract.origin.schema_and_table
    with warehouse.transaction(read_only=True) as transaction:
        if transaction.scalar("loading/table_exists", schema=schema, table=table):
            return f"{schema}.{table} is there already and stays as it is"
    made = generate_customers(rows, seed=SEED)
    if missing := sorted(set(contract.used) - set(made.column_names)):
        raise ConfigurationError(f"customers.yaml: customers without {', '.join(missing)} are all that can be made up")
    return f"{load_customers(warehouse, contract, made):,} customers in {schema}.{table}"


if __name__ == "__main__":
    try:
        print(make_customers(int(sys.argv[1])))
    except ClusteringError as error:
        sys.exit(f"error: {error}")
