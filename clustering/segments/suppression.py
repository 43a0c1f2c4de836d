"""Which numbers of a published table are left out, because they are about too few customers.

A small number that is left out could still be told from the sum of its row or column, which people know. So every row
and column that leaves out one number leaves out the next larger ones too, until at least two are gone and stand for at
least as many customers as a group must have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]


def hidden_segments(customers: Counts, *, least: int) -> Mask:
    """Return which segments of (k,) customers are not described, as (k,) truth values."""
    hidden: Mask = (customers > 0) & (customers < least)
    _complete(customers, hidden, np.zeros_like(hidden), least)
    return hidden


def hidden_cells(table: Counts, *, least: int) -> tuple[Mask, Mask]:
    """Return which cells of (segments, groups) customers are left out, and which groups' sums, (groups,).

    >>> cells, sums = hidden_cells(np.array([[40, 2, 60], [30, 50, 20], [9, 70, 80]]), least=5)
    >>> cells.astype(int).tolist(), sums.tolist()
    ([[1, 1, 0], [0, 0, 0], [1, 1, 0]], [False, False, False])
    """
    whole = np.vstack([table, table.sum(axis=0)])
    hidden: Mask = (whole > 0) & (whole < least)
    changed = True
    while changed:
        changed = False
        for counts, mask in ((whole, hidden), (whole.T, hidden.T)):
            for line in range(len(mask)):
                others: Mask = np.any(np.delete(mask, line, axis=0), axis=0, keepdims=False)
                changed |= _complete(counts[line], mask[line], others, least)
    return hidden[:-1], hidden[-1]


def _complete(line: Counts, hidden: Mask, preferred: Mask, least: int) -> bool:
    """Hide more of a line, in place, until what is hidden cannot be told from its sum; return whether that was so.

    Preferred are places whose crossing line hides something already, since that leaves out fewer numbers in all. Zeros
    come last: they add nothing to what a hidden number may be.
    """
    changed = False
    while hidden.any() and not hidden.all() and (hidden.sum() < 2 or line[hidden].sum() < least):
        order = np.lexsort((line, ~preferred, line == 0, hidden))
        hidden[order[0]] = changed = True
    return changed
