"""What is said of rejected rows: the same words for a night, a training, a file and posted records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from clustering.config import Contract
from clustering.customers.faults import Codes, Reason
from clustering.customers.json_schema import allowed

TOLD = 8  # columns and reasons that a message names
LONGEST_EXAMPLE = 60  # characters
_WORDS = {
    Reason.MISSING_KEY: "is missing",
    Reason.DUPLICATE_KEY: "stands in more than one row",
    Reason.MISSING_VALUE: "is missing",
    Reason.WRONG_TYPE: "has the wrong type",
    Reason.NOT_CONVERTIBLE: "cannot be held",
    Reason.NOT_FINITE: "is not finite",
    Reason.OUT_OF_RANGE: "is out of range",
}
# There is nothing to show, or it is the key of a customer.
_WITHOUT_EXAMPLE = frozenset({Reason.MISSING_KEY, Reason.MISSING_VALUE, Reason.DUPLICATE_KEY})
_NUMERAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class Rejection:
    """The rows in which a column is at fault for one reason, and one of the values.

    `keys` are the different keys among the rows of duplicate keys, where they were counted.
    """

    column: str
    reason: str
    rows: int
    example: str | None = None
    keys: int = 0


def rejections(column: str, codes: Codes, values: pa.StringArray) -> list[Rejection]:
    """Return what is at fault in a column, of which `codes` (n,) are the faults and `values` (n,) the texts."""
    found = []
    for code in np.flatnonzero(np.bincount(codes)):
        if code == 0:
            continue
        places = np.flatnonzero(codes == code)
        reason = Reason(int(code))
        shown = None if reason in _WITHOUT_EXAMPLE else values[int(places[0])].as_py()
        example = None if shown is None else shown[:LONGEST_EXAMPLE]
        found.append(Rejection(column, reason.name.lower(), len(places), example))
    return found


def added_up(found: Iterable[Rejection], *, duplicated: int = 0) -> list[Rejection]:
    """Return the rejections of several batches as one a column and reason, those of most rows first.

    `duplicated` is how many keys stand in several rows, if that was counted.
    """
    total: dict[tuple[str, str], Rejection] = {}
    for one in found:
        known = total.get((one.column, one.reason), replace(one, rows=0, keys=0))
        example = known.example if known.example is not None else one.example
        both = replace(known, rows=known.rows + one.rows, keys=known.keys + one.keys, example=example)
        total[one.column, one.reason] = both
    duplicate = Reason.DUPLICATE_KEY.name.lower()
    told = [replace(one, keys=duplicated or one.keys) if one.reason == duplicate else one for one in total.values()]
    return sorted(told, key=lambda one: -one.rows)


def describe_rejections(found: Sequence[Rejection], contract: Contract, *, with_examples: bool = True) -> str:
    """Return a clause a column and reason: an example, what is allowed, and in how many rows.

    Examples are customers' values and keys: where others than operators may read the text, it goes without.

    >>> from clustering.config import Column, Contract
    >>> columns = {"id": Column(type="bigint", role="key"), "age": Column(type="integer", role="cluster")}
    >>> describe_rejections([Rejection("age", "wrong_type", 3, "old")], Contract(table="shop", columns=columns))
    "age 'old' has the wrong type (allowed: a whole number), wrong_type 3 rows"
    """
    told = found if with_examples else [replace(one, example=None) for one in found]
    clauses = [
        f"{clause(one.column, _quoted(one.example), one.reason, limits(contract, one.column, one.reason))}, "
        f"{one.reason} {one.rows:,} {'row' if one.rows == 1 else 'rows'}{_repeated(one)}"
        for one in told[:TOLD]
    ]
    more = [f"and {len(found) - TOLD} more"] if len(found) > TOLD else []
    return "; ".join(clauses + more)


def clause(column: str, shown: str, reason: str, limit: str) -> str:
    """Return what is wrong with a value of a column, and what is allowed."""
    return f"{column}{shown and ' '}{shown} {_WORDS[Reason[reason.upper()]]} (allowed: {limit})"


def limits(contract: Contract, column: str, reason: str) -> str:
    """Return what is allowed in place of what was rejected."""
    return "each key once" if reason == Reason.DUPLICATE_KEY.name.lower() else allowed(contract.columns[column])


def from_documents(documents: Iterable[Mapping[str, Any]]) -> list[Rejection]:
    """Return the rejections that a manifest holds."""
    return [Rejection(**document) for document in documents]


def _quoted(example: str | None) -> str:
    if example is None:
        return ""
    return example if _NUMERAL.fullmatch(example) else repr(example)


def _repeated(one: Rejection) -> str:
    if not one.keys:
        return ""
    return (
        f", {one.rows / one.keys:.3g} a key on average: one row a customer is needed, so declare what is counted "
        "under orders, see docs/orders.md, or name a view that adds the rows up"
    )
