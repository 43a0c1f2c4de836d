"""The knee of a curve that rises ever more steeply (Kneedle; Satopaa, Albrecht, Irwin & Raghavan, 2011)."""

from __future__ import annotations

import numpy as np

from clustering.algorithms.base import FloatVector


def knee(curve: FloatVector) -> float | None:
    """Return the value of a rising curve (n,) at which it bends upwards; None where it has no such place.

    Seen from its upper end, that is the first local maximum of how far the curve lies below the straight line between
    its ends, which is followed by a fall of at least the mean step of that line before the next minimum.

    >>> knee(np.array([0.0, 1, 2, 3, 4, 20, 40])), knee(np.array([0.0, 1, 2, 3]))
    (4.0, None)
    """
    low, high = curve[0], curve[-1]
    if not high > low:
        return None
    line = np.flip(1 - np.arange(len(curve)) / (len(curve) - 1))
    below = np.flip(1 - (curve - low) / (high - low)) - line
    before, after = np.append(below[0], below[:-1]), np.append(below[1:], below[-1])
    highest, lowest = (below >= before) & (below >= after), (below <= before) & (below <= after)
    found, least = None, -np.inf
    for place, following in enumerate(below[1:].tolist()):
        if highest[place]:
            found, least = place, below[place] - 1 / (len(curve) - 1)
        if lowest[place]:
            least = -np.inf
        if following < least and found is not None:
            return float(curve[-(found + 1)])
    return None
