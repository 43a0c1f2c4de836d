"""Rows that are assigned in blocks, so that an assignment never depends, bit for bit, on the rows around it.

They are worked on as the columns of zero-padded blocks of one fixed size, with elementwise arithmetic or a product of
fixed shape that sums term by term.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from clustering.algorithms.base import DECIMALS, FARTHEST, Assignment, FloatMatrix, FloatVector, Labels

BLOCK_ROWS = 4096  # a multiple of every width in which processors take numbers: no row falls into a remainder

Kernel: TypeAlias = Callable[[FloatMatrix], tuple[Labels, FloatVector]]


def assign_in_blocks(features: FloatMatrix, kernel: Kernel) -> Assignment:
    """Label rows (n, d) with a kernel that takes columns (d, BLOCK_ROWS) and returns labels and confidences.

    The last block is filled with zeros, so that the kernel always sees the same shape. Coordinates count as at most
    FARTHEST, which keeps squares exact enough to compare and free of overflow.
    """
    rows, dimensions = features.shape
    labels = np.empty(rows, dtype=np.int32)
    confidence = np.empty(rows, dtype=np.float32)
    columns = np.zeros((dimensions, BLOCK_ROWS))
    for start in range(0, rows, BLOCK_ROWS):
        block = features[start : start + BLOCK_ROWS]
        filled = slice(start, start + len(block))
        np.clip(block.T, -FARTHEST, FARTHEST, out=columns[:, : len(block)])
        columns[:, len(block) :] = 0.0
        block_labels, block_confidence = kernel(columns)
        labels[filled] = block_labels[: len(block)]
        confidence[filled] = np.round(block_confidence[: len(block)], DECIMALS)
    return Assignment(labels=labels, confidence=confidence)


def squared_distances(columns: FloatMatrix, point: FloatVector) -> FloatVector:
    """Return the squared Euclidean distances of columns (d, n) to a point (d,), summed feature by feature."""
    difference: FloatVector = columns[0] - point[0]
    total: FloatVector = difference * difference
    for column, value in zip(columns[1:], point[1:], strict=True):
        np.subtract(column, value, out=difference)
        np.multiply(difference, difference, out=difference)
        total += difference
    return total
