"""A customer's key as people give it."""

from __future__ import annotations

import pyarrow as pa

from clustering.config import Contract
from clustering.customers.columns import convert
from clustering.errors import DataError


def key_as_written(given: str | int, contract: Contract) -> str:
    """Return a key as the warehouse writes it; a text is taken as it is, to the last space.

    Raises DataError for what cannot be a key.
    """
    text = str(given)
    refusal = DataError(f"{text!r} is no key of a customer: {contract.key} is {contract.key_type}")
    if "\0" in text:
        raise refusal
    try:
        array = pa.array([text], pa.string())
    except UnicodeEncodeError:
        raise refusal from None
    if contract.key_type == "text":
        return text
    found = convert(array, contract.key_type, exact=True).values[0]
    if not found.is_valid:
        raise refusal
    return str(found.as_py())


def as_keys(found: pa.Array, contract: Contract) -> pa.Array:
    """Return keys that a query found, typed as valid keys; what is none is left out."""
    return convert(found, contract.key_type, exact=True).values.drop_null()
