"""The distribution with one mode that comes nearest to some values."""

from __future__ import annotations

import numpy as np

from clustering.algorithms.base import FloatVector

QUANTILES = 4096
BINS, BIN_VALUES = 100, 10  # at most so many bins of equal mass, and at least so many values in one
ATOM_SHARE, ATOM_VALUES = 0.05, 10  # from which on equal values are kept as they are


def unimodal_quantiles(values: FloatVector) -> FloatVector:
    """Return QUANTILES quantiles, evenly spaced, of the unimodal distribution nearest to values (n,).

    Nearest is the one whose distribution function lies least far from that of the values where it is farthest, as in
    the dip test (Hartigan & Hartigan, 1985). Values that many share keep their share.

    Two groups become one broad one, from 0 to 11:

    >>> quantiles = unimodal_quantiles(np.concatenate([np.linspace(0, 1, 100), np.linspace(10, 11, 100)]))
    >>> np.quantile(quantiles, [0, 0.25, 0.5, 0.75, 1]).round(1).tolist()
    [0.0, 2.8, 5.5, 8.2, 11.0]

    >>> np.unique(unimodal_quantiles(np.repeat([0.0, 1.0], [30, 10])), return_counts=True)[1].tolist()
    [3072, 1024]
    """
    different, counts = np.unique(values, return_counts=True)
    atoms = counts >= max(ATOM_SHARE * len(values), ATOM_VALUES)
    rest = np.repeat(different[~atoms], counts[~atoms])
    shares = np.append(counts[atoms], len(rest)) / len(values)
    bounds = np.round(np.cumsum(shares) * QUANTILES).astype(int)
    sizes = np.diff(bounds, prepend=0)
    spread = _one_mode(rest, int(sizes[-1])) if sizes[-1] else rest[:0]
    return np.sort(np.concatenate([np.repeat(different[atoms], sizes[:-1]), spread]))


def _one_mode(values: FloatVector, count: int) -> FloatVector:
    """Return `count` quantiles of the nearest unimodal distribution to sorted values."""
    edges = _edges(values)
    wanted = (np.arange(count) + 0.5) / count
    if len(edges) < 3:
        return np.quantile(values, wanted)
    masses = np.diff(np.searchsorted(values, edges, side="right") / len(values), prepend=0.0)
    masses = np.concatenate([[masses[0] + masses[1]], masses[2:]])
    widths = np.diff(edges)
    own = np.cumsum(masses)
    tried = [np.cumsum(_densities(masses / widths, widths, mode) * widths) for mode in range(len(widths) + 1)]
    nearest = min(tried, key=lambda one: float(np.abs(one - own).max()))
    return np.interp(wanted, np.append(0.0, nearest / nearest[-1]), edges)


def _edges(values: FloatVector) -> FloatVector:
    """Return the edges of bins of equal mass of sorted values, of which the highest is halved down to one value.

    The upper tail of amounts and counts is long: spread evenly over the last bin, a hundredth of exponential values
    would have a tenth more variance than all of them have, and so few centroids would explain less of it. The lower
    tail, of logarithms the long one, is left as it is: halved too, it would take the place of groups of few customers,
    see docs/verdicts.md.
    """
    bounds = np.quantile(values, np.linspace(0, 1, 1 + min(BINS, len(values) // BIN_VALUES)))
    if len(bounds) < 3:
        return np.unique(bounds)
    halves = len(values) / (len(bounds) - 1) * 0.5 ** np.arange(1, len(values).bit_length())
    places = np.unique(np.append(halves.round().astype(int).clip(1), 0))
    return np.unique(np.concatenate([bounds[:-1], values[-1 - places]]))


def _densities(densities: FloatVector, widths: FloatVector, mode: int) -> FloatVector:
    """Return densities that rise up to bin `mode` and fall from there on, nearest to given ones of bins of widths."""
    from scipy.optimize import isotonic_regression

    rising = isotonic_regression(densities[:mode], weights=widths[:mode]).x if mode else densities[:0]
    falling = (
        isotonic_regression(densities[mode:], weights=widths[mode:], increasing=False).x
        if mode < len(densities)
        else densities[:0]
    )
    return np.concatenate([rising, falling])
