"""Rules in plain words: what a segment's customers have in common, as thresholds that a person can check.

A surrogate decision tree of depth 3 learns the segments from the columns in their own units (Craven & Shavlik, 1996).
Its thresholds are rounded to numbers that read well, and every figure is measured with the rounded ones. A tree too
shallow for every segment leaves some without a leaf: these get a tree of their own, segment against the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import FloatMatrix
from clustering.segments.thresholds import Box, Columns, in_words, joined, round_threshold, sql_predicate

DEPTH = 3
APPROXIMATE_BELOW = 0.9
SMALLEST_PART = 0.05  # of the segment's customers: a leaf with fewer would lengthen the rule for very little
OUTLIERS = 0

FAR_FROM_EVERY_GROUP = "far from every group"
NO_SHORT_RULE = "no short rule tells this segment from the others"

Segments = NDArray[np.intp]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Rule:
    """A segment's rule and how far it holds, measured on the customers that it was learnt from.

    `sql` is a condition on the contract's columns, None where there is no rule. `coverage` is the share of the
    segment's customers that the rule selects, `precision` the segment's share of all whom it selects, `fidelity` the
    share of all customers whom the whole tree puts into their segment.
    """

    words: str
    sql: str | None
    coverage: float | None
    precision: float | None
    fidelity: float


@dataclass(frozen=True)
class Leaf:
    """The customers of one box, and the segment that most of them are in."""

    box: Box
    rows: Rows
    segment: int


def explain_segments(
    values: FloatMatrix, segments: NDArray[Any], *, columns: Columns, fills: Mapping[str, float] | None = None
) -> dict[int, Rule]:
    """Return the rule of every segment that is among `segments` (n,), for `values` (n, d) of `columns` in their units.

    `fills` holds the number that stands in a column for a missing value. Segment 0, the outliers, lies around the
    others: it is in no box, and its rule, which is always there, says so. The same rows give the same rules.
    """
    segments = np.asarray(segments, dtype=np.intp)
    leaves = _leaves(values, segments)
    hits = sum(int(np.count_nonzero(segments[leaf.rows] == leaf.segment)) for leaf in leaves)
    fidelity = hits / len(segments)
    rules = {OUTLIERS: Rule(FAR_FROM_EVERY_GROUP, None, None, None, fidelity)}
    for segment in np.unique(segments[segments != OUTLIERS]).tolist():
        own = [leaf for leaf in leaves if leaf.segment == segment] or _own_leaves(values, segments, segment)
        boxes = _boxes(own, segments == segment)
        rules[segment] = _rule(boxes, values, segments == segment, columns, fills or {}, fidelity)
    return rules


def _own_leaves(values: FloatMatrix, segments: Segments, segment: int) -> list[Leaf]:
    """Return the segment's leaves of a tree that knows only it and the rest."""
    return [leaf for leaf in _leaves(values, np.where(segments == segment, segment, OUTLIERS)) if leaf.segment]


def _leaves(values: FloatMatrix, segments: Segments) -> list[Leaf]:
    """Grow the tree and return its leaves with rounded thresholds; together they hold every row once."""
    from sklearn.tree import DecisionTreeClassifier

    # Ranks make the same splits as values, and are exact in the single precision that the tree computes in.
    ranks = np.column_stack([np.unique(column, return_inverse=True)[1] for column in values.T])
    tree = DecisionTreeClassifier(max_depth=DEPTH, random_state=0)
    tree.fit(ranks.astype(np.float32), segments)

    def grow(node: int, box: Box, rows: Rows) -> Iterator[Leaf]:
        left, right = int(tree.tree_.children_left[node]), int(tree.tree_.children_right[node])
        if left == right:
            if len(rows):
                yield Leaf(box, rows, int(np.bincount(segments[rows]).argmax()))
            return
        feature = int(tree.tree_.feature[node])
        column = values[:, feature]
        threshold = round_threshold(column, below=ranks[:, feature] <= tree.tree_.threshold[node], among=rows)
        beneath = column[rows] <= threshold
        yield from grow(left, box.up_to(feature, threshold), rows[beneath])
        yield from grow(right, box.above(feature, threshold), rows[~beneath])

    return list(grow(0, Box(), np.arange(len(segments))))


def _boxes(leaves: Sequence[Leaf], inside: NDArray[np.bool_]) -> list[Box]:
    """Return the boxes that hold a notable part of the segment, the fullest first, joined where they touch."""
    held = {leaf.box: np.count_nonzero(inside[leaf.rows]) for leaf in leaves}
    least = SMALLEST_PART * np.count_nonzero(inside)
    notable = [box for box in sorted(held, key=lambda box: -held[box]) if held[box] >= least]
    return joined(notable)


def _rule(
    boxes: Sequence[Box],
    values: FloatMatrix,
    inside: NDArray[np.bool_],
    columns: Columns,
    fills: Mapping[str, float],
    fidelity: float,
) -> Rule:
    if not boxes:
        return Rule(NO_SHORT_RULE, None, None, None, fidelity)
    selected = np.logical_or.reduce([box.holds(values) for box in boxes])
    hits = int(np.count_nonzero(selected & inside))
    coverage, precision = hits / int(np.count_nonzero(inside)), hits / int(np.count_nonzero(selected))
    words = "; or ".join(in_words(box, columns) for box in boxes)
    if min(fidelity, coverage, precision) < APPROXIMATE_BELOW:
        words = f"approximately: {words}"
    return Rule(words, sql_predicate(boxes, columns, fills), coverage, precision, fidelity)
