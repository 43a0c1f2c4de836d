"""A training's sample of customers who come from files, copied into a staging table like one of a table's."""

from __future__ import annotations

import pyarrow as pa
from psycopg2 import sql

from clustering.config import Contract
from clustering.customers import plain
from clustering.lake.file_source import FileSource
from clustering.lake.key_order import first_rows
from clustering.warehouse import Transaction
from clustering.warehouse.copying import copy_text

ROWS_AT_ONCE = 65_536


def copy_sample(transaction: Transaction, source: FileSource, *, sample: sql.Identifier, rows: int) -> int:
    """Make the table of a sample of at most so many rows, in its order, and return how many it has.

    Numbers are numbers there, and everything else is text, which is read as it is read in the files.
    """
    drawn = first_rows(source, rows)
    numbered = drawn.add_column(0, "sample_row", pa.array(range(1, drawn.num_rows + 1), pa.int64()))
    definitions = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(_type(field, source.contract)))
        for field in numbered.schema
    )
    transaction.execute("training/create_sample_of_files", {"sample": sample, "definitions": definitions})
    for batch in numbered.to_batches(ROWS_AT_ONCE):
        text = pa.RecordBatch.from_arrays(
            [plain(column).cast(pa.string()) for column in batch.columns], names=batch.schema.names
        )
        copy_text(transaction, "training/copy_sample", text, {"sample": sample})
    return int(drawn.num_rows)


def _type(field: pa.Field, contract: Contract) -> str:
    if field.name == contract.key and not pa.types.is_floating(field.type):
        return contract.key_type
    if pa.types.is_integer(field.type):
        return "bigint"
    return "double precision" if pa.types.is_floating(field.type) else "text"
