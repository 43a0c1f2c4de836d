"""One column: what the warehouse delivers becomes what the contract says, with a fault code for each bad value."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clustering.config import NUMERIC_TYPES, Column, ColumnType, Contract
from clustering.customers import text as texts
from clustering.customers.faults import Codes, Converted, Mask, Read, Reason, converted, mask_of, refused, without
from clustering.errors import DataError

VALID_TYPES: Mapping[ColumnType, pa.DataType] = {
    "bigint": pa.int64(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "uuid": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
_FROM_TEXT: Mapping[ColumnType, Callable[[pa.StringArray], Converted]] = {
    "bigint": texts.integers,
    "integer": texts.integers,
    "number": texts.numbers,
    "text": lambda text: Converted(texts.without_blanks(text)),
    "uuid": texts.uuids,
    "date": texts.dates,
    "timestamp": texts.timestamps,
}
MOST_KEY_BYTES = 1_024
_EXACT: Mapping[ColumnType, Callable[[pa.StringArray], Converted]] = {
    "bigint": partial(texts.integers, exact=True),
    "uuid": partial(texts.uuids, exact=True),
}
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31, in days since 1970
_TICKS_A_DAY = {"s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}


def valid_schema(contract: Contract) -> pa.Schema:
    """Return the schema of valid rows: the used columns, nullable only where the contract allows a missing value."""
    return pa.schema(
        pa.field(name, pa.int64() if column.counts_days else VALID_TYPES[column.type], nullable=column.may_be_empty)
        for name in contract.used
        for column in (contract.columns[name],)
    )


def read(array: pa.Array, column: Column, *, as_of: date, factor: float = 1.0) -> Read:
    """Return a column as the contract has it: converted, times `factor`, missing values filled, ranges checked.

    A column that counts days does so up to `as_of`.
    """
    in_other_unit = factor != 1 and column.type in NUMERIC_TYPES
    values, faults = convert(array, "number" if in_other_unit else column.type, exact=column.role == "key")
    if in_other_unit:
        values, faults = _merge(_scaled(values, column, factor), faults)
    if column.role == "key" and column.type == "text":
        values, faults = _merge(_short(values), faults)
    if column.counts_days:
        low = column.range[0]
        values = _days_until(as_of, values, least=-math.inf if low is None else low)
    filled = None
    if values.null_count:
        gaps = mask_of(values.is_null()) & (True if faults is None else faults == 0)
        filled = gaps if column.is_filled and gaps.any() else None
        values, faults = _merge(_without_gaps(values, column, gaps), faults)
    if column.is_numeric and len(values):
        values, faults = _merge(_in_range(values, column), faults)
    return Read(values, faults, filled)


def convert(array: pa.Array, wanted: ColumnType, *, exact: bool = False) -> Converted:
    """Convert a column of any Arrow type that a warehouse delivers; ranges and missing values are not looked at.

    A key is converted `exact`: what has spaces around it is another key, or none. Raises DataError for a type that
    holds no single value, such as a list.
    """
    array = plain(array)
    kind, target = array.type, VALID_TYPES[wanted]
    if pa.types.is_null(kind):
        return Converted(array.cast(target))
    if pa.types.is_string(kind):
        values, faults = (_EXACT if exact else _FROM_TEXT).get(wanted, _FROM_TEXT[wanted])(array)
        return _merge(_moments(values, target), faults) if wanted == "timestamp" else Converted(values, faults)
    if wanted == "text":
        return Converted(array.cast(target))
    if wanted in NUMERIC_TYPES and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return _integers(array) if wanted != "number" else Converted(array.cast(target, safe=False))
    if wanted in ("date", "timestamp") and pa.types.is_temporal(kind):
        return _moments(array, target)
    return refused(array, target)


def plain(array: pa.Array) -> pa.Array:
    """Return a column as text, bool, int64, a float, a date or a timestamp.

    Raises DataError for any other type.
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    kind = array.type
    if pa.types.is_signed_integer(kind):
        return array.cast(pa.int64())
    if pa.types.is_fixed_size_binary(kind) and kind.byte_width == 16:
        return _hyphenated(array)
    if any(test(kind) for test in (pa.types.is_string, pa.types.is_boolean, pa.types.is_null, pa.types.is_date32)):
        return array
    if pa.types.is_timestamp(kind) or kind in (pa.float32(), pa.float64()):
        return array
    if pa.types.is_date64(kind):
        return array.cast(pa.date32())
    try:
        return array.cast(pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise DataError(f"a column arrives as {kind}, which holds no single value; select it as text") from None


def _hyphenated(array: pa.FixedSizeBinaryArray) -> pa.StringArray:
    filled = array.fill_null(bytes(16))
    octets = np.frombuffer(filled.buffers()[1], dtype=np.uint8)[16 * filled.offset : 16 * (filled.offset + len(filled))]
    offsets = np.arange(0, 32 * len(array) + 1, 32, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(octets.tobytes().hex().encode())]
    digits = pa.Array.from_buffers(pa.string(), len(array), buffers)
    return without(texts.hyphenated(digits), mask_of(array.is_null()))


def _integers(array: pa.Array) -> Converted:
    if pa.types.is_integer(array.type):
        return Converted(array)
    numbers = _float64(array)
    finite = np.isfinite(numbers)
    with np.errstate(invalid="ignore"):
        whole = numbers == np.rint(numbers)
        fits = (numbers >= -(2.0**63)) & (numbers < 2.0**63)
    present = mask_of(array.is_valid())
    good = present & finite & whole & fits
    values = pa.array(np.where(good, numbers, 0.0).astype(np.int64), mask=~present)
    return converted(
        values,
        (present & ~finite, Reason.NOT_FINITE),
        (present & ~whole, Reason.WRONG_TYPE),
        (present & ~fits, Reason.NOT_CONVERTIBLE),
    )


def _moments(array: pa.Array, target: pa.DataType) -> Converted:
    whole_days = pa.types.is_date32(array.type)
    ticks = array.cast(pa.int32()).cast(pa.int64()) if whole_days else array.cast(pa.int64())
    a_day = 1 if whole_days else _TICKS_A_DAY[array.type.unit]
    first, last = _clipped(_FIRST_DAY * a_day), _clipped((_LAST_DAY + 1) * a_day - 1)
    impossible = mask_of(pc.or_(pc.less(ticks, first), pc.greater(ticks, last)))
    checked = converted(array, (impossible, Reason.NOT_CONVERTIBLE))
    local = checked.values if whole_days else checked.values.cast(pa.timestamp(array.type.unit))
    return checked._replace(values=local.cast(target, safe=False))


def _days_until(as_of: date, moments: pa.Array, *, least: float) -> pa.Int64Array:
    """Return the days from dates or timestamps in UTC to a date.

    The day after it, which has begun in the east, is 0 where that is the least that a valid value can be.

    >>> moments = pa.array([date(2026, 2, 27), date(2026, 3, 2), date(2026, 3, 4), None])
    >>> _days_until(date(2026, 3, 1), moments, least=0).to_pylist()
    [2, 0, -3, None]
    >>> _days_until(date(2026, 3, 1), moments, least=-30).to_pylist()
    [2, -1, -3, None]
    """
    gaps = mask_of(moments.is_null())
    if pa.types.is_timestamp(moments.type):
        ticks = moments.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        days = ticks // _TICKS_A_DAY[moments.type.unit]
    else:
        days = moments.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    since = (as_of - date(1970, 1, 1)).days - days
    return pa.array(np.where((since == -1) & (least == 0), 0, since), mask=gaps)


def _clipped(value: float) -> int:
    limits = np.iinfo(np.int64)
    return int(min(max(value, limits.min), limits.max))


def _scaled(values: pa.Array, column: Column, factor: float) -> Converted:
    with np.errstate(over="ignore"):
        product = pa.array(_float64(values) * factor, mask=mask_of(values.is_null()))
    return Converted(product) if column.type == "number" else _integers(product)


def _short(keys: pa.StringArray) -> Converted:
    """Refuse keys that no index holds: one of PostgreSQL's takes about 2,700 bytes of a row."""
    lengths = pc.binary_length(keys)
    if (pc.max(lengths).as_py() or 0) <= MOST_KEY_BYTES:
        return Converted(keys)
    return converted(keys, (mask_of(pc.fill_null(pc.greater(lengths, MOST_KEY_BYTES), False)), Reason.NOT_CONVERTIBLE))


def _without_gaps(values: pa.Array, column: Column, gaps: Mask) -> Converted:
    if column.may_be_empty or not gaps.any():
        return Converted(values)
    if column.missing == "reject":
        return converted(values, (gaps, Reason.MISSING_KEY if column.role == "key" else Reason.MISSING_VALUE))
    return Converted(pc.if_else(pa.array(gaps), pa.scalar(column.fill, values.type), values))


def _in_range(values: pa.Array, column: Column) -> Converted:
    low, high = column.range
    if column.type == "number":
        values = pc.add(values, 0.0)  # -0.0 becomes 0.0
        first = -sys.float_info.max if low is None else low
        last = sys.float_info.max if high is None else high
    else:
        first = _clipped(-math.inf if low is None else math.ceil(low))
        last = _clipped(math.inf if high is None else math.floor(high))
    numbers = (values.fill_null(0) if values.null_count else values).to_numpy(zero_copy_only=False)
    if not values.null_count and numbers.min() >= first and numbers.max() <= last:
        return Converted(values)
    present = mask_of(values.is_valid())
    return converted(
        values,
        (present & ~np.isfinite(numbers), Reason.NOT_FINITE),
        (present & ~((numbers >= first) & (numbers <= last)), Reason.OUT_OF_RANGE),
    )


def _merge(later: Converted, earlier: Codes | None) -> Converted:
    if earlier is None or later.faults is None:
        return later if earlier is None else Converted(later.values, earlier)
    return Converted(later.values, np.where(earlier != 0, earlier, later.faults))


def _float64(array: pa.Array) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = array.cast(pa.float64(), safe=False).fill_null(0.0).to_numpy(zero_copy_only=False)
    return numbers
