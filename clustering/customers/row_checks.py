"""Rows into valid customers and rejected rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import Contract
from clustering.customers.columns import plain, read, valid_schema
from clustering.customers.declared_formats import as_programs_write
from clustering.customers.faults import Codes, Mask, Read, Reason, converted, mask_of
from clustering.customers.refusals import Rejection, rejections
from clustering.customers.text import without_blanks
from clustering.errors import DataError

REJECTED = pa.schema(
    [
        pa.field("customer_id", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("column_name", pa.string(), nullable=False),
        pa.field("value", pa.string()),
    ]
)
VALUE_CHARACTERS = 200
_REASONS = ("", *(reason.name.lower() for reason in Reason))


def today() -> date:
    """Return the date in UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class Reading:
    """How rows are written, beside what the contract says of them.

    `factors` holds the columns that arrive in another unit, `texts` are those in which the contract's formats apply,
    and `as_of` is the date up to which days are counted, by default today in UTC.
    """

    factors: Mapping[str, float] = field(default_factory=dict)
    texts: Collection[str] = ()
    as_of: date = field(default_factory=today)


@dataclass(frozen=True)
class Split:
    """Valid customers (`valid_schema(contract)`) and rejected rows (`REJECTED`), each in the order of the rows.

    `faults` counts every fault of every column; a row is rejected once, for its first one. `filled` counts the valid
    customers without a value, by each column in which a number or the median of a training stands for it.
    """

    valid: pa.RecordBatch
    rejected: pa.RecordBatch
    faults: tuple[Rejection, ...] = ()
    filled: Mapping[str, int] = field(default_factory=dict)


def split(
    rows: pa.RecordBatch,
    contract: Contract,
    reading: Reading | None = None,
    *,
    duplicated: pa.Array | None = None,
) -> Split:
    """Split rows into valid customers and rejected rows; a row is rejected once, for its first fault in column order.

    `rows` has the columns `contract.used`. Every row whose key is in `duplicated` (typed as the valid key) is rejected.
    No value raises; a missing column raises DataError.
    """
    reading = reading or Reading()
    missing = [name for name in contract.used if name not in rows.schema.names]
    if missing:
        raise DataError(f"the rows have no column {', '.join(missing)}; they have {', '.join(rows.schema.names)}")
    columns = {
        name: read(
            as_programs_write(rows.column(name), column, contract.formats if name in reading.texts else None),
            column,
            factor=reading.factors.get(name, 1.0),
            as_of=reading.as_of,
        )
        for name in contract.used
        for column in (contract.columns[name],)
    }
    key = columns[contract.key]
    if duplicated is not None and len(duplicated):
        columns[contract.key] = _without_duplicates(key, duplicated)
    valid = pa.RecordBatch.from_arrays([column.values for column in columns.values()], schema=valid_schema(contract))
    faults = {name: column.faults for name, column in columns.items() if column.faults is not None}
    gaps = {name: columns[name].filled for name in contract.filled}
    if not faults:
        return Split(valid, pa.RecordBatch.from_pylist([], schema=REJECTED), filled=_filled(gaps, among=True))
    bad = np.logical_or.reduce([codes != 0 for codes in faults.values()])
    rejected = _rejected(rows, contract, key.values, faults)
    counted = tuple(_counted(rows, contract, faults))
    return Split(valid.filter(pa.array(~bad)), rejected, counted, _filled(gaps, among=~bad))


def _filled(gaps: Mapping[str, Mask | None], *, among: Mask | bool) -> dict[str, int]:
    """Count the rows among some in which something stands for a missing value, by column."""
    return {name: 0 if mask is None else int((mask & among).sum()) for name, mask in gaps.items()}


def split_whole(rows: pa.RecordBatch, contract: Contract, reading: Reading | None = None) -> Split:
    """Split rows as `split` does where they are all that there are: of a key that several have, all are rejected."""
    keys = split(rows, contract.only(()), reading).valid[contract.key].value_counts()
    repeated = keys.filter(pc.greater(keys.field("counts"), 1)).field("values")
    return split(rows, contract, reading, duplicated=repeated)


def _counted(rows: pa.RecordBatch, contract: Contract, faults: Mapping[str, Codes]) -> Iterator[Rejection]:
    """Yield the faults of every column; of a row without a key, such as a blank one, no other value is missed."""
    keys = faults.get(contract.key)
    for name, codes in faults.items():
        if keys is not None and name != contract.key:
            codes = np.where((keys == Reason.MISSING_KEY) & (codes == Reason.MISSING_VALUE), 0, codes)
        place = np.flatnonzero(codes)  # the others would be written as text for nothing
        yield from rejections(name, codes[place], _as_text(rows.column(name).take(pa.array(place))))


def _without_duplicates(key: Read, duplicated: pa.Array) -> Read:
    repeated: Mask = mask_of(pc.is_in(key.values, value_set=duplicated.cast(key.values.type)))
    values, faults = converted(key.values, (repeated, Reason.DUPLICATE_KEY))
    if key.faults is None or faults is None:
        return Read(values, key.faults if faults is None else faults)
    return Read(values, key.faults + faults)


def _rejected(rows: pa.RecordBatch, contract: Contract, key: pa.Array, faults: Mapping[str, Codes]) -> pa.RecordBatch:
    seen: Mask = np.zeros(rows.num_rows, dtype=np.bool_)
    parts, places = [], []
    for name, codes in faults.items():
        place = np.flatnonzero((codes != 0) & ~seen)
        seen[place] = True
        taken = pa.array(place)
        value = pc.utf8_slice_codeunits(_as_text(rows.column(name).take(taken)), 0, VALUE_CHARACTERS)
        raw_key = without_blanks(_as_text(rows.column(contract.key).take(taken)))
        customer_id = pc.coalesce(key.take(taken).cast(pa.string()), raw_key)
        reason = pa.array(_REASONS).take(pa.array(codes[place]))
        column_name = pa.array(np.full(len(place), name, dtype=object), pa.string())
        parts.append(pa.RecordBatch.from_arrays([customer_id, reason, column_name, value], schema=REJECTED))
        places.append(place)
    rejected = pa.Table.from_batches(parts).combine_chunks().to_batches()[0]
    return rejected.take(pa.array(np.argsort(np.concatenate(places), kind="stable")))


def _as_text(array: pa.Array) -> pa.StringArray:
    return plain(array).cast(pa.string())
