"""Groups that density tells apart, of the kinds on which the choice of settings has been seen to fail.

Each kind takes a generator of chance and a number of rows, and returns rows (n, d) and groups (n,), -1 for noise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
Groups = NDArray[np.int64]
Kind = Callable[[np.random.Generator, int], tuple[Rows, Groups]]

FEWEST_ROWS = 20  # of a group


def centres_apart(generator: np.random.Generator, count: int, dimensions: int, *, apart: float) -> Rows:
    """Return centres (k, d) of which no two lie nearer than `apart`, in a box that they about fill."""
    side = 1.3 * apart * count ** (1 / dimensions)
    found = [generator.uniform(0, side, dimensions)]
    while len(found) < count:
        one = generator.uniform(0, side, dimensions)
        side *= 1.001
        if np.linalg.norm(np.array(found) - one, axis=1).min() >= apart:
            found.append(one)
    return np.array(found)


def number_of_groups(generator: np.random.Generator, rows: int, low: int, high: int) -> int:
    """Return a number of groups of which each can have FEWEST_ROWS."""
    most = max(2, min(high, rows // FEWEST_ROWS))
    return int(generator.integers(min(low, most), most + 1))


def with_noise(generator: np.random.Generator, rows: Rows, groups: Groups, share: float) -> tuple[Rows, Groups]:
    """Return rows and groups with noise all over their box, which makes up a share of all."""
    count = round(len(rows) * share / (1 - share))
    low, high = rows.min(axis=0), rows.max(axis=0)
    reach = 0.1 * (high - low)
    noise = generator.uniform(low - reach, high + reach, (count, rows.shape[1]))
    return np.vstack([rows, noise]), np.append(groups, np.full(count, -1))


def small_groups(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    return _round_groups(generator, rows, dimensions=2)


def small_groups_in_many_columns(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    return _round_groups(generator, rows, dimensions=int(generator.integers(3, 9)))


def small_groups_in_noise(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    found, groups = _round_groups(generator, rows - rows // 10, dimensions=2)
    return with_noise(generator, found, groups, 0.1)


def winding(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Two thin groups that wind about each other."""
    groups = np.arange(rows) % 2
    turn = np.pi * generator.uniform(2.5, 4.0) * np.sqrt(generator.uniform(0.05, 1, rows))
    angle = turn + np.pi * groups
    curve = np.column_stack([turn * np.cos(angle), turn * np.sin(angle)])
    return curve + generator.normal(0, 0.25, (rows, 2)), groups


def zigzags(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Three zigzags above each other, in scattered noise."""
    inside = rows - rows // 10
    groups = np.arange(inside) % 3
    along = generator.uniform(0, 4, inside)
    height = np.abs(along % 2 - 1) + 0.9 * groups
    curve = np.column_stack([along, height]) + generator.normal(0, 0.05, (inside, 2))
    return with_noise(generator, curve, groups, 0.1)


def rings_in_noise(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Three rings within each other, the outer ones of more rows, in scattered noise."""
    inside = rows - rows // 10
    groups = generator.choice(3, inside, p=np.array([1, 2, 3]) / 6)
    angle = generator.uniform(0, 2 * np.pi, inside)
    radius = 1.0 + groups + generator.normal(0, 0.08, inside)
    curve = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return with_noise(generator, curve, groups, 0.1)


def dense_inside_thin(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Two dense groups inside a much thinner, wide one, which leaves a gap around them."""
    groups = generator.choice(3, rows, p=[0.4, 0.3, 0.3])
    wide = generator.uniform(-6, 6, (8 * rows, 2))
    centres = np.array([[-2.5, 0.0], [2.5, 1.0]])
    clear = np.linalg.norm(wide[:, np.newaxis] - centres, axis=2).min(axis=1) > 1.6
    found = wide[clear][:rows]
    for group in (1, 2):
        here = groups == group
        found[here] = centres[group - 1] + generator.normal(0, 0.3, (int(here.sum()), 2))
    return found, groups


def dense_beside_thin(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Draw groups beside each other whose densities differ by two orders of magnitude."""
    groups = generator.choice(4, rows, p=[0.3, 0.25, 0.25, 0.2])
    centres, scale = np.array([[0.0, 0.0], [8.0, 0.0], [9.6, 0.0], [0.0, 9.0]]), np.array([1.4, 0.2, 0.2, 0.7])
    return centres[groups] + scale[groups, np.newaxis] * generator.normal(size=(rows, 2)), groups


def labyrinth(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Long walls, straight and bent, with narrow ways between them."""
    corners = [
        [(0, 0), (6, 0), (6, 5)],
        [(0, 1), (5, 1), (5, 4), (2, 4)],
        [(0, 2), (4, 2)],
        [(-1, 0), (-1, 6), (7, 6), (7, 0)],
        [(0, 3), (1, 3), (1, 5), (5, 5)],
    ]
    walls = [np.array(one, dtype=float) for one in corners]
    lengths = np.array([np.abs(np.diff(one, axis=0)).sum() for one in walls])
    groups = generator.choice(len(walls), rows, p=lengths / lengths.sum())
    found = np.empty((rows, 2))
    for group, wall in enumerate(walls):
        here = groups == group
        ends = np.append(0.0, np.cumsum(np.abs(np.diff(wall, axis=0)).sum(axis=1)))
        along = generator.uniform(0, ends[-1], int(here.sum()))
        found[here] = np.column_stack([np.interp(along, ends, column) for column in wall.T])
    return found + generator.uniform(-0.22, 0.22, (rows, 2)), groups


def linked_rings(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Two rings in three columns, each through the other."""
    groups = np.arange(rows) % 2
    angle = generator.uniform(0, 2 * np.pi, rows)
    flat = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(rows)])
    upright = np.column_stack([1 + np.cos(angle), np.zeros(rows), np.sin(angle)])
    return np.where(groups[:, np.newaxis] == 0, flat, upright) + generator.normal(0, 0.1, (rows, 3)), groups


def touching_diamonds(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Two squares, filled evenly, that meet in a corner."""
    groups = np.arange(rows) % 2
    square = generator.uniform(-1, 1, (rows, 2)) @ np.array([[0.7, 0.7], [-0.7, 0.7]])
    return square + np.column_stack([2.85 * groups, np.zeros(rows)]), groups


def unequal_squares(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Two squares that meet in a corner, one of half the density."""
    found, groups = touching_diamonds(generator, 2 * rows)
    kept = np.flatnonzero((groups == 0) | (generator.random(2 * rows) < 0.5))[:rows]
    return found[kept], groups[kept]


def _round_groups(generator: np.random.Generator, rows: int, *, dimensions: int) -> tuple[Rows, Groups]:
    count = number_of_groups(generator, rows, 15, 50)
    centres = centres_apart(generator, count, dimensions, apart=6.0 + 0.4 * dimensions)
    groups = np.arange(rows) % count
    return centres[groups] + generator.normal(size=(rows, dimensions)), groups


THIN: dict[str, Kind] = {
    "15 to 50 small groups": small_groups,
    "15 to 50 small groups, 3 to 8 columns": small_groups_in_many_columns,
    "15 to 50 small groups in 10 % noise": small_groups_in_noise,
    "two winding groups": winding,
    "zigzags in 10 % noise": zigzags,
    "rings in 10 % noise": rings_in_noise,
    "dense groups beside thin ones": dense_beside_thin,
    "labyrinth of walls": labyrinth,
    "dense groups inside a thin one": dense_inside_thin,
    "two squares that touch": touching_diamonds,
    "two squares of unequal density": unequal_squares,
    "linked rings": linked_rings,
}
