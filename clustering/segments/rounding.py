"""Averages rounded to what they are worth, and what a rounded one leaves open.

>>> rounded(60_432.7), rounded(0.012345), rounded(34.25), rounded(-34.25), rounded(0.0)
(60400.0, 0.0123, 34.3, -34.3, 0.0)
>>> [float(bound) for bound in rounded_from(60_400.0)]
[60350.0, 60450.0]
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

DIGITS = 3
_EXACT = Context(prec=60)
_ROUND = Context(prec=DIGITS, rounding=ROUND_HALF_UP)


def rounded(value: Fraction | float | None) -> float | None:
    """Return a number rounded to DIGITS significant digits, halves away from zero; what is None stays None."""
    if value is None:
        return None
    exact = Fraction(value)
    written = _ROUND.plus(_EXACT.divide(Decimal(exact.numerator), Decimal(exact.denominator)))
    nearest = float(written)
    return nearest if math.isfinite(nearest) else float(written.next_toward(Decimal(0), context=_ROUND))


def rounded_from(value: float) -> tuple[Fraction, Fraction]:
    """Return the least and the greatest number that are written as this rounded one; zero stands for itself alone.

    Just above a power of ten the digits are ten times as coarse as just below it:

    >>> [float(bound) for bound in rounded_from(100.0)], [float(bound) for bound in rounded_from(-100.0)]
    ([99.95, 100.5], [-100.5, -99.95])
    """
    if value == 0:
        return Fraction(0), Fraction(0)
    written = _ROUND.create_decimal(repr(abs(value)))
    size, unit = Fraction(written), Fraction(10) ** (written.adjusted() - DIGITS + 1)
    below = unit / 10 if size == Fraction(10) ** written.adjusted() else unit
    low, high = size - below / 2, size + unit / 2
    return (low, high) if value > 0 else (-high, -low)
