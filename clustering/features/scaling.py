"""How valid customers become a float matrix: fitted once, at training, and applied everywhere."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clustering.arithmetic import log1p
from clustering.config import Contract, Transform
from clustering.errors import DataError, TrainingError
from clustering.features.categories import (
    OTHER,
    Codes,
    codes_of,
    learn_levels,
    shares_of,
    spoken_level,
    unrelated,
    weight_of,
)

log = logging.getLogger(__name__)

FloatMatrix: TypeAlias = NDArray[np.float64]
FloatVector: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """How columns become features: log or none of each, then (value - mean) / scale.

    A number is one array, a category one for each of its `levels` and one for all others, or no array where it counts
    as nothing; `mean` and `scale` are (d,) of all d arrays. Without categories, d is the number of columns. `medians`
    holds, in the column's own unit, what stands for a missing value, of the columns that have learnt one.
    """

    columns: tuple[str, ...]
    transforms: tuple[Transform, ...]
    mean: FloatVector
    scale: FloatVector
    medians: Mapping[str, float] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def always_present(self) -> tuple[str, ...]:
        """The columns in which a customer has to have a value, since nothing stands for one."""
        return tuple(one for one in self.columns if one not in self.medians and one not in self.levels)

    @property
    def owners(self) -> tuple[str, ...]:
        """The column (d,) of each array; a category's stands several times."""
        return tuple(column for column in self.columns for _ in range(self._arrays(column)))

    def places(self, column: str) -> slice:
        """Return the places of a column's arrays."""
        start = sum(map(self._arrays, self.columns[: self.columns.index(column)]))
        return slice(start, start + self._arrays(column))

    def _arrays(self, column: str) -> int:
        levels = self.levels.get(column)
        return 1 if levels is None else len(levels) + bool(levels)

    def apply(self, rows: pa.RecordBatch) -> FloatMatrix:
        """Return the features (n, d) of valid customers, C order.

        The arithmetic is elementwise: a row's features never depend on the rows around it, nor on the processor. Raises
        DataError for a missing value for which nothing stands: a label made of it would mean nothing.
        """
        features = np.empty((rows.num_rows, len(self.mean)))
        # The difference of two numbers near the largest double is infinite; the algorithms bound what they take.
        with np.errstate(over="ignore"):
            for column, transform in zip(self.columns, self.transforms, strict=True):
                places = self.places(column)
                if column in self.levels:
                    codes = codes_of(rows.column(column), self.levels[column])
                    values = (codes[:, np.newaxis] == np.arange(places.stop - places.start)).astype(np.float64)
                else:
                    values = _transformed(rows, column, transform, self.medians.get(column))[:, np.newaxis]
                np.divide(values - self.mean[places], self.scale[places], out=features[:, places])
        return features

    def invert(self, features: FloatMatrix) -> FloatMatrix:
        """Return the values (n, d), in the columns' own units, that features (n, d) stand for; of a level, 1 or 0."""
        values = features * self.scale + self.mean
        with np.errstate(over="ignore"):
            for column, transform in zip(self.columns, self.transforms, strict=True):
                if transform == "log":
                    place = self.places(column).start
                    np.expm1(values[:, place], out=values[:, place])
        return values

    def category(self, features: FloatMatrix, column: str) -> list[str]:
        """Return the levels (n,) of a category that features (n, d) stand for, in words."""
        names = [*map(spoken_level, self.levels[column]), OTHER]
        if len(names) == 1:
            return [OTHER] * len(features)
        return [names[code] for code in self.invert(features)[:, self.places(column)].argmax(axis=1).tolist()]

    def to_dict(self) -> dict[str, Any]:
        """Return the scaling as JSON-able values, from which `from_dict` makes the same one to the last bit."""
        return {
            "columns": list(self.columns),
            "transforms": list(self.transforms),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            **({"medians": dict(self.medians)} if self.medians else {}),
            **({"levels": {name: list(levels) for name, levels in self.levels.items()}} if self.levels else {}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the scaling that `to_dict` described."""
        return cls(
            columns=tuple(values["columns"]),
            transforms=tuple(values["transforms"]),
            mean=np.array(values["mean"], dtype=np.float64),
            scale=np.array(values["scale"], dtype=np.float64),
            medians=values.get("medians", {}),
            levels={name: tuple(levels) for name, levels in values.get("levels", {}).items()},
        )


def fit_scaling(rows: pa.RecordBatch, columns: Sequence[str], contract: Contract) -> Scaling:
    """Fit mean and population standard deviation of each column after its declared transform.

    Where a column says `missing: median`, it is that of the values that are there, and stands for the others from here
    on. Of a category it is the levels, and whether it counts, see `categories`. The sums are exact, so the order of the
    rows does not matter. Raises TrainingError, which names the column, for one that is empty, constant or too large to
    standardise.
    """
    if not rows.num_rows:
        raise TrainingError("there are no valid customers to train on")
    transforms: tuple[Transform, ...] = tuple(contract.columns[column].of_number for column in columns)
    medians = {column: _median(rows, column) for column in columns if contract.columns[column].missing == "median"}
    numbers = {
        column: _transformed(rows, column, transform, medians.get(column))
        for column, transform in zip(columns, transforms, strict=True)
        if not contract.columns[column].encode
    }
    levels = {column: learn_levels(rows.column(column), column) for column in columns if column not in numbers}
    codes = {column: codes_of(rows.column(column), levels[column]) for column in levels}
    for column in unrelated(np.column_stack(list(numbers.values())), codes) if codes else ():
        levels[column] = ()
        log.warning("%s has nothing to do with any other feature, and counts as none: its values are no groups", column)
    moments = [
        moment
        for column in columns
        for moment in (
            [_moments(column, numbers[column])] if column in numbers else _of_levels(codes[column], levels[column])
        )
    ]
    mean, scale = np.array(moments).T
    return Scaling(tuple(columns), transforms, mean, scale, medians, levels)


def _of_levels(codes: Codes, levels: Sequence[str]) -> list[tuple[float, float]]:
    if not levels:
        return []
    shares = shares_of(codes, levels)
    return [(share, 1 / weight_of(shares)) for share in shares.tolist()]


def _median(rows: pa.RecordBatch, column: str) -> float:
    present = rows.column(column).drop_null()
    if not len(present):
        raise TrainingError(
            f"column {column} is empty for every customer, so it has no median; take it out of the model's features, "
            "or give the number to fill in under missing in customers.yaml"
        )
    return float(np.median(present.to_numpy(zero_copy_only=False)))


def _transformed(rows: pa.RecordBatch, column: str, transform: Transform, median: float | None) -> FloatVector:
    present = rows.column(column)
    if present.null_count and median is None:
        raise DataError(
            f"{present.null_count} of {len(present)} customers have no {column}, and the version has learnt nothing "
            "that stands for it; retrain the model"
        )
    values: FloatVector = present.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    if median is not None:
        values = np.where(np.isnan(values), median, values)
    return log1p(values) if transform == "log" else values


def _moments(column: str, values: FloatVector) -> tuple[float, float]:
    if values.min() == values.max():
        raise TrainingError(
            f"column {column} is {values[0]:g} for every customer, so nothing can be told from it; "
            "take it out of the model's features"
        )
    try:
        mean = math.fsum(values) / len(values)
        with np.errstate(over="raise"):
            variance = math.fsum((values - mean) ** 2) / len(values)
    except (OverflowError, FloatingPointError):
        raise TrainingError(
            f"column {column} reaches {np.abs(values).max():g}, too large to standardise; "
            "give it a range in customers.yaml"
        ) from None
    if variance == 0:
        raise TrainingError(f"column {column} differs by less than can be standardised; rescale it")
    return mean, math.sqrt(variance)
