"""The box around rows: along the features, along the principal components, or askew."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from clustering.algorithms import FloatMatrix

ANGLES = np.linspace(0.0, np.pi / 2, 60, endpoint=False)
SWEEPS = 2
MOST_FEATURES = 12  # with more of them, no box askew is looked for: it takes their number squared


def smallest_box(features: FloatMatrix) -> FloatMatrix:
    """Return the axes (d, d), one a row, of the box of the smallest volume around features (n, d).

    The axes around a square that was pulled askew are parallel to its sides:

    >>> square = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    >>> axes = smallest_box(square @ np.array([[1.0, 0.6], [0.0, 0.8]]))
    >>> sorted(np.abs(axes[:, 0] / axes[:, 1]).round(1).tolist())
    [0.0, 1.8]
    """
    centred = features - features.mean(axis=0)
    _, lengths, components = np.linalg.svd(centred, full_matrices=False)
    boxes = [components, np.eye(features.shape[1])]
    if 1 < features.shape[1] <= MOST_FEATURES and lengths.min() > 1e-9 * lengths.max():
        boxes.append(_askew(centred, lengths[:, np.newaxis] * components))
    return min(boxes, key=lambda axes: _volume(centred, axes))


def _volume(centred: FloatMatrix, axes: FloatMatrix) -> float:
    return float(np.prod(np.ptp(centred @ np.linalg.pinv(axes), axis=0)) * abs(np.linalg.det(axes)))


def _askew(centred: FloatMatrix, components: FloatMatrix) -> FloatMatrix:
    """Return the axes of the smallest box once correlations are taken off, found by turning two axes at a time."""
    white = centred @ np.linalg.inv(components)
    turn = np.eye(white.shape[1])
    sines, cosines = np.sin(ANGLES)[:, np.newaxis], np.cos(ANGLES)[:, np.newaxis]
    for one, other in [pair for _ in range(SWEEPS) for pair in combinations(range(white.shape[1]), 2)]:
        first, second = white[:, one], white[:, other]
        extents = np.ptp(cosines * first + sines * second, axis=1) * np.ptp(cosines * second - sines * first, axis=1)
        best = int(extents.argmin())
        rotation = np.array([[cosines[best, 0], sines[best, 0]], [-sines[best, 0], cosines[best, 0]]])
        white[:, [one, other]] = white[:, [one, other]] @ rotation.T
        turn[[one, other]] = rotation @ turn[[one, other]]
    axes: FloatMatrix = turn @ components
    return axes
