"""What may be posted, as JSON Schema made from the source contract: for the API, its documents and DAG parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from clustering.config import NUMERIC_TYPES, Column, ColumnType, Contract, Formats

NUMERAL = r"^\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"  # no two ways to match the same digits
_KEY = NUMERAL.replace(r"\s*", "")
_KINDS: Mapping[ColumnType, str] = {
    "bigint": "a whole number",
    "integer": "a whole number",
    "number": "a number",
    "text": "a text",
    "uuid": "a UUID",
    "date": "a date such as 2026-01-31",
    "timestamp": "a moment such as 2026-01-31T12:00:00Z",
}
_EXAMPLES: Mapping[ColumnType, Any] = {
    "bigint": 1,
    "integer": 1,
    "number": 50_000,
    "text": "A",
    "uuid": "0b5c3a4e-7f0a-4d0e-9a36-3f1f5f1c2d10",
    "date": "2026-01-31",
    "timestamp": "2026-01-31T12:00:00Z",
}


def allowed(column: Column) -> str:
    """Return in words what a value of a column may be.

    >>> allowed(Column(type="integer", role="cluster", range=[0, 120]))
    'a whole number from 0 to 120'
    """
    low, high = (None if limit is None else _plain(limit) for limit in column.range)
    if low is not None and high is not None:
        limits = f" from {low} to {high}"
    elif low is not None:
        limits = f", {low} or more"
    else:
        limits = f", {high} or less" if high is not None else ""
    if column.counts_days and limits:
        limits = f",{limits} days before the run's date"
    return f"{_KINDS[column.type]}{limits}" + (", or nothing" if column.missing != "reject" else "")


def record_schema(contract: Contract) -> dict[str, Any]:
    """Return the JSON Schema of one customer as it is posted.

    A number may also be written as text. Fields that the contract does not know are left out, so they are allowed.
    """
    columns = {name: contract.columns[name] for name in contract.used}
    return {
        "type": "object",
        "required": [name for name, column in columns.items() if column.missing == "reject"],
        "properties": {name: _property(column, contract.formats) for name, column in columns.items()},
    }


def body_schema(contract: Contract, models: Sequence[str], *, most_rows: int) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each field of a request for labels."""
    return {
        "model_of_choice": {
            "type": "string",
            "pattern": _any_case(models),
            "description": f"One of {', '.join(models)}, in upper or lower case.",
        },
        "data": {
            "type": "array",
            "items": record_schema(contract),
            "minItems": 1,
            "maxItems": most_rows,
            "description": f"The customers, each one once, at most {most_rows:,} of them.",
        },
    }


def example_record(contract: Contract) -> dict[str, Any]:
    """Return a customer that the contract accepts."""
    return {name: _example(contract.columns[name]) for name in contract.used}


def _property(column: Column, formats: Formats | None) -> dict[str, Any]:
    numeric = column.type in NUMERIC_TYPES
    kinds = ["string"]
    if numeric:
        kinds.insert(0, "number" if column.type == "number" else "integer")
    elif column.type == "text":
        kinds += ["number", "boolean"]
    if column.missing != "reject":
        kinds.append("null")
    low, high = column.range
    pattern = _KEY if column.role == "key" else None if formats else NUMERAL  # else text has the contract's format
    described = f"{allowed(column)}. {column.description}".rstrip(". ")
    return {
        "type": kinds if len(kinds) > 1 else kinds[0],
        "description": f"{described[0].upper()}{described[1:]}.",
        "examples": [_example(column)],
        **({"minimum": _plain(low)} if numeric and low is not None else {}),
        **({"maximum": _plain(high)} if numeric and high is not None else {}),
        **({"pattern": pattern} if numeric and column.missing == "reject" and pattern else {}),
        **({"minLength": 1} if not numeric and column.missing == "reject" else {}),
    }


def _example(column: Column) -> Any:
    if column.type not in NUMERIC_TYPES:
        return _EXAMPLES[column.type]
    low, high = column.range
    if low is not None and high is not None:
        middle = (low + high) / 2
        return middle if column.type == "number" and not middle.is_integer() else math.floor(middle)
    within = max(_EXAMPLES[column.type], low) if low is not None else min(_EXAMPLES[column.type], high or 1)
    return within if column.type == "number" else math.ceil(within)


def _plain(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _any_case(models: Sequence[str]) -> str:
    names = ("".join(f"[{c}{c.upper()}]" if c.isalpha() else re.escape(c) for c in model) for model in models)
    return f"^({'|'.join(names)})$"
