"""How alike clusters have to be when they are found again in bootstrap samples (Jaccard; Hennig, 2007)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from clustering.algorithms.base import NOISE, FloatVector, Labels
from clustering.training.stability import mean_over_customers

LEAST_JACCARD = 0.75
LEAST_MEAN = 0.8  # over the customers of clusters in noise: uniform columns that are correlated have had 0.75 to 0.82
DISSOLVED = 0.5  # up to which a cluster is lost (Hennig, 2008)
WIDE_MARGIN = 1.06  # of `eps`, either way
PATTERN = 0.6  # Hennig's bound below which a cluster is not to be trusted
LARGEST_SHARE = 0.95  # of the customers in clusters


def least_mean(figures: Mapping[str, float]) -> float:
    """Return the least mean over the customers of clusters that noise surrounds.

    A bootstrap holds 63 % of the different rows, whose spacing grows, in two columns by a quarter, where `eps` stays:
    thin groups break there that are found at any `eps` of a wide range. Those must not be lost, and no more is asked.
    Versions of releases that did not know the margin were asked as much as a cluster is without noise.

    >>> least_mean({"eps_margin": 1.0}), least_mean({"eps_margin": 1.1}), least_mean({})
    (0.8, 0.5, 0.75)
    """
    margin = figures.get("eps_margin")
    if margin is None:
        return LEAST_JACCARD
    return DISSOLVED if margin >= WIDE_MARGIN else LEAST_MEAN


def weakest_group(jaccard: FloatVector, *, least: float) -> list[str]:
    """Return what speaks against clusters with these similarities (k,): one that is not found again."""
    weakest = int(jaccard.argmin())
    if jaccard[weakest] >= least:
        return []
    return [f"unstable: bootstrap Jaccard {jaccard[weakest]:.2f} of cluster {weakest} is under {LEAST_JACCARD}"]


def groups_in_noise(jaccard: FloatVector, labels: Labels, *, least: float, least_share: float) -> list[str]:
    """Return what speaks against clusters (k,) that noise surrounds, of customers with labels (n,).

    Small ones may come and go, as long as the customers' own stay.
    """
    sizes = np.bincount(labels[labels != NOISE], minlength=len(jaccard))
    found = []
    mean = mean_over_customers(jaccard, labels)
    if mean < least:
        found.append(f"unstable: bootstrap Jaccard {mean:.2f}, the mean over customers, is under {least:g}")
    pattern = min(PATTERN, least)
    held = np.count_nonzero((jaccard >= pattern) & (sizes >= least_share * len(labels)))
    if held < 2:
        found.append(f"unstable: {held} clusters have a bootstrap Jaccard of {pattern:g} or more, at least 2 must")
    if sizes.max(initial=0) > LARGEST_SHARE * sizes.sum():
        found.append(f"one cluster holds {100 * sizes.max() / sizes.sum():.0f} % of the customers that are in clusters")
    return found
