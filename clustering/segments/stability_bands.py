"""What the stability of a segment means to a reader."""

from __future__ import annotations

BANDS = ((0.85, "highly stable"), (0.75, "valid"), (0.6, "pattern"))
UNSTABLE = "do not trust"


def stability_band(jaccard: float) -> str:
    """Return the band of a segment's mean bootstrap Jaccard (Hennig, 2007; the R package fpc).

    >>> [stability_band(jaccard) for jaccard in (0.85, 0.75, 0.6, 0.59)]
    ['highly stable', 'valid', 'pattern', 'do not trust']
    """
    return next((band for least, band in BANDS if jaccard >= least), UNSTABLE)
