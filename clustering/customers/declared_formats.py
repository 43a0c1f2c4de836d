"""The formats that the contract declares, applied to one column."""

from __future__ import annotations

import pyarrow as pa

from clustering.config import NUMERIC_TYPES, Column, Formats
from clustering.customers.date_formats import plain_dates
from clustering.customers.formats import NumberFormat, plain_numbers, without_missing


def as_programs_write(array: pa.Array, column: Column, formats: Formats | None) -> pa.Array:
    """Return text (n,) as programs write it; a key, and what is not text, stays as it is.

    >>> column = Column(type="number", role="profile")
    >>> formats = Formats(decimal=",", thousands=".", signs=("€",), missing=("k. A.",))
    >>> as_programs_write(pa.array(["1.234,50 €", "k. A.", "12"]), column, formats).to_pylist()
    ['1234.50', None, '12']
    """
    if formats is None or column.role == "key" or not pa.types.is_string(array.type):
        return array
    text = without_missing(array, formats.missing) if formats.missing else array
    if column.type in NUMERIC_TYPES:
        text = plain_numbers(text, NumberFormat(formats.decimal, formats.thousands, formats.signs))
    elif column.type in ("date", "timestamp"):
        text = plain_dates(text, formats.dates)
    return text
