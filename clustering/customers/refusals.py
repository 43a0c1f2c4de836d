"""What is said of rejected rows and filled values: the same for a night, a training, a file and posted records."""

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


def filled_in(filled: Mapping[str, int]) -> str:
    """Return a clause on filled values, nothing where there are none.

    >>> filled_in({"income": 1200, "age": 0})
    ', filled in: 1,200 without income'
    """
    found = [f"{customers:,} without {column}" for column, customers in filled.items() if customers]
    return f", filled in: {', '.join(found)}" if found else ""


def clause(column: str, shown: str, reason: str, limit: str) -> str:
    """Return what is wrong with a value of a column, and what is allowed."""
    return f"{column}{shown and ' '}{shown} {_WORDS[Reason[reason.upper()]]} (allowed: {limit})"


def limits(contract: Contract, column: str, reason: str) -> str:
    """Return what is allowed in place of what was rejected."""
    if reason == Reason.DUPLICATE_KEY.name.lower():
        return "each key once"
    found = contract.columns[column]
    if reason == Reason.MISSING_VALUE.name.lower():  # then a version demands what the contract does not
        found = found.model_copy(update={"missing": "reject"})
    return allowed(found)


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
