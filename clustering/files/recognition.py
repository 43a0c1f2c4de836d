"""Columns of text whose format nobody declared: numbers and dates become what programs write, and it is said how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import NUMERIC_TYPES, Column, DateOrder
from clustering.customers.date_formats import orders_that_fit, plain_dates
from clustering.customers.formats import (
    MISSING,
    MISSING_NUMBERS,
    NumberFormat,
    decimal_signs,
    formats_that_fit,
    is_plain,
    plain_numbers,
    without_missing,
)
from clustering.errors import DataError
from clustering.files.text_columns import FileOptions, TextColumns


@dataclass
class Recognised:
    """Columns of text (n,) by name, and what is unusual about the file they come from, in words."""

    columns: dict[str, pa.StringArray]
    said: list[str]


def recognise(read: TextColumns, types: Mapping[str, Column], options: FileOptions) -> Recognised:
    """Return the columns, named and typed as in `types`, with numbers, dates and missing values as programs do.

    Keys stay as they are. Raises DataError for a column that can be read in two ways.
    """
    found = Recognised(dict(zip(types, read.columns.values(), strict=True)), list(read.said))
    _take_missing(found, types, options.missing)
    _take_numbers(found, types, read.delimiter, options)
    for name, column in types.items():
        if column.type in ("date", "timestamp"):
            _take_dates(found, name, options.dates)
    whole = [read.whole(place, text) for place, text in zip(read.columns, found.columns.values(), strict=True)]
    return Recognised(dict(zip(types, whole, strict=True)), found.said)


def _take_missing(found: Recognised, types: Mapping[str, Column], declared: tuple[str, ...]) -> None:
    taken: Counter[str] = Counter()
    for name, column in types.items():
        if column.role == "key":
            continue
        text = found.columns[name]
        less = without_missing(text, (*declared, *(MISSING if column.type == "text" else MISSING_NUMBERS)))
        gone = pc.utf8_trim_whitespace(text.filter(pc.and_(text.is_valid(), less.is_null())))
        taken.update({one["values"]: one["counts"] for one in gone.value_counts().to_pylist()})
        found.columns[name] = less
    if taken:
        told = ", ".join(f"{value} ({count})" for value, count in taken.items())
        found.said.append(f"taken for missing values: {told}")


def _take_numbers(found: Recognised, types: Mapping[str, Column], delimiter: str, options: FileOptions) -> None:
    names = [name for name, column in types.items() if column.type in NUMERIC_TYPES and column.role != "key"]
    plain = {name for name in names if is_plain(found.columns[name])}
    fitting = {name: _fits(found.columns[name], options) for name in names if name not in plain}
    declared = options.decimal is not None or options.thousands is not None
    if delimiter != "," or declared or "," in decimal_signs(fitting.values()):
        # What a program would have written may be thousands: 1.234 beside a column with decimal commas.
        fitting |= {name: _fits(found.columns[name], options) for name in plain}
    known = decimal_signs(fitting.values())
    for name, fits in fitting.items():
        if not fits:
            continue
        form = _chosen(name, found.columns[name], fits, known, delimiter)
        written = plain_numbers(found.columns[name], form)
        _say_change(found, name, str(form), written)
        found.columns[name] = written


def _fits(text: pa.StringArray, options: FileOptions) -> list[NumberFormat]:
    fits = formats_that_fit(text, signs=options.signs)
    if options.decimal is None and options.thousands is None:
        return fits
    return [one for one in fits if _is_declared(one, options)] or _of(options, fits)


def _is_declared(form: NumberFormat, options: FileOptions) -> bool:
    if form.decimal == options.thousands or options.decimal not in (None, form.decimal):
        return False
    return options.thousands is None or form.thousands in ("", options.thousands)


def _of(options: FileOptions, fits: list[NumberFormat]) -> list[NumberFormat]:
    signs = options.signs or (fits[0].signs if fits else ())
    decimal = options.decimal or ("," if options.thousands == "." else ".")
    return [NumberFormat(decimal, options.thousands or "", signs)]


def _chosen(name: str, text: pa.StringArray, fits: list[NumberFormat], known: set[str], delimiter: str) -> NumberFormat:
    """Return the one format, or that in which the rest of the file is written.

    Within commas, a comma in a number is not decimal; elsewhere nothing tells `88,006` from 88.006.
    """
    read = [plain_numbers(text, one) for one in fits]
    apart = next((pc.fill_null(pc.not_equal(read[0], other), False) for other in read[1:] if other != read[0]), None)
    if apart is None:
        return fits[0]
    decimals = known if len(known) == 1 else {"."} if delimiter == "," else set()
    chosen = [one for one in fits if one.decimal in decimals]
    if chosen:
        return chosen[0]
    ways = " or ".join(str(one.filter(apart)[0]) for one in read)
    raise DataError(
        f"column {name}: {text.filter(apart)[0].as_py()!r} may be {ways}; say which sign is the decimal one, "
        "--decimal . or --decimal ,"
    )


def _take_dates(found: Recognised, name: str, declared: DateOrder | None) -> None:
    text = found.columns[name]
    orders = [declared] if declared else orders_that_fit(text)
    if len(orders) > 1:
        example = next(value for value in text.to_pylist() if value and orders_that_fit(pa.array([value])))
        raise DataError(
            f"column {name}: in {example!r} the day or the month may come first; "
            "say which, --dates day-first or --dates month-first"
        )
    order = orders[0] if orders else "year-first"
    plain = plain_dates(text, order)
    _say_change(found, name, order.replace("-", " "), plain)
    found.columns[name] = plain


def _say_change(found: Recognised, name: str, form: str, plain: pa.StringArray) -> None:
    changed = pc.fill_null(pc.not_equal(plain, found.columns[name]), False)
    if pc.any(changed).as_py():
        found.said.append(f"{name}: {form}, such as {found.columns[name].filter(changed)[0].as_py()!r}")
