"""Which numbers of a published table are left out, because they are about too few customers.

This is cell suppression with secondary suppression, as in Cox, "Suppression Methodology and Statistical Disclosure
Control", JASA 75 (1980): a small number that is left out could still be told from the sums of its row or column, which
people know, so larger ones go with it. Take segments and groups as the nodes of a graph, and each hidden cell as an
edge between two of them. A cell can be computed from the sums exactly where its edge is a bridge: Gusfield, "A Graph
Theoretic Approach to Statistical Data Security", SIAM Journal on Computing 17 (1988).

Nothing hidden can be computed from the sums of its table, nor together with tables of other models of the same
customers. Which least and greatest value a number can have, given that no count is below 0, is not checked, apart from
what a row, or a column with a known sum, leaves out being `least` customers or more. Nor is what follows for those who
know which customers each segment holds, and so compare segments of several models or days.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Part(NamedTuple):
    """Part of a table: rows (k,) and columns (g,) as truth values."""

    rows: Mask
    columns: Mask


def hidden_segments(customers: Counts, *, least: int) -> Mask:
    """Return which segments of (k,) customers are not described, as (k,) truth values."""
    hidden: Mask = (customers > 0) & (customers < least)
    _complete(customers, hidden, np.zeros_like(hidden), least)
    return hidden


def hidden_cells(table: Counts, *, least: int) -> tuple[Mask, Mask]:
    """Return which cells of (segments, groups) customers are left out, and which groups' sums, (groups,).

    People know the sums of all segments, and those of the groups that are not left out. Which groups' sums are left
    out depends on these sums alone, so that all models of the same customers leave out the same. All that any of the
    models tells of them is what they add up to. A table of one group tells its cells, whatever is left out.

    Three segments by three groups, with the sums that people know:

                group a   group b   group c       sum
        one          40         2        60       102
        two          30        50        20       100
        three         9        70        80       159
        sum          79       122       160

    The 2 is about too few. Its row would tell it, 102 - 40 - 60, so the smallest other number of the row goes too: 40.
    Now column a would tell the 40, so 9 goes; and column b would tell the 2, so another number of it has to: 70 rather
    than 50, since row three leaves something out already and needs a second number anyway. That closes the circle
    2 - 40 - 9 - 70. Add 1 to the first, take 1 from the second and so on, and every sum stays: none of them follows.

    >>> cells, sums = hidden_cells(np.array([[40, 2, 60], [30, 50, 20], [9, 70, 80]]), least=5)
    >>> cells.astype(int).tolist(), sums.tolist()
    ([[1, 1, 0], [0, 0, 0], [1, 1, 0]], [False, False, False])
    """
    hidden_sums = hidden_segments(table.sum(axis=0), least=least)
    hidden: Mask = (table > 0) & (table < least)
    _complete_lines(table, hidden, hidden_sums, least)
    while (place := _to_join_sums(table, hidden, hidden_sums)) is not None:
        hidden[place] = True
        _complete_lines(table, hidden, hidden_sums, least)
    _bypass_bridges(table, hidden, hidden_sums)
    return hidden, hidden_sums


def _complete_lines(table: Counts, hidden: Mask, hidden_sums: Mask, least: int) -> None:
    """Hide more cells, in place, until no row and no column with a known sum leaves out too little."""
    changed = True
    while changed:
        changed = False
        for row in range(len(table)):
            elsewhere = hidden.sum(axis=0) - hidden[row] + hidden_sums > 0
            changed |= _complete(table[row], hidden[row], elsewhere, least)
        for column in np.flatnonzero(~hidden_sums):
            elsewhere = hidden.sum(axis=1) - hidden[:, column] > 0
            changed |= _complete(table[:, column], hidden[:, column], elsewhere, least)


def _complete(line: Counts, hidden: Mask, preferred: Mask, least: int) -> bool:
    """Hide more of a line, in place, until two numbers of together `least` or more are hidden; return whether any was.

    Preferred are places whose crossing line hides something already, since that leaves out fewer numbers in all. Zeros
    come last: they add nothing to what a hidden number may be.
    """
    changed = False
    while hidden.any() and not hidden.all() and (hidden.sum() < 2 or line[hidden].sum() < least):
        order = np.lexsort((line, ~preferred, line == 0, hidden))
        hidden[order[0]] = changed = True
    return changed


def _to_join_sums(table: Counts, hidden: Mask, hidden_sums: Mask) -> tuple[int, int] | None:
    """Return the cell to hide where the groups with hidden sums fall into unconnected parts; None where they do not.

    Each part would tell what its sums add up to, and the parts of several models together what each of them is.
    """
    begun = hidden_sums & hidden.any(axis=0)
    if not begun.any():
        return None
    near = _reached(hidden, int(np.argmax(begun)))
    apart = hidden_sums & ~near.columns
    return _smallest_between(table, hidden, near, _reached(hidden, int(np.argmax(apart)))) if apart.any() else None


def _bypass_bridges(table: Counts, hidden: Mask, hidden_sums: Mask) -> None:
    """Hide more cells, in place, until each one that the sums would tell lies on a circle of hidden ones.

    This makes no new bridges and takes nothing from what a line leaves out, so once through is enough.

    Of the first row, 10 + 4 + 40 are hidden. The 4 and the 40 lie on a circle with the last row, and the two rows
    between are a circle with the first two columns. The 10 alone joins them: it is what rows one and four leave out,
    less what the last two columns leave out. The smallest number that joins the circles a second time is the 30.

    >>> table = np.array([[10, 70, 4, 40], [10, 4, 30, 40], [2, 20, 60, 60], [90, 50, 20, 3]])
    >>> hidden = np.array([[1, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]], dtype=bool)
    >>> np.argwhere(_told(hidden)).tolist()
    [[0, 0]]
    >>> _bypass_bridges(table, hidden, np.zeros(4, dtype=bool))
    >>> hidden.astype(int).tolist()
    [[1, 0, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1]]
    >>> np.argwhere(_told(hidden)).tolist()
    []
    """
    whole = np.vstack([hidden, hidden_sums])
    for row, column in np.argwhere(_told(whole)).tolist():
        whole[row, column] = False
        near = _reached(whole, column)
        whole[row, column] = True
        both = _reached(whole, column)
        far = Part(both.rows & ~near.rows, both.columns & ~near.columns)  # nothing, after one that bypassed this too
        place = _smallest_between(table, hidden, near, far)
        if place is not None:
            whole[place] = hidden[place] = True


def _told(hidden: Mask) -> Mask:
    """Return which hidden cells of (rows, columns) can be computed from the sums of all rows and columns.

    A cell can where its unit vector lies in the row space of the incidence matrix A of sums and hidden cells: where its
    leverage, the diagonal of A⁺A, is 1. On a circle of n cells it is (n - 1) / n or less.
    """
    across = hidden.astype(np.float64)
    rows = len(across)
    gram = np.block([[np.diag(across.sum(axis=1)), across], [across.T, np.diag(across.sum(axis=0))]])
    inverse = np.linalg.pinv(gram, rcond=1e-9, hermitian=True)  # of A Aᵀ
    own = np.diag(inverse)
    leverage = own[:rows, None] + own[None, rows:] + 2 * inverse[:rows, rows:]
    told: Mask = hidden & (leverage > 1 - 1e-6)
    return told


def _reached(hidden: Mask, column: int) -> Part:
    """Return the rows and columns that a way along hidden cells connects with a column."""
    columns: Mask = np.arange(hidden.shape[1]) == column
    while True:
        rows: Mask = np.any(hidden[:, columns], axis=1, keepdims=False)
        further: Mask = columns | np.any(hidden[rows], axis=0, keepdims=False)
        if np.array_equal(further, columns):
            return Part(rows, columns)
        columns = further


def _smallest_between(table: Counts, hidden: Mask, one: Part, other: Part) -> tuple[int, int] | None:
    """Return the smallest published cell that connects two parts, zeros last; None where all are hidden."""
    height = len(table)  # a row of sums below the table is not for hiding
    crossing = np.outer(one.rows[:height], other.columns) | np.outer(other.rows[:height], one.columns)
    places = np.argwhere(crossing & ~hidden)
    if not len(places):
        return None
    counts = table[places[:, 0], places[:, 1]]
    row, column = places[np.lexsort((counts, counts == 0))[0]].tolist()
    return row, column
