"""What can be wrong with a value."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Mask: TypeAlias = NDArray[np.bool_]
Codes: TypeAlias = NDArray[np.int8]


class Reason(IntEnum):
    """Why a row is rejected; the warehouse holds the name in lower case."""

    MISSING_KEY = 1
    DUPLICATE_KEY = 2
    MISSING_VALUE = 3
    WRONG_TYPE = 4
    NOT_CONVERTIBLE = 5
    NOT_FINITE = 6
    OUT_OF_RANGE = 7


class Converted(NamedTuple):
    """A column (n,) in its valid type, null where a value is missing or at fault, and a fault code a row, 0 for none.

    `faults` is None when no value is at fault.
    """

    values: pa.Array
    faults: Codes | None = None


class Read(NamedTuple):
    """A column (n,) as the contract has it, as in `Converted`.

    `filled` are the rows in which something stands for a missing value, or will for the models; None for no row.
    """

    values: pa.Array
    faults: Codes | None = None
    filled: Mask | None = None


def mask_of(condition: pa.BooleanArray) -> Mask:
    """Return an Arrow condition as a NumPy mask; null counts as false."""
    filled = condition.fill_null(False) if condition.null_count else condition
    mask: Mask = filled.to_numpy(zero_copy_only=False)
    return mask


def converted(values: pa.Array, *faults: tuple[Mask, Reason]) -> Converted:
    """Return values that are null at every fault, with the code of the first fault that holds for each row."""
    codes = np.zeros(len(values), dtype=np.int8)
    for mask, reason in faults:
        codes[mask & (codes == 0)] = reason
    if not codes.any():
        return Converted(values)
    return Converted(without(values, codes != 0), codes)


def without(values: pa.Array, mask: Mask) -> pa.Array:
    """Return values with null where the mask holds."""
    return pc.if_else(pa.array(mask), pa.scalar(None, values.type), values)


def refused(array: pa.Array, valid_type: Any) -> Converted:
    """Return a column of which every value that is present has the wrong type."""
    return converted(pa.nulls(len(array), valid_type), (mask_of(array.is_valid()), Reason.WRONG_TYPE))
