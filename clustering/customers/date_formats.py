"""Dates as offices write them: day or month first, with points, slashes or hyphens."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import DateOrder

_PARTS = (
    r"^\s*(?P<first>[0-9]{1,2})(?P<mark>[./-])(?P<second>[0-9]{1,2})[./-](?P<year>[0-9]{4})"
    r"(?:[ T](?P<clock>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)(?P<half>\s*[AaPp][Mm])?)?\s*$"
)
_YEAR_FIRST = r"^\s*([0-9]{4})[/.]([0-9]{1,2})[/.]([0-9]{1,2})(.*)$"
_MOST_MONTHS = NOON = 12


def orders_that_fit(text: pa.StringArray) -> list[DateOrder]:
    """Return in which order day and month may be; none, where no value is written with the year last.

    >>> orders_that_fit(pa.array(["1/2/2014", "6/16/2014"]))
    ['month-first']
    >>> orders_that_fit(pa.array(["1.2.2014"])), orders_that_fit(pa.array(["1/2/2014"]))
    (['day-first'], ['day-first', 'month-first'])
    """
    parts = pc.extract_regex(text, _PARTS).drop_null()
    if not len(parts):
        return []
    first, second, marks = (pc.struct_field(parts, name) for name in ("first", "second", "mark"))
    fitting: list[DateOrder] = []
    if pc.max(second.cast(pa.int64())).as_py() <= _MOST_MONTHS:
        fitting.append("day-first")
    if pc.max(first.cast(pa.int64())).as_py() <= _MOST_MONTHS and not pc.any(pc.equal(marks, ".")).as_py():
        fitting.append("month-first")
    return fitting


def plain_dates(text: pa.StringArray, order: DateOrder) -> pa.StringArray:
    """Return dates and moments with the year first, and what has another format as it is.

    >>> plain_dates(pa.array(["6/16/2014", "2014/6/1", "soon"]), "month-first").to_pylist()
    ['2014-06-16', '2014-06-01', 'soon']
    >>> plain_dates(pa.array(["31.12.2014 9:05", "1.2.2014 1:30 PM"]), "day-first").to_pylist()
    ['2014-12-31 09:05', '2014-02-01 13:30']
    """
    text = _year_first(text)
    if order == "year-first":
        return text
    parts = pc.extract_regex(text, _PARTS)
    first, second, year = (pc.struct_field(parts, name) for name in ("first", "second", "year"))
    day, month = (first, second) if order == "day-first" else (second, first)
    date = pc.binary_join_element_wise(year, _two_digits(month), _two_digits(day), "-")
    clock = _clock(pc.struct_field(parts, "clock"), pc.struct_field(parts, "half"))
    moment = pc.if_else(pc.equal(clock, ""), date, pc.binary_join_element_wise(date, clock, " "))
    return pc.if_else(parts.is_valid(), moment, text)


def _year_first(text: pa.StringArray) -> pa.StringArray:
    swapped = pc.replace_substring_regex(text, _YEAR_FIRST, r"\1-\2-\3\4")
    padded = pc.replace_substring_regex(swapped, r"^([0-9]{4})-([0-9])-", r"\1-0\2-")
    return pc.replace_substring_regex(padded, r"^([0-9]{4}-[0-9]{2})-([0-9])( .*)?$", r"\1-0\2\3")


def _two_digits(number: pa.StringArray) -> pa.StringArray:
    return pc.utf8_lpad(number, 2, "0")


def _clock(clock: pa.StringArray, half: pa.StringArray) -> pa.StringArray:
    """Return the time of day by 24 hours, empty where there is none."""
    given = pc.fill_null(clock, "")
    numbered = pc.if_else(pc.equal(given, ""), "0", given)
    hour = pc.replace_substring_regex(numbered, r"^([0-9]+).*$", r"\1").cast(pa.int64())
    halves = pc.utf8_lower(pc.utf8_trim_whitespace(pc.fill_null(half, "")))
    hour = pc.if_else(pc.and_(pc.equal(halves, "pm"), pc.less(hour, NOON)), pc.add(hour, NOON), hour)
    hour = pc.if_else(pc.and_(pc.equal(halves, "am"), pc.equal(hour, NOON)), 0, hour)
    rest = pc.replace_substring_regex(given, r"^[0-9]+", "")
    return pc.if_else(
        pc.equal(given, ""), "", pc.binary_join_element_wise(_two_digits(hour.cast(pa.string())), rest, "")
    )
