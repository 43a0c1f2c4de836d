"""Posted records against the contract: all of them valid, or every fault with its row, field and value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from itertools import chain
from operator import methodcaller
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import Contract
from clustering.customers.columns import read
from clustering.customers.faults import Reason, mask_of
from clustering.customers.records import folded, known_headers, read_records
from clustering.customers.refusals import clause, limits
from clustering.customers.row_checks import Reading, split

VALUE_CHARACTERS = 200
FAULTS_TOLD = 5
_CONTAINERS = frozenset({dict, list})
_Faults: TypeAlias = dict[tuple[int, str], Reason]  # by row and column


@dataclass(frozen=True)
class Fault:
    """What is wrong with one value of a record; `row` counts from 0, `value` is as posted, cut when it is long."""

    row: int
    field: str
    value: Any
    reason: str
    allowed: str

    def __str__(self) -> str:
        shown = "" if self.value is None else repr(self.value)
        return f"row {self.row}, {clause(self.field, shown, self.reason, self.allowed)}"

    def as_dict(self) -> dict[str, Any]:
        """Return the fault as JSON-able values."""
        return asdict(self)


@dataclass(frozen=True)
class Checked:
    """Records that were checked: either customers to label, one a record in its order, or faults.

    `keys` are the keys as they were posted.
    """

    customers: pa.RecordBatch
    keys: list[Any]
    faults: list[Fault]


def check_records(records: Sequence[Mapping[str, Any]], contract: Contract) -> Checked:
    """Check posted records: each is a valid customer with a key of its own, or they all come back with the faults.

    No value raises. Raises DataError for a record that names a column twice.
    """
    flat, containers = _without_containers(records, contract)
    rows = read_records(flat, contract)
    reading = Reading()
    keys = read(rows.column(contract.key), contract.columns[contract.key], as_of=reading.as_of).values
    duplicated = _duplicated(keys)
    parts = split(rows, contract, reading, duplicated=duplicated)
    found = (
        containers
        if parts.valid.num_rows == len(records)
        else _faults(rows, contract, keys, duplicated, as_of=reading.as_of) | containers
    )
    posted = _Posted(records, contract)
    return Checked(
        customers=parts.valid,
        keys=posted.values(contract.key),
        faults=[
            posted.fault(*place, found[place])
            for place in sorted(found, key=lambda place: (place[0], contract.used.index(place[1])))
        ],
    )


def describe_faults(faults: Sequence[Fault], *, rows: int) -> str:
    """Return a sentence on the faults that names the first of them, and where there are many, counts all."""
    bad = len({fault.row for fault in faults})
    told = "; ".join(map(str, faults[:FAULTS_TOLD]))
    counts = Counter((fault.field, fault.reason) for fault in faults)
    summary = ", ".join(f"{field} {reason} {count:,} rows" for (field, reason), count in counts.most_common())
    more = f"; and {len(faults) - FAULTS_TOLD} more: {summary}" if len(faults) > FAULTS_TOLD else ""
    return f"{bad} of {rows} rows cannot be labelled: {told}{more}"


class _Posted:
    """The records as they came."""

    def __init__(self, records: Sequence[Mapping[str, Any]], contract: Contract) -> None:
        self._records = records
        self._contract = contract
        self._known = known_headers(contract)

    def value(self, row: int, name: str) -> Any:
        """Return a column's value, whatever the record calls the column; None where it has none."""
        record = self._records[row]
        if name in record:
            return record[name]
        known = self._known
        return next((value for header, value in record.items() if known.get(folded(header), ("",))[0] == name), None)

    def values(self, name: str) -> list[Any]:
        """Return a column's value in every record."""
        with suppress(KeyError):
            return [record[name] for record in self._records]
        return [self.value(row, name) for row in range(len(self._records))]

    def fault(self, row: int, name: str, reason: Reason) -> Fault:
        """Return the fault of a column's value."""
        code = reason.name.lower()
        return Fault(row, name, _shown(self.value(row, name)), code, limits(self._contract, name, code))


def _without_containers(
    records: Sequence[Mapping[str, Any]], contract: Contract
) -> tuple[Sequence[Mapping[str, Any]], _Faults]:
    """Return the records with null for every list and object, and the columns of the contract where they stood.

    A text column would take them as text, and one that is nested deeply cannot even be written as text.
    """
    if _CONTAINERS.isdisjoint(map(type, chain.from_iterable(map(methodcaller("values"), records)))):
        return records, {}
    held = [row for row, record in enumerate(records) if not _CONTAINERS.isdisjoint(map(type, record.values()))]
    known = known_headers(contract)
    flat, found = list(records), _Faults()
    for row in held:
        bad = [header for header, value in records[row].items() if type(value) in _CONTAINERS]
        flat[row] = {**records[row], **dict.fromkeys(bad)}
        found |= {(row, known[folded(header)][0]): Reason.WRONG_TYPE for header in bad if folded(header) in known}
    return flat, found


def _duplicated(keys: pa.Array) -> pa.Array:
    if pc.count_distinct(keys, mode="all").as_py() == len(keys):
        return keys[:0]
    counts = pc.value_counts(keys.drop_null())
    return counts.field("values").filter(pc.greater(counts.field("counts"), 1))


def _faults(rows: pa.RecordBatch, contract: Contract, keys: pa.Array, duplicated: pa.Array, *, as_of: date) -> _Faults:
    repeated = np.flatnonzero(mask_of(pc.is_in(keys, value_set=duplicated)))
    found = {(int(row), contract.key): Reason.DUPLICATE_KEY for row in repeated}
    for name in contract.used:
        codes = read(rows.column(name), contract.columns[name], as_of=as_of).faults
        if codes is not None:
            found |= {(int(row), name): Reason(int(codes[row])) for row in np.flatnonzero(codes)}
    return found


def _shown(value: Any) -> Any:
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "an object"
    text = str(value)
    # JSON has no word for an infinite number, and not every reader of it takes an integer of any length.
    plain = value is None or isinstance(value, bool) or (len(text) < 20 and text not in ("inf", "-inf", "nan"))
    return value if plain else text[:VALUE_CHARACTERS]
