"""What a clustering of some rows looks like, in figures."""

from __future__ import annotations

import numpy as np

from clustering.algorithms import FloatMatrix
from clustering.algorithms.base import NOISE, Labels
from clustering.algorithms.silhouette import SILHOUETTE_ROWS, silhouette


def measure(features: FloatMatrix, labels: Labels, *, seed: int, most_rows: int = SILHOUETTE_ROWS) -> dict[str, float]:
    """Return the number of clusters, the smallest one's share, the share of noise and the silhouette of labels."""
    sizes = np.bincount(labels[labels != NOISE])
    sizes = sizes[sizes > 0]
    return {
        "clusters": float(len(sizes)),
        "smallest_share": float(sizes.min() / len(labels)) if len(sizes) else 0.0,
        "noise_share": float(np.mean(labels == NOISE)),
        "silhouette": silhouette(features, labels, seed=seed, most_rows=most_rows),
    }
