"""The criteria and the tuning on generated data whose answer is known; `benchmarks` measures more of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from joblib import Parallel, delayed

import shapes
import verdicts
from kinds import NOISE as NOISE_KINDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("whole_evaluation")]

SEEDS = (3,)
NOISE = tuple(NOISE_KINDS)
JOBS = 4


def judged(names: Sequence[str], models: Sequence[str]) -> list[verdicts.Verdict]:
    """Return the verdicts on data sets by models, for every seed."""
    cases = [(name, model, seed) for name in names for model in models for seed in SEEDS]
    found: list[verdicts.Verdict] = Parallel(n_jobs=JOBS)(delayed(verdicts.judge)(*case) for case in cases)
    return found


def ratio(results: Sequence[shapes.Result]) -> float:
    """Return the mean adjusted Rand index of the tuned clusterings over that of the best ones."""
    return float(np.mean([one.tuned for one in results]) / np.mean([one.best for one in results]))


@pytest.mark.soak
def test_noise_has_no_structure() -> None:
    """One in a hundred may be taken for structure; K-Means divides the others, and the other models are refused.

    It divides into five, but for heavy tails, in which outliers would be clusters of their own.
    """
    found = judged(NOISE, verdicts.MODELS)
    for model in verdicts.MODELS:
        assert sum(one.structure == "structured" for one in found if one.model == model) <= 1, model
    for verdict in found:
        if verdict.structure == "none":
            assert verdict.refused == (verdict.model != "kmeans"), verdict
            assert verdict.model != "kmeans" or verdict.clusters == 5 or "heavy" in verdict.data, verdict


def test_five_groups_are_found() -> None:
    """Groups as far apart as those of the Mall customers, of equal size or of theirs."""
    for verdict in judged([name for name in verdicts.DATA if name.startswith("five")], ("kmeans", "gmm")):
        assert (verdict.structure, verdict.clusters) == ("structured", 5), verdict


def test_density_holds_groups_that_nearly_touch() -> None:
    """DBSCAN finds structure in them too."""
    for verdict in judged(["five groups, 2,000 rows"], ("dbscan",)):
        assert verdict.structure == "structured", verdict


@pytest.mark.soak
def test_tuned_dbscan_is_close_to_the_best() -> None:
    """Nearly nine tenths of the best over a grid, over one draw of all shapes; the benchmark takes five."""
    assert ratio(Parallel(n_jobs=JOBS)(delayed(shapes.dbscan_result)(shape, 11) for shape in shapes.SHAPES)) >= 0.85


@pytest.mark.soak
def test_mixture_of_unknown_size_is_close_to_the_best() -> None:
    """Nearly nine tenths of the best covariance type at the true number, over one draw of the mixtures."""
    assert ratio(Parallel(n_jobs=JOBS)(delayed(shapes.mixture_result)(shape, 11) for shape in shapes.MIXTURES)) >= 0.85
