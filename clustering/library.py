"""Train a model on customers in memory, without a warehouse: for notebooks, the terminal and benchmarks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import ValidationError

from clustering.config import Column, Contract, ModelSpec, Transform, model_faults_in_words, specification
from clustering.errors import ConfigurationError, DataError
from clustering.features import Scaling, fit_scaling

if TYPE_CHECKING:
    import pandas as pd

    from clustering.training.criteria import Candidate
    from clustering.versions.metrics import Metrics


@dataclass(frozen=True)
class Clustering:
    """The result of `cluster`.

    `labels` (n,) are the clusters of the rows, -1 for noise; `confidence` (n,) is 0 to 1. `structure` is `structured`,
    or `none` when no cluster structure was found; `verdict` says so in a sentence. `refusal` is the reason why the
    labels must not be used, if there is one. `stability` is the mean bootstrap Jaccard of each cluster, `candidates` is
    what became of everything that was tried. `parameters` and `scaling` are all that labelling other rows needs.
    """

    labels: NDArray[np.int32]
    confidence: NDArray[np.float32]
    structure: str
    verdict: str
    refusal: str | None
    settings: Mapping[str, int | float | str]
    stability: tuple[float, ...]
    metrics: Metrics
    candidates: tuple[Candidate, ...]
    parameters: Mapping[str, NDArray[Any]]
    scaling: Scaling


def cluster(
    frame: pd.DataFrame,
    model: ModelSpec | Mapping[str, Any],
    *,
    transforms: Mapping[str, Transform] | None = None,
    medians: Collection[str] = (),
    categories: Collection[str] = (),
    segments: int = 5,
) -> Clustering:
    """Train a declared model on a frame with any numeric columns, and label its rows.

    `model` has the keys of a model's file; without `features`, all columns are. `transforms` names columns to take the
    logarithm of, `medians` those in which the median stands for what is missing, `categories` those whose values are
    categories, for K-Means; `segments` is the number of clusters for rows without groups. Of more than `sample_rows`
    rows, a sample is learnt from, and all are labelled. Raises ConfigurationError for a wrong setting, DataError for a
    column that is missing or holds anything but finite numbers, TrainingError when nothing can be learnt from the rows.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"spent": [1.0, 1.1, 1.2, 9.0, 9.1, 9.2], "visits": [1.0, 2.0, 1.5, 8.0, 9.0, 8.5]})
    >>> cluster(frame, {"algorithm": "kmeans", "clusters": 2}).labels.tolist()
    [0, 0, 0, 1, 1, 1]
    """
    from clustering.algorithms import algorithm
    from clustering.algorithms.sampling import draw_places
    from clustering.training.selection import select

    frame = frame.rename(columns=str)
    spec = _spec(frame, model)
    rows, contract = _rows(frame, spec, transforms or {}, medians, categories)
    places = draw_places(len(frame), spec.sample_rows, seed=spec.seed)
    scaling = fit_scaling(rows.take(pa.array(places)), spec.features, contract)
    features = scaling.apply(rows)
    selection = select(features[places], spec, seed=spec.seed, segments=segments, names=scaling.owners)
    assignment = algorithm(spec.algorithm).assigner(selection.fitted.parameters)(features)
    return Clustering(
        labels=assignment.labels,
        confidence=assignment.confidence,
        structure=selection.structure,
        verdict=selection.verdict,
        refusal=selection.refusal,
        settings=selection.fitted.settings,
        stability=selection.stability,
        metrics=selection.metrics,
        candidates=selection.candidates,
        parameters=selection.fitted.parameters,
        scaling=scaling,
    )


def _spec(frame: pd.DataFrame, model: ModelSpec | Mapping[str, Any]) -> ModelSpec:
    if not isinstance(model, Mapping):
        return model
    features = tuple(map(str, model.get("features", frame.columns)))
    if not features or len(set(features)) < len(features):
        raise ConfigurationError(f"features: at least one column, each once, found {list(features)}")
    try:  # a frame's columns may have any name, those of a warehouse may not
        spec = specification({**model, "features": ["frame"]})
    except ValidationError as error:
        raise ConfigurationError(model_faults_in_words(error, whole="model")) from None
    return spec.model_copy(update={"features": features})


def _rows(
    frame: pd.DataFrame,
    spec: ModelSpec,
    transforms: Mapping[str, Transform],
    medians: Collection[str],
    categories: Collection[str],
) -> tuple[pa.RecordBatch, Contract]:
    """Return the features' columns as rows, and a contract that declares them."""
    for given, names in (("transforms", transforms), ("medians", medians), ("categories", categories)):
        if unknown := set(names) - set(spec.features):
            raise ConfigurationError(f"{given}: {', '.join(sorted(unknown))} are not among {', '.join(spec.features)}")
    columns, values = {}, {}
    if categories and not spec.takes_categories:
        raise ConfigurationError(f"categories: {spec.algorithm} takes none; leave {', '.join(sorted(categories))} out")
    if set(spec.features) <= set(categories):
        raise ConfigurationError("categories: a model needs a number beside them, by which customers differ by degrees")
    for name in spec.features:
        if name in categories:
            values[name] = _categories(frame, name)
            columns[name] = Column(type="text", role="cluster", encode="one_hot", missing="allow")
            continue
        numbers = _numbers(frame, name, may_be_empty=name in medians)
        values[name] = pa.array(numbers, mask=np.isnan(numbers))
        transform = transforms.get(name, "none")
        if transform not in ("none", "log"):
            raise ConfigurationError(f"transforms: {name}: {transform!r}, allowed are none and log")
        if transform == "log" and np.nanmin(numbers, initial=0.0) < 0:
            raise DataError(
                f"column {name}: transform log takes log(1 + value) of 0 or more, found {np.nanmin(numbers):g}"
            )
        missing: Literal["median", "reject"] = "median" if name in medians else "reject"
        columns[name] = Column(type="number", role="cluster", transform=transform, range=(0, None), missing=missing)
    return pa.RecordBatch.from_pydict(values), Contract.model_construct(table="frame", columns=columns)


def _categories(frame: pd.DataFrame, name: str) -> pa.Array:
    """Return a column's values as text; what is missing stays so."""
    _require_once(frame, name)
    return pa.array(
        [None if missing else str(value) for value, missing in zip(frame[name], frame[name].isna(), strict=True)],
        pa.string(),
    )


def _require_once(frame: pd.DataFrame, name: str) -> None:
    if name not in frame:
        raise DataError(f"column {name} is missing; there are {', '.join(map(str, frame.columns))}")
    if (frame.columns == name).sum() > 1:
        raise DataError(f"column {name} is there twice; rename or drop one")


def _numbers(frame: pd.DataFrame, name: str, *, may_be_empty: bool) -> NDArray[np.float64]:
    _require_once(frame, name)
    try:
        values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise DataError(f"column {name} holds {frame[name].dtype}, not numbers; leave it out of the features") from None
    good = np.isfinite(values) | np.isnan(values) if may_be_empty else np.isfinite(values)
    if bad := int((~good).sum()):
        raise DataError(
            f"column {name}: {bad} of {len(values)} values are missing or infinite, such as in row "
            f"{int(good.argmin()) + 1}; drop or fill these rows"
        )
    return np.ascontiguousarray(values)
