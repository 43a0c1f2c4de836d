"""Numbers as people read them."""

from __future__ import annotations

import math

SIGNIFICANT = 3


def spoken_figure(value: float, decimals: int | None = None) -> str:
    """Return a number with these decimals, or with as many as three significant figures need.

    >>> [spoken_figure(value) for value in (60437.2, 49.52, 3.0, 0.01234, -0.5)]
    ['60,437', '49.5', '3', '0.0123', '-0.5']
    >>> spoken_figure(3, 2)
    '3.00'
    """
    if decimals is not None or not math.isfinite(value) or value == 0:
        return f"{value + 0.0:,.{decimals or 0}f}"
    needed = max(0, SIGNIFICANT - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{needed}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded_figure(value: float) -> float:
    """Return a number rounded to three significant figures: what is told of few customers is nobody's own value.

    >>> rounded_figure(60437.2), rounded_figure(0.0)
    (60400.0, 0.0)
    """
    return float(f"{value:.{SIGNIFICANT}g}")
