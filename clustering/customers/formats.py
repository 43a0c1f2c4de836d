"""Numbers and dates as offices write them, and what they write where there is no value.

A column is looked at as a whole, since one value seldom tells: `88,006` has a decimal comma or a thousands separator.
What a value becomes is a literal of PostgreSQL; a value that does not follow its column's format stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from clustering.customers.text import NUMBER

DECIMAL_POINT = r"^\s*[+-]?[0-9]*\.[0-9]*([eE][+-]?[0-9]+)?\s*$"
# Signs of currencies, with letters before them as in R$, and what is written in their place.
CURRENCIES = (
    r"[A-Z]{0,2}\p{Sc}"
    r"|(?i:USD|EUR|GBP|CHF|JPY|INR|CAD|AUD|NZD|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|UAH|RUB|BRL|MXN|TRY|ZAR|CNY|HKD|SGD"
    r"|kr\.?|zł|Kč|Ft|lei|лв\.?|грн\.?|руб\.?|Fr\.|SFr\.|Rs\.?|Euro)"  # noqa: RUF001
)
_SPACES = "\u0020\u00a0\u2009\u202f"  # ordinary, no-break, thin, narrow no-break
_MARKS = "'\u2019"
_MINUS = "[\u2212\u2012\u2013]"  # as typesetters write it, and spreadsheets
_GROUPINGS = {",": ",", ".": r"\.", " ": f"[{_SPACES}]", "'": f"[{_MARKS}]"}
MISSING = (r"\N", "#N/A", "N/A", "NA", "NULL", "(null)")
_ERRORS = ("#VALUE!", "#DIV/0!", "#REF!", "#NAME?", "#NUM!", "#NULL!")  # of a spreadsheet's cell
MISSING_NUMBERS = (*MISSING, "NaN", "None", "-", "--", "\u2013", "\u2014", "(blank)", "n.a.", *_ERRORS)


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written: the decimal sign, what stands between thousands, and signs such as a currency or %."""

    decimal: str = "."
    thousands: str = ""
    signs: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"decimal {'comma' if self.decimal == ',' else 'point'}"]
        if self.thousands:
            parts.append(f"thousands by {self.thousands!r}")
        if self.signs:
            parts.append(f"{' '.join(self.signs)} taken off")
        return ", ".join(parts)

    @property
    def pattern(self) -> str:
        """The values that follow this format, their sign of currency taken off."""
        decimal = r"\." if self.decimal == "." else ","
        whole = "[0-9]+"
        if self.thousands:
            group = _GROUPINGS[self.thousands]
            whole = rf"(?:[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+|[0-9]+)"
            if self.thousands == ",":  # 12,34,567 in India
                whole = rf"(?:[1-9][0-9]?(?:,[0-9]{{2}})+,[0-9]{{3}}|{whole})"
        return rf"^[+-]?(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)$"


FORMATS = tuple(
    NumberFormat(decimal, thousands)
    for decimal, groupings in ((".", ("", ",", " ", "'")), (",", ("", ".", " ", "'")))
    for thousands in groupings
)


def without_missing(text: pa.StringArray, tokens: Sequence[str]) -> pa.StringArray:
    """Return text with null for what stands for no value, such as NA, in any case and with spaces around it.

    >>> without_missing(pa.array(["1", " na", r"\\N", "Nadal"]), MISSING).to_pylist()
    ['1', None, None, 'Nadal']
    """
    wanted = pa.array([token.casefold() for token in tokens], pa.string())
    absent = pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(text)), value_set=wanted)
    return pc.if_else(absent, pa.scalar(None, pa.string()), text)


def is_plain(text: pa.StringArray) -> bool:
    """Whether every value is a number as programs write it."""
    return bool(pc.all(pc.match_substring_regex(pc.utf8_trim_whitespace(text), NUMBER)).as_py() in (True, None))


