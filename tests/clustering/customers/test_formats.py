"""Numbers as offices write them."""

import pyarrow as pa
import pytest

from clustering.customers.formats import NumberFormat, decimal_signs, formats_that_fit, plain_numbers, without_missing


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["$88,006.00 ", "$1,234.50"], ["88006.00", "1234.50"]),
        (["88006 €", "7,5 €"], ["88006", "7.5"]),
        (["EUR 1.234,5", "2"], ["1234.5", "2"]),
        (["88 006", "7"], ["88006", "7"]),
        (["88\u00a0006,5", "1\u202f234,0"], ["88006.5", "1234.0"]),
        (["88'006", "1\u2019234\u2019567"], ["88006", "1234567"]),
        (["83%", " 40 %"], ["83", "40"]),
        (["(1,234.00)", "5.5"], ["-1234.00", "5.5"]),
        (["-$5.25", "$-5.5"], ["-5.25", "-5.5"]),
        (["1.234.567", "1,5"], ["1234567", "1.5"]),
        (["48 432 kr", "7 kr"], ["48432", "7"]),
        (["48.432,00 zł", "7,5 zł"], ["48432.00", "7.5"]),
        (["R$ 1.234,50", "R$ 7"], ["1234.50", "7"]),
        (["CA$1,234.50", "CA$7"], ["1234.50", "7"]),
        (["48432 руб.", "7 руб."], ["48432", "7"]),  # noqa: RUF001
        (["Fr. 1'234.50", "Fr. 7"], ["1234.50", "7"]),
        (["Rs. 12,34,567", "Rs. 7"], ["1234567", "7"]),
        (["1,05,000", "48,432"], ["105000", "48432"]),
        (["\u22125.25", "\u20137", "9"], ["-5.25", "-7", "9"]),
        (["1,234.50-", "7"], ["-1234.50", "7"]),
    ],
)
def test_a_column_that_can_be_read_in_one_way_is(written: list[str], read: list[str]) -> None:
    """Currencies before and after, percent, every kind of grouping, brackets and minus signs of a negative number."""
    text = pa.array(written)
    (form, *others) = formats_that_fit(text)
    assert plain_numbers(text, form).to_pylist() == read
    assert all(plain_numbers(text, other).to_pylist() == read for other in others)


def test_thousands_and_three_decimals_are_both_told() -> None:
    """Nothing in the column says which."""
    found = formats_that_fit(pa.array(["88,006", "9,120"]))
    assert [(one.decimal, one.thousands) for one in found] == [(".", ","), (",", "")]
    assert [(one.decimal, one.thousands) for one in formats_that_fit(pa.array(["0,125", "9,120"]))] == [(",", "")]


@pytest.mark.parametrize(
    "written", [["88k", "9k"], ["83%", "0.4"], ["USD 5", "7 EUR"], ["0x10", "1_000"], [None, None]]
)
def test_what_has_no_one_format_stays_as_it_is(written: list[str | None]) -> None:
    """Two units in one column are not added up, and abbreviations are not guessed."""
    assert formats_that_fit(pa.array(written, pa.string())) == []


def test_a_value_that_does_not_follow_stays_as_it_is() -> None:
    """It rejects its own row."""
    text = pa.array(["1.234,50", "12,5", "unknown", None])
    (form,) = formats_that_fit(text)
    assert plain_numbers(text, form).to_pylist() == ["1234.50", "12.5", "unknown", None]


def test_formats_are_told_in_words() -> None:
    """As a person would say them."""
    assert str(NumberFormat(",", ".", ("€",))) == "decimal comma, thousands by '.', € taken off"
    assert str(NumberFormat()) == "decimal point"
    assert NumberFormat() == NumberFormat(decimal=".", thousands="", signs=())


def test_decimal_signs_are_those_that_leave_no_doubt() -> None:
    """A column that fits both says nothing."""
    both, comma = [NumberFormat("."), NumberFormat(",")], [NumberFormat(",", ".")]
    assert decimal_signs([both, comma]) == {","}
    assert decimal_signs([both]) == set()


def test_missing_values_are_whole_values() -> None:
    """NA is none, Nadal is somebody."""
    assert without_missing(pa.array(["NA", "n/a ", "Nadal", None]), ("NA", "N/A")).to_pylist() == [
        None,
        None,
        "Nadal",
        None,
    ]
