"""Commands that prepare a warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustering.cli.file_options import (
    FILE,
    Dates,
    Decimal,
    Delimiter,
    Encoding,
    Sheet,
    Thousands,
    file_options,
    say_recognised,
)
from clustering.cli.options import Json, open_session
from clustering.cli.output import progress, tell, warn


def migrate(as_json: Json = False) -> None:
    """Create the schema segmentation, or bring it up to date.

    Changes nothing where it is up to date already.
    """
    from clustering.warehouse import migrate as migrate_warehouse
    from clustering.warehouse.roles import missing_grants

    with open_session() as session, progress("Migrating"):
        applied = migrate_warehouse(session.warehouse, session.configuration.contract)
        left = missing_grants(session.warehouse, session.configuration.contract)
    for told in left:
        warn(f"warning: {told}")
    said = f"applied: {', '.join(applied)}" if applied else "up to date"
    tell({"applied": applied, "missing_grants": left}, said, as_json=as_json)


def load(
    file: Annotated[Path, typer.Argument(help=FILE)],
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    dates: Dates = None,
    sheet: Sheet = None,
    as_json: Json = False,
) -> None:
    """Replace the contract's table by the rows of a file.

    Rows that a night will reject are told of, and loaded all the same.
    """
    from clustering.customers import added_up, describe_rejections, split
    from clustering.demo.loading import load_customers
    from clustering.files.customer_files import read_customers, require_loadable, with_valid_keys

    options = file_options(
        encoding=encoding, delimiter=delimiter, decimal=decimal, thousands=thousands, dates=dates, sheet=sheet
    )
    with open_session() as session, progress(f"Reading {file}") as bar:
        contract = session.configuration.contract
        found = with_valid_keys(read_customers(file, contract, options), contract)
        customers = found.rows
        require_loadable(customers, contract)
        bar.say(f"Loading {customers.num_rows:,} rows into {contract.origin.name}")
        rows = load_customers(session.warehouse, contract, customers)
    say_recognised(file, found.said)
    faults = added_up(one for batch in customers.to_batches() for one in split(batch, contract).faults)
    if faults:
        warn(f"warning: a night will reject rows: {describe_rejections(faults, contract)}")
    tell(
        {"table": contract.origin.table, "rows": rows},
        f"{rows} rows loaded into {contract.origin.name}",
        as_json=as_json,
    )
