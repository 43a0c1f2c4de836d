"""Text that should be something else: a mask decides what converts before any cast, so that no cast raises.

The literals are PostgreSQL's own output plus what people write for the same values; `0x10` and `1_000` are refused.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clustering.customers.faults import Converted, Mask, Reason, converted, mask_of

_SHORT_INTEGER = r"^-?[0-9]{1,18}$"  # fits 64 bits whatever its digits
_INTEGER = r"^[+-]?([0-9]+)(\.0*)?$"
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_NOT_FINITE = r"(?i)^[+-]?(nan|inf|infinity)$"
_UUID = r"(?i)^\{?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?$"
_UUID_GROUPS = r"^(.{8})(.{4})(.{4})(.{4})(.{12})$"

_DAY = (
    r"(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?"
_ZONE = r"(?:[zZ]|[+-][01][0-9](?::?[0-5][0-9])?)"
_MOMENT = rf"^{_DAY}(?:[ T]{_CLOCK}{_ZONE}?)?$"
_LIKE_A_DATE = r"(?i)^([+-]?infinity|[0-9]+-[0-9]{1,2}-[0-9]{1,2}([ T].*)?( BC)?)$"


def integers(text: pa.StringArray, *, exact: bool = False) -> Converted:
    """Convert to int64; `25.0` is an integer, `25.5` and `1e3` are not, and spaces around it only if not `exact`."""
    if pc.all(pc.match_substring_regex(text, _SHORT_INTEGER)).as_py():
        return Converted(text.cast(pa.int64()))
    text = text if exact else pc.utf8_trim_whitespace(text)
    literal = pc.match_substring_regex(text, _INTEGER)
    negative = pc.starts_with(text, "-")
    digits = pc.replace_substring_regex(text, r"^[+-]?0*([0-9]+?)(\.0*)?$", r"\1")
    length = pc.utf8_length(digits)
    largest = pc.if_else(negative, str(2**63), str(2**63 - 1))
    small = pc.or_(pc.less(length, 19), pc.and_(pc.equal(length, 19), pc.less_equal(digits, largest)))
    signed = pc.binary_join_element_wise(pc.if_else(negative, "-", ""), digits, "")
    fits = pc.and_(literal, small)
    values = pc.if_else(fits, signed, pa.scalar(None, pa.string())).cast(pa.int64())
    return converted(
        values,
        (mask_of(literal) & ~mask_of(fits), Reason.NOT_CONVERTIBLE),
        *_no_number(text, accepted=mask_of(literal)),
    )


def numbers(text: pa.StringArray) -> Converted:
    """Convert to float64; what is too large for it is not convertible, what is written as infinite is not finite."""
    literal = pc.match_substring_regex(text, NUMBER)
    if not pc.all(literal).as_py():
        text = pc.utf8_trim_whitespace(text)
        literal = pc.match_substring_regex(text, NUMBER)
    values = pc.if_else(literal, text, pa.scalar(None, pa.string())).cast(pa.float64())
    too_large = mask_of(pc.is_inf(values))
    return converted(values, (too_large, Reason.NOT_CONVERTIBLE), *_no_number(text, accepted=mask_of(literal)))


def _no_number(text: pa.StringArray, *, accepted: Mask) -> tuple[tuple[Mask, Reason], ...]:
    if accepted.all():
        return ()
    not_finite = mask_of(pc.match_substring_regex(text, _NOT_FINITE))
    return ((not_finite, Reason.NOT_FINITE), (~accepted & ~_absent(text), Reason.WRONG_TYPE))


def uuids(text: pa.StringArray, *, exact: bool = False) -> Converted:
    """Convert to PostgreSQL's way of writing a UUID: lower case with hyphens; spaces around it only if not `exact`."""
    text = text if exact else pc.utf8_trim_whitespace(text)
    literal = pc.match_substring_regex(text, _UUID)
    digits = pc.utf8_lower(pc.replace_substring_regex(text, "[{}-]", ""))
    values = pc.if_else(literal, hyphenated(digits), pa.scalar(None, pa.string()))
    return converted(values, (~mask_of(literal) & ~_absent(text), Reason.WRONG_TYPE))


def hyphenated(digits: pa.StringArray) -> pa.StringArray:
    """Return the 32 digits of each UUID in PostgreSQL's five groups."""
    return pc.replace_substring_regex(digits, _UUID_GROUPS, r"\1-\2-\3-\4-\5")


def dates(text: pa.StringArray) -> Converted:
    """Convert to date32; of a moment, its day as written."""
    text, literal, faults = _moments(text)
    day = pc.if_else(literal, pc.utf8_slice_codeunits(text, 0, 10), pa.scalar(None, pa.string()))
    return converted(day.cast(pa.date32()), *faults)


def timestamps(text: pa.StringArray) -> Converted:
    """Convert to microseconds; a moment with a zone becomes UTC, one without stays as written."""
    text, literal, faults = _moments(text)
    text = pc.replace_substring_regex(text, r"^(.{10})$", r"\1 00:00")
    text = pc.replace_substring_regex(text, r"(\.[0-9]{6})[0-9]+", r"\1")
    text = pc.replace_substring(text, "z", "Z")
    zoned = pc.if_else(
        pc.match_substring_regex(text, rf"{_CLOCK}{_ZONE}$"), text, pc.binary_join_element_wise(text, "Z", "")
    )
    moments = pc.if_else(literal, zoned, pa.scalar(None, pa.string())).cast(pa.timestamp("us", "UTC"))
    return converted(moments.cast(pa.timestamp("us")), *faults)


def _moments(text: pa.StringArray) -> tuple[pa.StringArray, pa.BooleanArray, tuple[tuple[Mask, Reason], ...]]:
    text = pc.utf8_trim_whitespace(text)
    literal = pc.and_(pc.match_substring_regex(text, _MOMENT), pc.invert(pc.starts_with(text, "0000")))
    accepted = mask_of(literal)
    impossible = mask_of(pc.match_substring_regex(text, _LIKE_A_DATE)) & ~accepted
    return text, literal, ((impossible, Reason.NOT_CONVERTIBLE), (~accepted & ~_absent(text), Reason.WRONG_TYPE))


def _absent(text: pa.StringArray) -> Mask:
    blank = mask_of(pc.equal(pc.binary_length(pc.utf8_trim_whitespace(text)), 0))
    return np.logical_or(blank, mask_of(text.is_null()))


def without_blanks(text: pa.StringArray) -> pa.StringArray:
    """Return text with null for what is empty or only spaces."""
    spaces = pc.utf8_is_space(text)
    if pc.any(spaces).as_py() or pc.min(pc.binary_length(text)).as_py() == 0:
        return pc.if_else(pc.or_(spaces, pc.equal(text, "")), pa.scalar(None, pa.string()), text)
    return text


def multiplied(text: pa.StringArray, factors: NDArray[np.float64]) -> pa.StringArray:
    """Return text with every number multiplied by its row's factor, and everything else as it is."""
    product = pc.multiply(numbers(text).values, pa.array(factors))
    written = pc.if_else(pc.is_finite(product), product, pa.scalar(None, pa.float64())).cast(pa.string())
    return pc.coalesce(pc.if_else(pa.array(factors == 1), pa.scalar(None, pa.string()), written), text)