def formats_that_fit(text: pa.StringArray, *, signs: tuple[str, ...] = ()) -> list[NumberFormat]:
    """Return the formats that most values follow, plain first; none where fewer than half do, or currencies differ.

    Where nobody declared `signs`, one currency or % is recognised.

    >>> [str(one) for one in formats_that_fit(pa.array(["1.234,50", "7"]))]
    ["decimal comma, thousands by '.'"]
    >>> [str(one) for one in formats_that_fit(pa.array(["88,006", "9,120"]))]
    ["decimal point, thousands by ','", 'decimal comma']
    """
    taken = signs or _signs(text)
    if taken is None:
        return []
    bare = _bare(text, taken)
    followed = [pc.sum(pc.match_substring_regex(bare, one.pattern)).as_py() or 0 for one in FORMATS]
    most = max(followed)
    if 2 * most < len(bare) - bare.null_count or not most:
        return []
    fitting = [one for one, count in zip(FORMATS, followed, strict=True) if count == most]
    used = [one for one in fitting if not one.thousands or _is_grouped(bare, one)]
    return [NumberFormat(one.decimal, one.thousands, taken) for one in used]


def plain_numbers(text: pa.StringArray, form: NumberFormat) -> pa.StringArray:
    """Return the values that follow a format as programs write them, and all others as they are.

    Where the comma is decimal, a number with a decimal point is marked, or programs would take it for one.

    >>> plain_numbers(pa.array(["$1,234.50", "(7)", "88k", None]), NumberFormat(".", ",", ("$",))).to_pylist()
    ['1234.50', '-7', '88k', None]
    """
    bare = _bare(text, form.signs)
    follows = pc.match_substring_regex(bare, form.pattern)
    if form.thousands:
        bare = pc.replace_substring_regex(bare, _GROUPINGS[form.thousands], "")
    if form.decimal == ",":
        bare = pc.replace_substring(bare, ",", ".")
        text = pc.replace_substring_regex(text, DECIMAL_POINT, r"\0 (a decimal point)")
    return pc.if_else(pc.fill_null(follows, False), bare, text)


def _is_grouped(bare: pa.StringArray, form: NumberFormat) -> bool:
    return bool(pc.any(pc.match_substring_regex(bare, rf"[0-9]{_GROUPINGS[form.thousands]}[0-9]{{3}}")).as_py())


def _signs(text: pa.StringArray) -> tuple[str, ...] | None:
    """Return the one currency that values have, or % where all have it, or none; None where they differ."""
    present = text.drop_null()
    percent = pc.sum(pc.ends_with(pc.utf8_trim_whitespace(present), "%")).as_py() or 0
    found = pc.struct_field(pc.extract_regex(present, f"(?P<sign>{CURRENCIES})"), "sign")
    currencies = set(pc.utf8_upper(found).drop_null().unique().to_pylist())
    if percent:
        return ("%",) if percent == len(present) and not currencies else None
    if len(currencies) > 1:
        return None
    return tuple(currencies)


def _bare(text: pa.StringArray, signs: Sequence[str]) -> pa.StringArray:
    """Return values without spaces around them and without the signs; negative in brackets or with a minus after it."""
    spaces = rf"[\s{_SPACES}]*"
    if signs:
        taken = f"(?i:{'|'.join(map(re.escape, signs))})"
        text = pc.replace_substring_regex(text, rf"^({spaces}[+-]?){spaces}{taken}|{taken}({spaces})$", r"\1\2")
        text = pc.replace_substring_regex(text, rf"^({spaces}\(){spaces}{taken}|{taken}({spaces}\){spaces})$", r"\1\2")
    text = pc.replace_substring_regex(text, rf"^{spaces}\({spaces}([0-9].*?){spaces}\){spaces}$", r"-\1")
    text = pc.replace_substring_regex(text, rf"^({spaces}){_MINUS}", r"\1-")
    text = pc.replace_substring_regex(text, rf"^{spaces}([0-9][^-]*?){spaces}(?:-|{_MINUS}){spaces}$", r"-\1")
    return pc.replace_substring_regex(text, rf"^{spaces}([+-]?){spaces}(.*?){spaces}$", r"\1\2")


def decimal_signs(columns: Iterable[Sequence[NumberFormat]]) -> set[str]:
    """Return the decimal signs that columns leave no doubt of."""
    return {next(iter(signs)) for fitting in columns if len(signs := {one.decimal for one in fitting}) == 1}
