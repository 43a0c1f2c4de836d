"""Who is chosen, and why the others are not."""

import numpy as np
import pytest

from clustering.algorithms import Fitted, algorithm
from clustering.algorithms.base import Noise
from clustering.config import DbscanSpec, GaussianMixtureSpec, KMeansSpec
from clustering.training.criteria import Evaluation, best_guess, choose, fall_back, finer_than
from clustering.training.null_model import Excess

KMEANS = KMeansSpec(algorithm="kmeans", features=("a", "b"))
GMM = GaussianMixtureSpec(algorithm="gmm", features=("a", "b"))
DBSCAN = DbscanSpec(algorithm="dbscan", features=("a", "b"))


def _evaluated(clusters, *, spec=KMEANS, strength=0.95, jaccard=0.95, gap=0.3, silhouette=0.5, flaws=(), **figures):
    labels = np.repeat(np.arange(clusters, dtype=np.int32), 20)
    noise: dict[tuple[str, Noise], Excess] = {
        ("gap", "unimodal"): Excess(gap, 0.02, 50),
        ("separation", "uniform"): Excess(0.1, 0.01, 50),
    }
    return Evaluation(
        {"n_clusters": clusters},
        spec,
        fitted=Fitted(object, {}, {}, labels),
        flaws=list(flaws),
        figures={"silhouette": silhouette, **figures},
        is_judged=True,
        jaccard=np.full((1, clusters), jaccard),
        strength=(strength, 0.01),
        noise={test: one for test, one in noise.items() if test in algorithm(spec.algorithm).least_errors},
    )


def test_the_largest_number_that_passes_is_taken():
    """Not the one with the best silhouette."""
    evaluated = [_evaluated(2, silhouette=0.9, gap=0.1), _evaluated(3, gap=0.2), _evaluated(4, jaccard=0.6)]

    assert choose(evaluated, incumbent=None) is evaluated[1]


def test_a_group_that_is_cut_in_two_is_not_taken():
    """More clusters whose gap is not larger are no improvement, however stable, and the record says so."""
    evaluated = [_evaluated(5, gap=0.54), _evaluated(6, gap=0.55)]

    assert choose(evaluated, incumbent=None) is evaluated[0]
    assert evaluated[1].record(chosen=False).verdicts[0].startswith("a group is cut in two")


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ({"strength": 0.78}, "unstable: prediction strength 0.78 ± 0.01 of one cluster is under 0.8"),
        ({"jaccard": 0.7}, "unstable: bootstrap Jaccard 0.70 of cluster 0 is under 0.75"),
        (
            {"gap": 0.03},
            "no groups: gap +0.030 against customers like these without groups, 1.5 standard errors, under 3",
        ),
        ({"flaws": ["too small"]}, "too small"),
    ],
)
def test_every_criterion_can_refuse(options, verdict):
    """What speaks against a candidate is said with its figure and the limit."""
    evaluated = _evaluated(3, **options)

    assert evaluated.verdicts() == [verdict]
    assert choose([evaluated], incumbent=None) is None


def test_prediction_strength_has_its_standard_error():
    """One error below the limit still passes (Tibshirani & Walther)."""
    assert _evaluated(3, strength=0.795).verdicts() == []


def test_a_mixture_takes_the_best_bic_of_those_that_pass():
    """Fewer components with a better criterion come first."""
    evaluated = [
        _evaluated(3, spec=GMM, bic=900.0),
        _evaluated(4, spec=GMM, bic=950.0),
        _evaluated(5, spec=GMM, bic=800.0, jaccard=0.5),
    ]

    assert choose(evaluated, incumbent=None) is evaluated[0]


def test_density_takes_the_first_that_passes():
    """They are proposed in the order of their agreement with the hierarchy."""
    evaluated = [_evaluated(3, spec=DBSCAN, flaws=["noise"]), _evaluated(4, spec=DBSCAN), _evaluated(5, spec=DBSCAN)]

    assert choose(evaluated, incumbent=None) is evaluated[1]


