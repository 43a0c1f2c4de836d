"""Groups that are Gaussian, or nearly so, of the kinds on which the choice of their number has been seen to fail.

Each kind takes a generator of chance and a number of rows, and returns rows (n, d) and groups (n,), -1 for noise.
"""

from __future__ import annotations

import numpy as np

from thin_shapes import Groups, Kind, Rows, centres_apart, number_of_groups, with_noise


def many_equal(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Eleven to thirty round groups of like size, a few of which nearly touch."""
    return _mixture(generator, rows, low=11, high=30, apart=5.0)


def few_touching(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Two to six round groups, the nearest of them as near as normal groups can be told apart."""
    return _mixture(generator, rows, low=2, high=6, apart=3.6)


def twins(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Two Gaussians that touch."""
    groups = np.arange(rows) % 2
    return generator.normal(size=(rows, 2)) + np.column_stack([3.6 * groups, np.zeros(rows)]), groups


def unequal_sizes(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Three to twelve groups of which the largest has ten times the rows of the smallest."""
    return _mixture(generator, rows, low=3, high=12, apart=5.0, ratio=10.0)


def anisotropic(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Two to ten long groups, each in its own direction."""
    return _mixture(generator, rows, low=2, high=10, apart=6.0, longest=2.5)


def many_anisotropic(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Eleven to thirty long groups of unequal sizes."""
    return _mixture(generator, rows, low=11, high=30, apart=7.0, ratio=3.0, longest=2.0)


def unequal_widths(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Three to eight groups, some of them three times as wide as others."""
    return _mixture(generator, rows, low=3, high=8, apart=8.0, widest=3.0)


def in_many_columns(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Three to ten groups in four to eight columns."""
    return _mixture(generator, rows, low=3, high=10, apart=5.0, dimensions=int(generator.integers(4, 9)))


def in_noise(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Three to eight groups in noise of 10 %."""
    found, groups = _mixture(generator, rows - rows // 10, low=3, high=8, apart=6.0)
    return with_noise(generator, found, groups, 0.1)


def core_in_wide(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Draw a dense core inside a wide group."""
    groups = np.arange(rows) % 2
    return generator.normal(size=(rows, 2)) * np.where(groups, 3.0, 0.3)[:, np.newaxis], groups


def whole_numbers(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Three to six groups in two columns, of which one was rounded to whole numbers, so that a tenth are ties."""
    found, groups = _mixture(generator, rows, low=3, high=6, apart=5.5)
    return np.column_stack([np.round(found[:, 0] / 1.5), found[:, 1]]), groups


def bent_bands(generator: np.random.Generator, rows: int) -> tuple[Rows, Groups]:
    """Two bent bands, which no Gaussian resembles."""
    groups = np.arange(rows) % 2
    angle = np.pi * generator.uniform(0, 1, rows)
    curve = np.column_stack([np.cos(angle), np.sin(angle)]) * np.where(groups, -1, 1)[:, np.newaxis]
    return curve + np.column_stack([1.0 * groups, 0.35 * groups]) + generator.normal(0, 0.08, (rows, 2)), groups


def _mixture(
    generator: np.random.Generator,
    rows: int,
    *,
    low: int,
    high: int,
    apart: float,
    dimensions: int = 2,
    ratio: float = 1.0,
    longest: float = 1.0,
    widest: float = 1.0,
) -> tuple[Rows, Groups]:
    """Return a mixture whose groups differ in size by `ratio`, are `longest` times as long as wide, or wider."""
    count = number_of_groups(generator, rows, low, high)
    shares = np.geomspace(1, ratio, count)
    groups = generator.choice(count, rows, p=shares / shares.sum())
    centres = centres_apart(generator, count, dimensions, apart=apart)
    found = generator.normal(size=(rows, dimensions))
    for group in range(count):
        here = groups == group
        turn = np.linalg.qr(generator.normal(size=(dimensions, dimensions)))[0]
        lengths = np.append(longest, np.ones(dimensions - 1)) * generator.uniform(1, widest)
        found[here] = (found[here] * lengths) @ turn + centres[group]
    return found, groups


MIXTURE: dict[str, Kind] = {
    "11 to 30 round groups of like size": many_equal,
    "2 to 6 groups that touch": few_touching,
    "two Gaussians that touch": twins,
    "3 to 12 groups of unequal size": unequal_sizes,
    "2 to 10 long groups": anisotropic,
    "11 to 30 long groups of unequal size": many_anisotropic,
    "3 to 8 groups of unequal width": unequal_widths,
    "3 to 10 groups in 4 to 8 columns": in_many_columns,
    "3 to 8 groups in 10 % noise": in_noise,
    "a dense core inside a wide group": core_in_wide,
    "3 to 6 groups, one column of whole numbers": whole_numbers,
    "two bent bands": bent_bands,
}