def test_small_unstable_clusters_do_not_sink_a_density():
    """The mean over customers decides, as long as two clusters are reliable."""
    evaluated = _evaluated(3, spec=DBSCAN)
    evaluated.fitted = Fitted(object, {}, {}, np.repeat([0, 1, 2, -1], [50, 45, 5, 10]).astype(np.int32))
    evaluated.jaccard = np.array([[0.9, 0.9, 0.2]])
    assert evaluated.verdicts() == []

    evaluated.jaccard = np.array([[0.99, 0.5, 0.2]])
    assert "at least 2 must" in evaluated.verdicts()[-1]


def test_what_holds_over_a_wide_range_of_eps_has_but_not_to_be_lost():
    """Bootstraps thin the customers out, and thin groups break in them; elsewhere density is asked for more."""
    wide, narrow = ([_evaluated(3, spec=DBSCAN, jaccard=0.55, eps_margin=one)] for one in (1.1, 1.0))

    assert choose(wide, incumbent=None) is wide[0]
    assert narrow[0].verdicts() == [
        "unstable: bootstrap Jaccard 0.55, the mean over customers, is under 0.8",
        "unstable: 0 clusters have a bootstrap Jaccard of 0.6 or more, at least 2 must",
    ]
    assert _evaluated(3, spec=DBSCAN, jaccard=0.77, eps_margin=1.0).verdicts()
    assert "is under 0.5" in _evaluated(3, spec=DBSCAN, jaccard=0.45, eps_margin=1.1).verdicts()[0]


def _chosen(evaluations, *, incumbent):
    chosen = choose(evaluations, incumbent=incumbent)
    assert chosen
    return chosen.clusters


def test_the_champions_settings_are_kept_in_a_near_tie():
    """With leniency towards their own limits, and only within a narrow margin of silhouettes."""
    weak = {"strength": 0.76, "jaccard": 0.72}
    assert _chosen([_evaluated(4, **weak), _evaluated(5)], incumbent={"n_clusters": 4}) == 4
    assert _chosen([_evaluated(4, **weak), _evaluated(5)], incumbent=None) == 5
    assert _chosen([_evaluated(4, gap=0.2, silhouette=0.4), _evaluated(5)], incumbent={"n_clusters": 4}) == 5
    assert _chosen([_evaluated(4, strength=0.7, jaccard=0.7), _evaluated(5)], incumbent={"n_clusters": 4}) == 5
    assert _chosen([_evaluated(4, **weak)], incumbent={"n_clusters": 4}) == 4


def test_the_champions_settings_are_not_kept_beyond_what_the_model_declares():
    """Whoever declares a smaller range than the champion's number gets it, also where nothing within it passes."""
    beyond = _evaluated(15, silhouette=0.9)
    beyond.is_declared = False

    assert _chosen([_evaluated(8), beyond], incumbent={"n_clusters": 15}) == 8
    assert choose([_evaluated(8, jaccard=0.5), beyond], incumbent={"n_clusters": 15}) is None


def test_a_finer_mixture_is_told_of_where_its_bic_is_better():
    """Mixtures have no gap, and more components that pass are no finer groups for that alone."""
    chosen, finer = _evaluated(3, spec=GMM, bic=900.0), _evaluated(12, spec=GMM, bic=950.0)
    finer.is_declared = False
    assert finer_than(chosen, [chosen, finer]) is None

    finer.figures["bic"] = 800.0
    assert finer_than(chosen, [chosen, finer]) is finer


def test_a_division_has_as_many_clusters_as_are_wanted():
    """Without flaws where that is possible; what could not be fitted comes last."""
    evaluated = [
        _evaluated(3),
        _evaluated(5, flaws=["tiny"]),
        _evaluated(6),
        Evaluation({"n_clusters": 7}, KMEANS, flaws=["no fit"]),
    ]

    assert fall_back(evaluated, clusters=5) is evaluated[2]
    assert fall_back(evaluated[1:2] + evaluated[3:], clusters=7) is evaluated[1]


def test_the_best_guess_is_the_likeliest():
    """The best silhouette for K-Means, the best BIC for a mixture."""
    assert best_guess([_evaluated(2, silhouette=0.4), _evaluated(3, silhouette=0.6), _evaluated(4)]).clusters == 3
    assert best_guess([_evaluated(2, spec=GMM, bic=10.0), _evaluated(3, spec=GMM, bic=5.0)]).clusters == 3
